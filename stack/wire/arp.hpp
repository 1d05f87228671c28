// ARP for IPv4 over Ethernet (RFC 826).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

enum class ArpOperation : std::uint16_t { request = 1, reply = 2 };

struct ArpPacket {
    ArpOperation operation = ArpOperation::request;
    MacAddress sender_mac;
    Ipv4Address sender_ip;
    MacAddress target_mac;
    Ipv4Address target_ip;

    constexpr bool operator==(const ArpPacket&) const = default;
};

inline constexpr std::size_t arp_packet_bytes = 28;

// ARP is small and has no payload: parsing gives the whole packet as a value. Trailing padding is
// ignored. arp_truncated, or arp_unsupported for other hardware, protocols, lengths or operations.
Result<ArpPacket, DropReason> parse_arp(Bytes packet);

// Writes arp_packet_bytes at the start of `to`.
void write(const ArpPacket& packet, MutableBytes to);

}  // namespace berth::wire
