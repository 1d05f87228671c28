#include "wire/arp.hpp"

#include <algorithm>

namespace berth::wire {
namespace {

constexpr std::size_t hardware_type_at = 0;
constexpr std::size_t protocol_type_at = 2;
constexpr std::size_t hardware_length_at = 4;
constexpr std::size_t protocol_length_at = 5;
constexpr std::size_t operation_at = 6;
constexpr std::size_t fixed_bytes = 8;  // up to here every ARP packet is alike
constexpr std::size_t sender_mac_at = 8;
constexpr std::size_t sender_ip_at = 14;
constexpr std::size_t target_mac_at = 18;
constexpr std::size_t target_ip_at = 24;

constexpr std::uint16_t hardware_ethernet = 1;
constexpr std::uint16_t protocol_ipv4 = 0x0800;
constexpr std::uint8_t mac_bytes = 6;
constexpr std::uint8_t ipv4_bytes = 4;

bool is_supported(Bytes packet) {
    const std::uint16_t operation = load_be16(packet, operation_at);
    return load_be16(packet, hardware_type_at) == hardware_ethernet &&
           load_be16(packet, protocol_type_at) == protocol_ipv4 &&
           packet[hardware_length_at] == mac_bytes && packet[protocol_length_at] == ipv4_bytes &&
           (operation == static_cast<std::uint16_t>(ArpOperation::request) ||
            operation == static_cast<std::uint16_t>(ArpOperation::reply));
}

}  // namespace

Result<ArpPacket, DropReason> parse_arp(Bytes packet) {
    if (packet.size() < fixed_bytes) return Failure{DropReason::arp_truncated};
    if (!is_supported(packet)) return Failure{DropReason::arp_unsupported};
    if (packet.size() < arp_packet_bytes) return Failure{DropReason::arp_truncated};
    ArpPacket arp;
    arp.operation = static_cast<ArpOperation>(load_be16(packet, operation_at));
    std::copy_n(packet.data() + sender_mac_at, mac_bytes, arp.sender_mac.octets.data());
    arp.sender_ip = Ipv4Address(load_be32(packet, sender_ip_at));
    std::copy_n(packet.data() + target_mac_at, mac_bytes, arp.target_mac.octets.data());
    arp.target_ip = Ipv4Address(load_be32(packet, target_ip_at));
    return arp;
}

void write(const ArpPacket& packet, MutableBytes to) {
    store_be16(to, hardware_type_at, hardware_ethernet);
    store_be16(to, protocol_type_at, protocol_ipv4);
    to[hardware_length_at] = mac_bytes;
    to[protocol_length_at] = ipv4_bytes;
    store_be16(to, operation_at, static_cast<std::uint16_t>(packet.operation));
    std::copy_n(packet.sender_mac.octets.data(), mac_bytes, to.data() + sender_mac_at);
    store_be32(to, sender_ip_at, packet.sender_ip.value);
    std::copy_n(packet.target_mac.octets.data(), mac_bytes, to.data() + target_mac_at);
    store_be32(to, target_ip_at, packet.target_ip.value);
}

}  // namespace berth::wire
