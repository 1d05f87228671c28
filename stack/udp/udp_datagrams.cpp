// Datagrams in: who gets them.
#include <algorithm>
#include <utility>

#include "udp/udp.hpp"

namespace berth::udp {

// Linux's order: the membership of the port itself decides; a port without one hears the groups of
// others unless IP_MULTICAST_ALL is off. A connected port hears its peer only.
bool UdpPort::wants_group(const FourTuple& of_datagram,
                          link::InterfaceIndex interface_index) const {
    if (!hears(interface_index)) return false;
    if (connected_ && four_tuple.remote != of_datagram.remote) return false;
    const Ipv4Address group = of_datagram.local.address;
    if (!group.is_multicast()) return true;
    return groups.wants(group, interface_index, of_datagram.remote.address).value_or(multicast_all);
}

// Of several ports at one endpoint: one that is bound to the interface before one that is not, then
// the last bound; where that one shares by SO_REUSEPORT, the four-tuple chooses among its like. A
// connected port is passed over: it is found by its four-tuple or not at all.
UdpPort* Udp::choose_of(UdpPort* sharers, const FourTuple& four_tuple,
                        MaybeInterface interface_index) const {
    const auto hears = [&](const UdpPort& port) {
        return !port.connected_ && (!interface_index || port.hears(*interface_index));
    };
    UdpPort* chosen = nullptr;
    for (UdpPort* each = sharers; each != nullptr; each = each->next_sharer()) {
        if (!hears(*each)) continue;
        if (chosen == nullptr || (each->bind_interface && !chosen->bind_interface)) chosen = each;
    }
    if (chosen == nullptr || !chosen->reuse_port) return chosen;
    const bool at_interface = chosen->bind_interface.has_value();
    const auto is_alike = [&](const demux::LocalBinding& binding) {
        const auto& port = static_cast<const UdpPort&>(binding);
        return hears(port) && port.reuse_port && port.bind_interface.has_value() == at_interface;
    };
    return static_cast<UdpPort*>(bound_.choose(sharers, four_tuple, is_alike));
}

// Connected four-tuple, bound address, wildcard. `interface_index` unset: whatever they are bound
// to.
Udp::Match Udp::find(const FourTuple& four_tuple, MaybeInterface interface_index) const {
    if (demux::Entry* entry = connected_.find(four_tuple)) {
        auto* port = static_cast<UdpPort*>(entry);
        if (!interface_index || port->hears(*interface_index))
            return {port, DemuxMatch::four_tuple};
    }
    if (UdpPort* port = choose_of(sharers_of(four_tuple.local), four_tuple, interface_index))
        return {port, DemuxMatch::listener_address};
    if (UdpPort* port =
            choose_of(sharers_of({{}, four_tuple.local.port}), four_tuple, interface_index))
        return {port, DemuxMatch::listener_wildcard};
    return {};
}

// RFC 1112 §7.1, RFC 1122 §4.1.3.1: all who listen, into found_.
void Udp::find_group(const FourTuple& four_tuple, link::InterfaceIndex interface_index) {
    const auto add = [&](UdpPort* sharers, DemuxMatch match) {
        for (UdpPort* each = sharers; each != nullptr; each = each->next_sharer()) {
            if (!each->wants_group(four_tuple, interface_index)) continue;
            found_.push_back({each, each->connected_ ? DemuxMatch::four_tuple : match});
        }
    };
    add(sharers_of(four_tuple.local), DemuxMatch::listener_address);
    add(sharers_of({{}, four_tuple.local.port}), DemuxMatch::listener_wildcard);
}

// A copy of what we sent to a group comes by the loopback interface, but belongs to the link that
// the datagram itself went out by: that of its source address.
link::InterfaceIndex Udp::true_interface(const wire::Ipv4View& packet,
                                         link::InterfaceIndex interface_index) const {
    if (!link::Interfaces::is_loopback(interface_index) || !ip_.is_group(packet.destination()))
        return interface_index;
    for (const auto& each : ip_.interfaces())
        if (each->has_address(packet.source())) return each->index();
    return interface_index;
}

Fate Udp::receive(link::Frame& frame, const wire::Ipv4View& packet,
                  link::InterfaceIndex interface_index) {
    const auto udp = wire::UdpView::parse(packet.payload(), packet.source(), packet.destination(),
                                          frame.checksum_vouched);
    if (!udp) return Fate::dropped(udp.error());
    if (udp->destination_port() == 0) return Fate::dropped(DropReason::udp_port_zero);

    const FourTuple four_tuple{{packet.destination(), udp->destination_port()},
                               {packet.source(), udp->source_port()}};
    interface_index = true_interface(packet, interface_index);
    found_.clear();
    if (ip_.is_group(packet.destination())) {
        find_group(four_tuple, interface_index);
    } else if (const Match found = find(four_tuple, interface_index); found.port != nullptr) {
        found_.push_back(found);
    }
    Fate fate = Fate::dropped(DropReason::udp_no_socket);
    fate.has_association = true;
    fate.association = {Protocol::udp, four_tuple};
    if (found_.empty()) return fate;

    fate.match = found_.front().match;
    if (!deliver(frame, packet, *udp, interface_index)) {
        fate.reason = DropReason::udp_queue_full;
        return fate;
    }
    fate.kind = FateKind::delivered;
    fate.reason = DropReason::none;
    return fate;
}

// To each of found_, the last of which may keep the frame's buffer. False: no queue had room.
bool Udp::deliver(link::Frame& frame, const wire::Ipv4View& packet, const wire::UdpView& udp,
                  link::InterfaceIndex interface_index) {
    const Bytes payload = udp.payload();
    const wire::Ipv4Header header = packet.header();
    bool any = false;
    for (const Match& found : found_) {
        const bool last = &found == &found_.back();
        ip::Datagram datagram = last ? ip::Datagram::keep(frame, payload, context_.pool)
                                     : ip::Datagram::copy_of(payload, context_.pool);
        datagram.source = {header.source, udp.source_port()};
        datagram.destination = header.destination;
        datagram.interface_index = interface_index;
        datagram.ttl = header.ttl;
        datagram.tos = static_cast<std::uint8_t>(header.dscp << 2 | header.ecn);
        if (found.port->inbox.push(std::move(datagram))) {
            found.port->tell();
            any = true;
        } else if (last && !frame.buffer) {
            frame.buffer = std::move(datagram.buffer);  // `packet` lies in it
        }
    }
    return any;
}

}  // namespace berth::udp
