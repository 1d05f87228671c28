// Packets of our own on their way out: built, fragmented where they must and may be, queued.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "ip/ipv4.hpp"

namespace berth::ip {

namespace {

constexpr std::size_t max_packet_bytes = std::numeric_limits<std::uint16_t>::max();
// RFC 2113: an option of four bytes, copied into every fragment, with the value 0.
constexpr std::array<std::uint8_t, 4> router_alert_option{0x94, 0x04, 0x00, 0x00};

}  // namespace

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
    link::Interface& interface = interfaces_.at(path.interface_index);
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
    if (interfaces_.has(interface_index)) {
        interfaces_.at(interface_index).drop(build(fields, parts, fate), reason, now);
    } else {
        context_.drops.add(reason);
    }
    return reason;
}

link::Interface::Resolution Ipv4::encapsulate(link::OutFrame& frame, const Path& path,
                                              const SendFields& fields, Time now) {
    link::Interface& interface = interfaces_.at(path.interface_index);
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
