// Addresses and egress; ingress is in ipv4_receive.cpp, the choice of a path in ipv4_route.cpp.
#include "ip/ipv4.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace berth::ip {

namespace {

void insert_sorted(std::vector<Ipv4Address>& addresses, Ipv4Address address) {
    const auto at = std::lower_bound(addresses.begin(), addresses.end(), address);
    if (at == addresses.end() || *at != address) addresses.insert(at, address);
}

constexpr std::size_t max_packet_bytes = std::numeric_limits<std::uint16_t>::max();

}  // namespace

Ipv4::Ipv4(std::vector<std::unique_ptr<link::Interface>>& interfaces, link::LinkContext context,
           Random random)
    : interfaces_(interfaces), context_(context), identification_(random) {}

void Ipv4::add_address(link::InterfaceIndex interface_index, Ipv4Prefix address) {
    interfaces_[interface_index]->add_address(address);
    insert_sorted(own_, address.address);
    if (address.has_broadcast()) insert_sorted(broadcasts_, address.broadcast());
    // A /32 has no network beside itself.
    if (address.length < 32) routes_.add({address, {}, interface_index, 0});
}

bool Ipv4::is_own(Ipv4Address address) const {
    return std::binary_search(own_.begin(), own_.end(), address);
}

bool Ipv4::is_broadcast(Ipv4Address address) const {
    return address.is_limited_broadcast() ||
           std::binary_search(broadcasts_.begin(), broadcasts_.end(), address);
}

bool Ipv4::is_single_host(Ipv4Address address) const {
    return !address.is_this_network() && !address.is_loopback() && !address.is_reserved() &&
           !is_group(address);
}

wire::Ipv4Header Ipv4::header_for(const SendFields& fields, std::size_t payload_bytes) {
    wire::Ipv4Header header;
    header.dscp = fields.dscp;
    header.ecn = fields.ecn;
    header.total_length = static_cast<std::uint16_t>(wire::ipv4_header_bytes + payload_bytes);
    // RFC 6864 §4.1: what nobody may fragment needs no identification.
    header.identification = fields.dont_fragment ? std::uint16_t{0} : identification_.next();
    header.dont_fragment = fields.dont_fragment;
    header.ttl = fields.ttl;
    header.protocol = static_cast<std::uint8_t>(fields.protocol);
    header.source = fields.source;
    header.destination = fields.destination;
    return header;
}

// The packet in a block of its own; the block is empty if there is none of that size.
link::OwnedPacket Ipv4::build(const SendFields& fields, std::span<const Bytes> parts,
                              const Fate& fate) {
    std::size_t payload_bytes = 0;
    for (const Bytes part : parts)
        payload_bytes += part.size();
    const std::size_t length = wire::ipv4_header_bytes + payload_bytes;

    link::OwnedPacket packet;
    packet.fate = fate;
    if (length > max_packet_bytes) return packet;
    packet.buffer = context_.pool.take(link::Interface::link_header_room + length);
    if (!packet.buffer) return packet;
    packet.offset = link::Interface::link_header_room;
    packet.length = static_cast<std::uint32_t>(length);

    MutableBytes to = packet.bytes();
    wire::write(header_for(fields, payload_bytes), to);
    to = to.subspan(wire::ipv4_header_bytes);
    for (const Bytes part : parts) {
        std::copy(part.begin(), part.end(), to.begin());
        to = to.subspan(part.size());
    }
    return packet;
}

DropReason Ipv4::send(const SendFields& fields, std::span<const Bytes> parts, Time now,
                      const Fate& fate) {
    const auto path = route(fields.destination, fields.source);
    if (!path) return drop(0, fields, parts, path.error(), now, fate);
    return send_on(*path, fields, parts, now, fate);
}

DropReason Ipv4::send_on(const Path& path, const SendFields& fields, std::span<const Bytes> parts,
                         Time now, const Fate& fate) {
    SendFields complete = fields;
    if (complete.source.is_unspecified()) complete.source = path.source;
    link::OwnedPacket packet = build(complete, parts, fate);
    link::Interface& interface = *interfaces_[path.interface_index];
    if (!packet.buffer || packet.length > interface.mtu()) {
        interface.drop(std::move(packet), DropReason::ip_too_big, now);
        return DropReason::ip_too_big;
    }
    packet.next_hop = path.next_hop;
    return interface.enqueue(std::move(packet), now);
}

// A packet that found no path is shown as if on the interface that is named.
DropReason Ipv4::drop(link::InterfaceIndex interface_index, const SendFields& fields,
                      std::span<const Bytes> parts, DropReason reason, Time now, const Fate& fate) {
    if (interface_index < interfaces_.size()) {
        interfaces_[interface_index]->drop(build(fields, parts, fate), reason, now);
    } else {
        context_.drops.add(reason);
    }
    return reason;
}

link::Interface::Resolution Ipv4::encapsulate(link::OutFrame& frame, const Path& path,
                                              const SendFields& fields, Time now) {
    link::Interface& interface = *interfaces_[path.interface_index];
    SendFields complete = fields;
    if (complete.source.is_unspecified()) complete.source = path.source;
    const std::size_t payload_bytes = frame.size();
    const std::size_t length = wire::ipv4_header_bytes + payload_bytes;
    const std::size_t limit = frame.segment_size == 0 ? interface.mtu() : max_packet_bytes;

    wire::write(header_for(complete, payload_bytes), frame.prepend(wire::ipv4_header_bytes));
    if (frame.needs_checksum) {
        frame.checksum_start =
            static_cast<std::uint16_t>(frame.checksum_start + wire::ipv4_header_bytes);
    }
    if (length > limit) {
        interface.drop(frame, DropReason::ip_too_big, now);
        return link::Interface::Resolution::dropped;
    }
    return interface.address_frame(frame, path.next_hop, now);
}

}  // namespace berth::ip
