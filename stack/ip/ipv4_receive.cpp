// What a host does with an arriving packet before any transport sees it (RFC 1122 §3.2.1).
#include <algorithm>
#include <utility>

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

bool Ipv4::is_for_us(Ipv4Address destination, link::InterfaceIndex interface_index) const {
    if (is_own(destination) || is_broadcast(destination) || destination == all_hosts_group)
        return true;
    if (!destination.is_multicast()) return false;
    if (groups_.is_member(interface_index, destination)) return true;
    // The loopback interface brings copies of what was sent to a group by any interface.
    return link::Interfaces::is_loopback(interface_index) &&
           std::any_of(interfaces_.begin(), interfaces_.end(), [&](const auto& each) {
               return groups_.is_member(each->index(), destination);
           });
}

Result<Received, DropReason> Ipv4::receive(const link::ReceivedPacket& received,
                                           link::InterfaceIndex interface_index) const {
    // §3.2.1.1 version, §3.2.1.2 checksum, the lengths and the options' lengths.
    const auto packet = wire::Ipv4View::parse(received.packet);
    if (!packet) return Failure{packet.error()};

    // §3.2.1.3: the source names one host, and not us; nor does 127/8 come from a link. What loops
    // back is ours by nature.
    const Ipv4Address source = packet->source();
    const Ipv4Address destination = packet->destination();
    if (!link::Interfaces::is_loopback(interface_index)) {
        if (source.is_loopback() || destination.is_loopback())
            return Failure{DropReason::ip_loopback_from_link};
        if (!is_single_host(source) && !is_seeking_address(*packet))
            return Failure{DropReason::ip_bad_source};
        if (is_own(source)) return Failure{DropReason::ip_own_source};
    }

    // §3.2.1.3: the destination is one of our addresses, a broadcast we hear, or a group we are in.
    const bool is_ours = is_own(destination);
    if (!is_for_us(destination, interface_index)) {
        if (destination.is_multicast()) return Failure{DropReason::ip_not_member};
        if (!config_.forward) return Failure{DropReason::ip_not_for_us};
        return Received{*packet, Disposition::transit};
    }
    // §3.3.6: a link broadcast that carries one host's datagram is somebody's mistake or attack.
    if (is_ours && received.to_link_group) return Failure{DropReason::link_level_broadcast};

    // §3.2.1.8 (c) would have us be the end of a source route; such routes are refused unless asked
    // for, as Linux and the BSDs do by default (RFC 7126 §4.3).
    if (packet->has_source_route() && !config_.accept_source_route)
        return Failure{DropReason::ip_source_routed};
    return Received{*packet, packet->is_fragment() ? Disposition::fragment : Disposition::local};
}

std::variant<wire::Ipv4View, Fate> Ipv4::reassemble(link::Frame& frame, const wire::Ipv4View& piece,
                                                    Time now) {
    auto result = reassembly_.add(frame, piece, now);
    if (const Fate* fate = std::get_if<Fate>(&result)) return *fate;
    frame = std::move(std::get<link::Frame>(result));
    const auto whole = wire::Ipv4View::parse(std::as_const(frame).bytes());
    if (!whole) return Fate::dropped(whole.error());
    ++counters_.reassembled;
    return *whole;
}

void Ipv4::tell(const Problem& problem, const wire::Ipv4View& offending, bool to_link_group,
                Time now) {
    if (problems_ != nullptr) problems_->on_problem(problem, offending, to_link_group, now);
}

}  // namespace berth::ip
