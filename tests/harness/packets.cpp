#include "harness/packets.hpp"

#include <algorithm>
#include <array>

#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"
#include "wire/udp.hpp"

namespace berth::harness {
namespace {

constexpr std::uint8_t protocol_number(Protocol protocol) {
    return static_cast<std::uint8_t>(protocol);
}

void append(Packet& packet, Bytes bytes) {
    packet.insert(packet.end(), bytes.begin(), bytes.end());
}

}  // namespace

Packet ipv4_packet(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                   Bytes payload) {
    Packet packet(wire::ipv4_header_bytes);
    wire::Ipv4Header header;
    header.total_length = static_cast<std::uint16_t>(packet.size() + payload.size());
    header.protocol = protocol;
    header.source = source;
    header.destination = destination;
    wire::write(header, packet);
    append(packet, payload);
    return packet;
}

Packet tcp_packet(const wire::TcpHeader& header, Ipv4Address source, Ipv4Address destination,
                  Bytes payload) {
    Packet segment(wire::tcp_header_size(header.options));
    const std::array<Bytes, 1> slices{payload};
    wire::write_tcp(header, source, destination, slices, segment);
    append(segment, payload);
    return ipv4_packet(source, destination, protocol_number(Protocol::tcp), segment);
}

Packet tcp_packet_with_raw_options(const wire::TcpHeader& header, Ipv4Address source,
                                   Ipv4Address destination, Bytes raw_options, Bytes payload) {
    constexpr std::size_t offset_at = 12;
    constexpr std::size_t checksum_at = 16;
    wire::TcpHeader plain = header;
    plain.options = {};
    Packet segment(wire::tcp_header_bytes);
    wire::write_tcp(plain, source, destination, {}, segment);
    append(segment, raw_options);
    segment.resize((segment.size() + 3) / 4 * 4);
    segment[offset_at] =
        static_cast<std::uint8_t>(segment.size() / 4 << 4 | (segment[offset_at] & 0x0fU));
    append(segment, payload);
    store_be16(segment, checksum_at, 0);
    wire::Checksum sum;
    sum.add_pseudo_header(source, destination, protocol_number(Protocol::tcp),
                          static_cast<std::uint16_t>(segment.size()));
    sum.add(segment);
    store_be16(segment, checksum_at, sum.finish());
    return ipv4_packet(source, destination, protocol_number(Protocol::tcp), segment);
}

Packet udp_packet(Endpoint source, Endpoint destination, Bytes payload) {
    Packet datagram(wire::udp_header_bytes);
    const std::array<Bytes, 1> slices{payload};
    wire::write_udp(source, destination, slices, datagram);
    append(datagram, payload);
    return ipv4_packet(source.address, destination.address, protocol_number(Protocol::udp),
                       datagram);
}

Packet icmp_packet(Ipv4Address source, Ipv4Address destination, const wire::IcmpHeader& header,
                   Bytes payload) {
    Packet message(wire::icmp_header_bytes);
    wire::write(header, payload, message);
    append(message, payload);
    return ipv4_packet(source, destination, protocol_number(Protocol::icmp), message);
}

}  // namespace berth::harness
