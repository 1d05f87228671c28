#include "wire/udp.hpp"

#include "wire/checksum.hpp"

namespace berth::wire {
namespace {

constexpr std::size_t source_port_at = 0;
constexpr std::size_t destination_port_at = 2;
constexpr std::size_t length_at = 4;
constexpr std::size_t checksum_at = 6;

constexpr auto udp_protocol = static_cast<std::uint8_t>(Protocol::udp);

}  // namespace

Result<UdpView, DropReason> UdpView::parse(Bytes segment, Ipv4Address source,
                                           Ipv4Address destination, bool checksum_vouched) {
    if (segment.size() < udp_header_bytes) return Failure{DropReason::udp_truncated};
    const std::uint16_t length = load_be16(segment, length_at);
    if (length < udp_header_bytes || length > segment.size()) {
        return Failure{DropReason::udp_bad_length};
    }
    const Bytes datagram = segment.first(length);
    // Zero: the sender computed none (RFC 768; RFC 1122 §4.1.3.4 lets the receiver accept it).
    if (!checksum_vouched && load_be16(segment, checksum_at) != 0) {
        Checksum checksum;
        checksum.add_pseudo_header(source, destination, udp_protocol, length);
        checksum.add(datagram);
        if (checksum.finish() != 0) return Failure{DropReason::udp_bad_checksum};
    }
    return UdpView(datagram);
}

Port UdpView::source_port() const {
    return load_be16(datagram_, source_port_at);
}
Port UdpView::destination_port() const {
    return load_be16(datagram_, destination_port_at);
}
Bytes UdpView::payload() const {
    return datagram_.subspan(udp_header_bytes);
}

void write_udp(Endpoint source, Endpoint destination, std::span<const Bytes> payload,
               MutableBytes to) {
    std::size_t length = udp_header_bytes;
    for (const Bytes slice : payload)
        length += slice.size();
    store_be16(to, source_port_at, source.port);
    store_be16(to, destination_port_at, destination.port);
    store_be16(to, length_at, static_cast<std::uint16_t>(length));
    store_be16(to, checksum_at, 0);

    Checksum checksum;
    checksum.add_pseudo_header(source.address, destination.address, udp_protocol,
                               static_cast<std::uint16_t>(length));
    checksum.add(to.first(udp_header_bytes));
    for (const Bytes slice : payload)
        checksum.add(slice);
    const std::uint16_t sum = checksum.finish();
    store_be16(to, checksum_at, sum == 0 ? 0xffff : sum);
}

}  // namespace berth::wire
