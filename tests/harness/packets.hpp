// Packets for tests, built byte by byte from values.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "berth/address.hpp"
#include "wire/icmp.hpp"
#include "wire/tcp.hpp"

namespace berth::harness {

using Packet = std::vector<std::uint8_t>;

Packet ipv4_packet(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                   Bytes payload);
Packet tcp_packet(const wire::TcpHeader& header, Ipv4Address source, Ipv4Address destination,
                  Bytes payload);
// With these bytes in place of the header's options, filled up with zeros to a multiple of four.
Packet tcp_packet_with_raw_options(const wire::TcpHeader& header, Ipv4Address source,
                                   Ipv4Address destination, Bytes raw_options, Bytes payload);
Packet udp_packet(Endpoint source, Endpoint destination, Bytes payload);
Packet icmp_packet(Ipv4Address source, Ipv4Address destination, const wire::IcmpHeader& header,
                   Bytes payload);

}  // namespace berth::harness
