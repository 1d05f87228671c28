// What a host does with an arriving packet before any transport sees it (RFC 1122 §3.2.1).
#include "ip/ipv4.hpp"

namespace berth::ip {

namespace {

// Before it has an address, a host may only speak to all, and only to get one (RFC 1122 §3.2.1.3
// (a)): DHCP's requests, which are UDP.
bool is_seeking_address(const wire::Ipv4View& packet) {
    return packet.source().is_unspecified() && packet.destination().is_limited_broadcast() &&
           packet.protocol() == static_cast<std::uint8_t>(Protocol::udp);
}

}  // namespace

Result<wire::Ipv4View, DropReason> Ipv4::receive(
    const link::ReceivedPacket& received,
    link::InterfaceIndex /*interface_index: the host model is weak*/) const {
    // §3.2.1.1 version, §3.2.1.2 checksum, the lengths and the options' lengths.
    const auto packet = wire::Ipv4View::parse(received.packet);
    if (!packet) return packet;

    // §3.2.1.3: the source names one host, and not us. 127/8 never comes from a link.
    const Ipv4Address source = packet->source();
    if (!is_single_host(source) && !is_seeking_address(*packet))
        return Failure{DropReason::ip_bad_source};
    if (is_own(source)) return Failure{DropReason::ip_own_source};

    // §3.2.1.3: the destination is one of our addresses, a broadcast we hear, or a group we are in.
    const Ipv4Address destination = packet->destination();
    const bool is_ours = is_own(destination);
    if (!is_ours && !is_broadcast(destination) && destination != all_hosts_group) {
        return Failure{DropReason::ip_not_for_us};
    }
    // §3.3.6: a link broadcast that carries one host's datagram is somebody's mistake or attack.
    if (is_ours && received.to_link_group) return Failure{DropReason::link_level_broadcast};

    // §3.2.1.8 (c) would have us be the end of a source route; such routes are refused altogether,
    // as Linux and the BSDs do by default (RFC 7126 §4.3).
    if (packet->has_source_route()) return Failure{DropReason::ip_source_routed};
    if (packet->is_fragment()) return Failure{DropReason::ip_fragment};
    return packet;
}

}  // namespace berth::ip
