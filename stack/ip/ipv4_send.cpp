// Packets of our own on their way out: built, fragmented where they must and may be, queued.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "ip/fragmentation.hpp"
#include "ip/ipv4.hpp"
#include "wire/checksum.hpp"

namespace berth::ip {

namespace {

constexpr std::size_t total_length_at = 2;
constexpr std::size_t identification_at = 4;
constexpr std::size_t checksum_at = 10;
constexpr std::size_t source_at = 12;
constexpr std::size_t max_packet_bytes = std::numeric_limits<std::uint16_t>::max();
// RFC 2113: an option of four bytes, copied into every fragment, with the value 0.
constexpr std::array<std::uint8_t, 4> router_alert_option{0x94, 0x04, 0x00, 0x00};

void repair_checksum(MutableBytes packet) {
    const std::size_t header_bytes = std::size_t{4} * (packet[0] & 0x0fU);
    store_be16(packet, checksum_at, 0);
    store_be16(packet, checksum_at, wire::checksum_of(packet.first(header_bytes)));
}

std::size_t option_bytes_of(const SendFields& fields) {
    const std::size_t wanted =
        (fields.router_alert ? router_alert_option.size() : 0) + fields.options.size();
    return (wanted + 3) / 4 * 4;
}

// Behind the fixed header, which has been written; the list ends with zeros.
void add_options(MutableBytes packet, const SendFields& fields) {
    const std::size_t option_bytes = option_bytes_of(fields);
    if (option_bytes == 0) return;
    MutableBytes to = packet.subspan(wire::ipv4_header_bytes, option_bytes);
    std::fill(to.begin(), to.end(), std::uint8_t{0});
    if (fields.router_alert) {
        std::copy(router_alert_option.begin(), router_alert_option.end(), to.begin());
        to = to.subspan(router_alert_option.size());
    }
    std::copy(fields.options.begin(), fields.options.end(), to.begin());
    packet[0] = static_cast<std::uint8_t>(0x40U | (wire::ipv4_header_bytes + option_bytes) / 4);
    repair_checksum(packet);
}

}  // namespace

wire::Ipv4Header Ipv4::header_for(const SendFields& fields, std::size_t payload_bytes) {
    wire::Ipv4Header header;
    header.dscp = fields.dscp;
    header.ecn = fields.ecn;
    header.total_length = static_cast<std::uint16_t>(wire::ipv4_header_bytes + payload_bytes);
    // RFC 6864 §4.1: what nobody may fragment needs no identification.
    header.identification = fields.dont_fragment ? std::uint16_t{0} : identification_.next();
    header.dont_fragment = fields.dont_fragment;
    header.ttl = fields.ttl == 0 ? config_.ttl : fields.ttl;
    header.protocol = static_cast<std::uint8_t>(fields.protocol);
    header.source = fields.source;
    header.destination = fields.destination;
    return header;
}

// The packet in a block of its own; the block is empty if there is none of that size.
link::OwnedPacket Ipv4::build(const SendFields& fields, std::span<const Bytes> parts,
                              const Fate& fate) {
    const std::size_t header_bytes = wire::ipv4_header_bytes + option_bytes_of(fields);
    std::size_t length = header_bytes;
    for (const Bytes part : parts)
        length += part.size();

    link::OwnedPacket packet;
    packet.fate = fate;
    if (length > max_packet_bytes || header_bytes > wire::ipv4_max_header_bytes) return packet;
    packet.buffer = context_.pool.take(link::Interface::link_header_room + length);
    if (!packet.buffer) return packet;
    packet.offset = link::Interface::link_header_room;
    packet.length = static_cast<std::uint32_t>(length);

    MutableBytes to = packet.bytes();
    wire::write(header_for(fields, length - wire::ipv4_header_bytes), to);
    add_options(to, fields);
    to = to.subspan(header_bytes);
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
    // Who forbids fragments answers for the path MTU too: a probe of it may be larger.
    const std::size_t limit =
        fields.dont_fragment ? interfaces_.at(path.interface_index).mtu() : path.mtu;
    if (packet.buffer && packet.length <= limit) return enqueue(path, std::move(packet), now);
    if (packet.buffer && !fields.dont_fragment)
        return enqueue_in_pieces(path, std::move(packet), now);
    interfaces_.at(path.interface_index).drop(std::move(packet), DropReason::ip_too_big, now);
    return DropReason::ip_too_big;
}

DropReason Ipv4::enqueue(const Path& path, link::OwnedPacket packet, Time now) {
    packet.next_hop = path.next_hop;
    return interfaces_.at(path.interface_index).enqueue(std::move(packet), now);
}

// All of the pieces or none: a datagram with a hole in it only fills the receiver's memory.
DropReason Ipv4::enqueue_in_pieces(const Path& path, link::OwnedPacket whole, Time now) {
    link::Interface& interface = interfaces_.at(path.interface_index);
    Fragmenter fragmenter(std::as_const(whole).bytes(), path.mtu);
    const std::size_t pieces = fragmenter.count();
    if (pieces > interface.queue_room()) {
        interface.drop(std::move(whole), DropReason::reply_queue_overflow, now);
        return DropReason::reply_queue_overflow;
    }
    ++counters_.fragmented;
    counters_.fragments_created += pieces;
    DropReason result = DropReason::none;
    while (const auto piece = fragmenter.next()) {
        link::OwnedPacket packet;
        const std::size_t length = piece->header.size() + piece->payload.size();
        packet.buffer = context_.pool.take(link::Interface::link_header_room + length);
        packet.offset = link::Interface::link_header_room;
        packet.length = static_cast<std::uint32_t>(length);
        packet.fate = whole.fate;
        const MutableBytes to = packet.bytes();
        std::copy(piece->header.begin(), piece->header.end(), to.begin());
        std::copy(piece->payload.begin(), piece->payload.end(),
                  to.begin() + static_cast<std::ptrdiff_t>(piece->header.size()));
        result = enqueue(path, std::move(packet), now);
        if (result != DropReason::none) break;
    }
    return result;
}

DropReason Ipv4::send_packet(const Path& path, MutableBytes packet, Time now, const Fate& fate) {
    if (packet.size() < wire::ipv4_header_bytes) return DropReason::ip_truncated;
    const std::size_t header_bytes = std::size_t{4} * (packet[0] & 0x0fU);
    if (header_bytes < wire::ipv4_header_bytes || header_bytes > packet.size())
        return DropReason::ip_bad_header_length;
    if (packet.size() > interfaces_.at(path.interface_index).mtu()) return DropReason::ip_too_big;
    store_be16(packet, total_length_at, static_cast<std::uint16_t>(packet.size()));
    if (load_be16(packet, identification_at) == 0)
        store_be16(packet, identification_at, identification_.next());
    if (load_be32(packet, source_at) == 0) store_be32(packet, source_at, path.source.value);
    repair_checksum(packet);

    link::OwnedPacket owned;
    owned.fate = fate;
    owned.buffer = context_.pool.take(link::Interface::link_header_room + packet.size());
    owned.offset = link::Interface::link_header_room;
    owned.length = static_cast<std::uint32_t>(packet.size());
    std::copy(packet.begin(), packet.end(), owned.bytes().begin());
    return enqueue(path, std::move(owned), now);
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
    const std::size_t option_bytes = option_bytes_of(complete);
    const std::size_t header_bytes = wire::ipv4_header_bytes + option_bytes;
    const std::size_t length = header_bytes + payload_bytes;
    const std::size_t limit = frame.segment_size == 0 ? interface.mtu() : max_packet_bytes;

    const MutableBytes header = frame.prepend(header_bytes);
    wire::write(header_for(complete, option_bytes + payload_bytes), header);
    add_options(header, complete);
    if (frame.needs_checksum)
        frame.checksum_start = static_cast<std::uint16_t>(frame.checksum_start + header_bytes);
    if (length > limit) {
        interface.drop(frame, DropReason::ip_too_big, now);
        return link::Interface::Resolution::dropped;
    }
    return interface.address_frame(frame, path.next_hop, now);
}

}  // namespace berth::ip
