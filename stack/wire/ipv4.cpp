#include "wire/ipv4.hpp"

#include "wire/checksum.hpp"
#include "wire/ipv4_options.hpp"

namespace berth::wire {
namespace {

constexpr std::size_t version_at = 0;
constexpr std::size_t traffic_class_at = 1;
constexpr std::size_t total_length_at = 2;
constexpr std::size_t identification_at = 4;
constexpr std::size_t fragment_at = 6;
constexpr std::size_t ttl_at = 8;
constexpr std::size_t protocol_at = 9;
constexpr std::size_t checksum_at = 10;
constexpr std::size_t source_at = 12;
constexpr std::size_t destination_at = 16;

constexpr std::uint16_t dont_fragment_bit = 0x4000;
constexpr std::uint16_t more_fragments_bit = 0x2000;
constexpr std::uint16_t fragment_offset_mask = 0x1fff;  // in units of eight bytes

}  // namespace

Result<Ipv4View, DropReason> Ipv4View::parse(Bytes packet) {
    if (packet.size() < ipv4_header_bytes) return Failure{DropReason::ip_truncated};
    if (packet[version_at] >> 4 != 4) return Failure{DropReason::ip_bad_version};
    const std::size_t header_size = std::size_t{4} * (packet[version_at] & 0x0fU);
    if (header_size < ipv4_header_bytes || header_size > packet.size()) {
        return Failure{DropReason::ip_bad_header_length};
    }
    const std::size_t total_length = load_be16(packet, total_length_at);
    if (total_length < header_size || total_length > packet.size()) {
        return Failure{DropReason::ip_bad_total_length};
    }
    if (checksum_of(packet.first(header_size)) != 0) return Failure{DropReason::ip_bad_checksum};
    const Ipv4View view(packet.first(total_length));
    if (header_size > ipv4_header_bytes && !walk_options(view.options(), [](Bytes) {})) {
        return Failure{DropReason::ip_bad_option};
    }
    return view;
}

Ipv4Address Ipv4View::source() const {
    return Ipv4Address(load_be32(packet_, source_at));
}
Ipv4Address Ipv4View::destination() const {
    return Ipv4Address(load_be32(packet_, destination_at));
}
std::uint8_t Ipv4View::protocol() const {
    return packet_[protocol_at];
}
std::uint8_t Ipv4View::ttl() const {
    return packet_[ttl_at];
}
std::uint8_t Ipv4View::ecn() const {
    return packet_[traffic_class_at] & 0x03;
}

bool Ipv4View::is_fragment() const {
    return (load_be16(packet_, fragment_at) & (more_fragments_bit | fragment_offset_mask)) != 0;
}

Ipv4Header Ipv4View::header() const {
    const std::uint16_t fragment = load_be16(packet_, fragment_at);
    Ipv4Header header;
    header.dscp = static_cast<std::uint8_t>(packet_[traffic_class_at] >> 2);
    header.ecn = ecn();
    header.total_length = load_be16(packet_, total_length_at);
    header.identification = load_be16(packet_, identification_at);
    header.dont_fragment = (fragment & dont_fragment_bit) != 0;
    header.more_fragments = (fragment & more_fragments_bit) != 0;
    header.fragment_offset_bytes =
        static_cast<std::uint16_t>((fragment & fragment_offset_mask) * 8);
    header.ttl = ttl();
    header.protocol = protocol();
    header.source = source();
    header.destination = destination();
    return header;
}

Bytes Ipv4View::options() const {
    return packet_.subspan(ipv4_header_bytes, header_bytes() - ipv4_header_bytes);
}

bool Ipv4View::has_source_route() const {
    bool found = false;
    walk_options(options(), [&found](Bytes option) {
        found |= option[0] == ipv4_option::loose_source_route ||
                 option[0] == ipv4_option::strict_source_route;
    });
    return found;
}

Bytes Ipv4View::payload() const {
    return packet_.subspan(header_bytes());
}

void write(const Ipv4Header& header, MutableBytes to) {
    const int fragment = (header.dont_fragment ? dont_fragment_bit : 0) |
                         (header.more_fragments ? more_fragments_bit : 0) |
                         header.fragment_offset_bytes / 8;
    to[version_at] = 4 << 4 | ipv4_header_bytes / 4;
    to[traffic_class_at] = static_cast<std::uint8_t>(header.dscp << 2 | (header.ecn & 0x03));
    store_be16(to, total_length_at, header.total_length);
    store_be16(to, identification_at, header.identification);
    store_be16(to, fragment_at, static_cast<std::uint16_t>(fragment));
    to[ttl_at] = header.ttl;
    to[protocol_at] = header.protocol;
    store_be16(to, checksum_at, 0);
    store_be32(to, source_at, header.source.value);
    store_be32(to, destination_at, header.destination.value);
    store_be16(to, checksum_at, checksum_of(to.first(ipv4_header_bytes)));
}

}  // namespace berth::wire
