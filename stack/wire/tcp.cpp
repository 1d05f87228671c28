#include "wire/tcp.hpp"

#include "wire/checksum.hpp"
#include "wire/tcp_options.hpp"

namespace berth::wire {
namespace {

constexpr std::size_t source_port_at = 0;
constexpr std::size_t destination_port_at = 2;
constexpr std::size_t seq_at = 4;
constexpr std::size_t ack_at = 8;
constexpr std::size_t data_offset_at = 12;
constexpr std::size_t flags_at = 13;
constexpr std::size_t window_at = 14;
constexpr std::size_t checksum_at = 16;
constexpr std::size_t urgent_pointer_at = 18;

constexpr auto tcp_protocol = static_cast<std::uint8_t>(Protocol::tcp);

constexpr std::size_t header_size_of(Bytes segment) {
    return std::size_t{4} * (segment[data_offset_at] >> 4);
}

}  // namespace

Result<TcpView, DropReason> TcpView::parse(Bytes segment, Ipv4Address source,
                                           Ipv4Address destination, bool checksum_vouched) {
    if (segment.size() < tcp_header_bytes) return Failure{DropReason::tcp_truncated};
    const std::size_t header_size = header_size_of(segment);
    if (header_size < tcp_header_bytes || header_size > segment.size()) {
        return Failure{DropReason::tcp_bad_offset};
    }
    if (!checksum_vouched) {
        Checksum checksum;
        checksum.add_pseudo_header(source, destination, tcp_protocol,
                                   static_cast<std::uint16_t>(segment.size()));
        checksum.add(segment);
        if (checksum.finish() != 0) return Failure{DropReason::tcp_bad_checksum};
    }
    return TcpView(segment);
}

Port TcpView::source_port() const {
    return load_be16(segment_, source_port_at);
}
Port TcpView::destination_port() const {
    return load_be16(segment_, destination_port_at);
}
std::uint32_t TcpView::seq() const {
    return load_be32(segment_, seq_at);
}
std::uint32_t TcpView::ack() const {
    return load_be32(segment_, ack_at);
}
TcpFlags TcpView::flags() const {
    return TcpFlags::from_byte(segment_[flags_at]);
}
std::uint16_t TcpView::window() const {
    return load_be16(segment_, window_at);
}
std::uint16_t TcpView::urgent_pointer() const {
    return load_be16(segment_, urgent_pointer_at);
}
TcpOptions TcpView::options() const {
    return parse_tcp_options(segment_.first(header_size_of(segment_)).subspan(tcp_header_bytes));
}
Bytes TcpView::payload() const {
    return segment_.subspan(header_size_of(segment_));
}

TcpHeader TcpView::header() const {
    TcpHeader header;
    header.source_port = source_port();
    header.destination_port = destination_port();
    header.seq = seq();
    header.ack = ack();
    header.flags = flags();
    header.window = window();
    header.urgent_pointer = urgent_pointer();
    header.options = options();
    return header;
}

std::size_t tcp_header_size(const TcpOptions& options) {
    return tcp_header_bytes + tcp_options_size(options);
}

std::size_t write_tcp(const TcpHeader& header, Ipv4Address source, Ipv4Address destination,
                      std::span<const Bytes> payload, MutableBytes to) {
    const std::size_t header_size =
        tcp_header_bytes + write_tcp_options(header.options, to.subspan(tcp_header_bytes));
    store_be16(to, source_port_at, header.source_port);
    store_be16(to, destination_port_at, header.destination_port);
    store_be32(to, seq_at, header.seq);
    store_be32(to, ack_at, header.ack);
    to[data_offset_at] = static_cast<std::uint8_t>(header_size / 4 << 4);
    to[flags_at] = header.flags.to_byte();
    store_be16(to, window_at, header.window);
    store_be16(to, checksum_at, 0);
    store_be16(to, urgent_pointer_at, header.urgent_pointer);

    std::size_t length = header_size;
    for (const Bytes slice : payload)
        length += slice.size();
    Checksum checksum;
    checksum.add_pseudo_header(source, destination, tcp_protocol,
                               static_cast<std::uint16_t>(length));
    checksum.add(to.first(header_size));
    for (const Bytes slice : payload)
        checksum.add(slice);
    store_be16(to, checksum_at, checksum.finish());
    return header_size;
}

}  // namespace berth::wire
