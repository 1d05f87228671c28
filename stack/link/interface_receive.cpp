// The interface's ingress: the Ethernet filter (RFC 894, RFC 1122 §2.3.3 and §2.4, IEEE 802.1Q) and
// ARP (RFC 826).
#include <algorithm>
#include <limits>

#include "link/interface.hpp"

namespace berth::link {

namespace {

// 01-00-5E-00-00-00 to 01-00-5E-7F-FF-FF: where IPv4's groups are mapped (RFC 1112 §6.4).
bool is_ipv4_group(MacAddress mac) {
    const auto& o = mac.octets;
    return o[0] == 0x01 && o[1] == 0x00 && o[2] == 0x5e && (o[3] & 0x80) == 0;
}

}  // namespace

std::variant<ReceivedPacket, Fate> Interface::receive(const Frame& frame, Time now) {
    ++counters_.frames_in;
    counters_.bytes_in += frame.length;
    // A frame that the link merged from several segments is larger than any of them was.
    const std::size_t most_payload = frame.segment_size == 0
                                         ? device_.properties().mtu
                                         : std::numeric_limits<std::size_t>::max();
    if (!is_ethernet()) {
        if (frame.length > most_payload) return Fate::dropped(DropReason::frame_oversized);
        return ReceivedPacket{frame.bytes(), false};
    }
    const auto ethernet = wire::EthernetView::parse(frame.bytes());
    if (!ethernet) return Fate::dropped(ethernet.error());
    if (ethernet->payload().size() > most_payload)
        return Fate::dropped(DropReason::frame_oversized);
    if (ethernet->vlan() != vlan_) return Fate::dropped(DropReason::ethernet_other_vlan);
    if (ethernet->source().is_group()) return Fate::dropped(DropReason::ethernet_source_is_group);
    const MacAddress destination = ethernet->destination();
    if (!destination.is_group() && destination != mac_)
        return Fate::dropped(DropReason::ethernet_not_for_us);

    switch (ethernet->type()) {
        case wire::EtherType::arp: return receive_arp(ethernet->payload(), now);
        case wire::EtherType::ipv4:
            if (destination.is_group() && !destination.is_broadcast() &&
                !is_ipv4_group(destination)) {
                return Fate::dropped(DropReason::ethernet_not_for_us);
            }
            return ReceivedPacket{ethernet->payload(), destination.is_group()};
    }
    return Fate::dropped(DropReason::ethernet_unknown_type);
}

// RFC 826's packet reception, with the learning narrowed: see neighbour_cache.hpp.
Fate Interface::receive_arp(Bytes packet, Time now) {
    const auto arp = wire::parse_arp(packet);
    if (!arp) return Fate::dropped(arp.error());
    if (!may_be_sender(*arp)) return Fate::dropped(DropReason::arp_bad_sender);
    if (has_address(arp->sender_ip)) return receive_own_address(*arp, now);
    if (const AddressClaim* claim = contested_claim(*arp))
        return receive_tentative(claim->address().address, *arp, now);

    // RFC 5227 §1.1: a probe has no sender address; it is answered but says nothing.
    const bool is_probe = arp->sender_ip.is_unspecified();
    const bool is_to_us = has_address(arp->target_ip);
    if (arp->operation == wire::ArpOperation::request && is_to_us) {
        if (!is_probe && is_on_link(arp->sender_ip))
            neighbours_.heard_request(arp->sender_ip, arp->sender_mac, now);
        const wire::ArpPacket reply{wire::ArpOperation::reply, mac_, arp->target_ip,
                                    arp->sender_mac, arp->sender_ip};
        const bool queued = send_arp(reply, arp->sender_mac, "arp reply", now);
        return Fate::consumed(queued ? "arp reply sent"
                                     : "arp request not answered: the queue is full");
    }
    if (arp->operation == wire::ArpOperation::reply && is_to_us &&
        neighbours_.heard_answer(arp->sender_ip, arp->sender_mac, now)) {
        return Fate::consumed("arp reply: neighbour learned");
    }
    if (!is_probe && neighbours_.heard_claim(arp->sender_ip, arp->sender_mac, now)) {
        return Fate::consumed("arp claim contradicts a known neighbour: asking again");
    }
    return Fate::dropped(DropReason::arp_not_for_us);
}

// An address that one station can have and speak from; the unspecified one in a probe.
bool Interface::may_be_sender(const wire::ArpPacket& arp) const {
    const Ipv4Address ip = arp.sender_ip;
    if (arp.sender_mac.is_group() || arp.sender_mac.is_zero()) return false;
    if (ip.is_unspecified()) return arp.operation == wire::ArpOperation::request;
    return !ip.is_this_network() && !ip.is_loopback() && !ip.is_multicast() && !ip.is_reserved() &&
           !is_link_broadcast(ip);
}

bool Interface::is_on_link(Ipv4Address address) const {
    return std::any_of(addresses_.begin(), addresses_.end(),
                       [&](const Ipv4Prefix& own) { return own.contains(address); });
}

void Interface::on_solicit(Ipv4Address target, MacAddress destination, Time now) {
    // From the address on the target's network, so that the answer finds us; else the first.
    Ipv4Address sender;
    for (const Ipv4Prefix& own : addresses_) {
        if (sender.is_unspecified()) sender = own.address;
        if (own.contains(target)) {
            sender = own.address;
            break;
        }
    }
    // Without one it would be a probe (RFC 5227 §1.1), and who hears that may give up the address.
    if (sender.is_unspecified()) return;
    const wire::ArpPacket request{wire::ArpOperation::request, mac_, sender, MacAddress{}, target};
    send_arp(request, destination, "arp request", now);
}

bool Interface::send_arp(const wire::ArpPacket& arp, MacAddress destination, const char* note,
                         Time now) {
    const std::size_t header_bytes = link_header_bytes();
    OwnedPacket packet;
    packet.buffer = context_.pool.take(header_bytes + wire::arp_packet_bytes);
    packet.length = static_cast<std::uint32_t>(header_bytes + wire::arp_packet_bytes);
    packet.is_frame = true;
    packet.fate = Fate::sent(note);
    const MutableBytes to = packet.bytes();
    wire::write(wire::EthernetHeader{destination, mac_, wire::EtherType::arp, vlan_}, to);
    wire::write(arp, to.subspan(header_bytes));
    return enqueue(std::move(packet), now) == DropReason::none;
}

}  // namespace berth::link
