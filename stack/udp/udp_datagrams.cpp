// Datagrams out and in, and what ICMP says about them.
#include <algorithm>
#include <array>
#include <utility>

#include "udp/udp.hpp"

namespace berth::udp {

namespace {

Association association_of(const FourTuple& four_tuple) {
    return {Protocol::udp, four_tuple};
}

std::errc errc_of(DropReason reason) {
    switch (reason) {
        case DropReason::none: return {};
        case DropReason::ip_too_big: return std::errc::message_size;
        case DropReason::reply_queue_overflow: return std::errc::operation_would_block;
        case DropReason::interface_down: return std::errc::network_down;
        default: return std::errc::network_unreachable;
    }
}

// RFC 1122 §4.1.3.3 has every error passed to the application, as the BSDs do; Linux keeps the soft
// ones (network, host) from it. Protocol unreachable is ENOPROTOOPT in both.
std::errc errc_of(wire::IcmpType type, std::uint8_t code) {
    if (type == wire::IcmpType::time_exceeded) return std::errc::host_unreachable;
    if (type == wire::IcmpType::parameter_problem) return std::errc::protocol_error;
    switch (code) {
        case wire::icmp_code::net_unreachable: return std::errc::network_unreachable;
        case wire::icmp_code::protocol_unreachable: return std::errc::no_protocol_option;
        case wire::icmp_code::port_unreachable: return std::errc::connection_refused;
        case wire::icmp_code::fragmentation_needed: return std::errc::message_size;
        default: return std::errc::host_unreachable;
    }
}

}  // namespace

std::errc Udp::send(UdpPort& port, std::span<const Bytes> parts, std::optional<Endpoint> remote,
                    Time now, std::optional<link::InterfaceIndex> device, Ipv4Address source) {
    if (!remote && !port.connected_) return std::errc::destination_address_required;
    const Endpoint to = remote ? *remote : port.four_tuple.remote;
    if (const std::errc error = check_remote(port, to); error != std::errc{}) return error;
    std::size_t payload_bytes = 0;
    for (const Bytes part : parts)
        payload_bytes += part.size();
    if (payload_bytes > max_payload_bytes) return std::errc::message_size;

    const auto path =
        ip_.route(to.address, source.is_unspecified() ? port.local.address : source, device);
    if (!path) return std::errc::network_unreachable;
    if (wire::ipv4_header_bytes + wire::udp_header_bytes + payload_bytes > path->mtu)
        return std::errc::message_size;
    if (!port.bound_) {
        const std::optional<Port> chosen = choose_port({}, to);
        if (!chosen || !bind_to(port, {{}, *chosen})) return std::errc::address_in_use;
    }
    if (ip_.interface_at(path->interface_index).queue_room() == 0) {
        if (!port.blocked_on_) blocked_.push_back(&port);
        port.blocked_on_ = path->interface_index;
        return std::errc::operation_would_block;
    }
    return hand_to_ip(port, parts, to, *path, now);
}

std::errc Udp::hand_to_ip(UdpPort& port, std::span<const Bytes> parts, Endpoint remote,
                          const ip::Path& path, Time now) {
    const Endpoint local{path.source, port.local.port};
    std::array<std::uint8_t, wire::udp_header_bytes> header{};
    wire::write_udp(local, remote, parts, header);
    parts_.assign(1, Bytes(header));
    parts_.insert(parts_.end(), parts.begin(), parts.end());

    ip::SendFields fields;
    fields.source = local.address;
    fields.destination = remote.address;
    fields.protocol = Protocol::udp;
    fields.ttl = port.ttl;
    fields.dscp = port.dscp;
    fields.dont_fragment =
        true;  // it fits the path as far as we know; who knows better shall say so (RFC 1191)
    Fate fate = Fate::sent("");
    fate.has_association = true;
    fate.association = association_of({local, remote});
    return errc_of(ip_.send_on(path, fields, parts_, now, fate));
}

void Udp::wake_blocked() {
    if (blocked_.empty()) return;
    const auto has_room = [&](const UdpPort* port) {
        return ip_.interface_at(*port->blocked_on_).queue_room() > 0;
    };
    const auto first_woken = std::stable_partition(
        blocked_.begin(), blocked_.end(), [&](const UdpPort* port) { return !has_room(port); });
    for (auto woken = first_woken; woken != blocked_.end(); ++woken) {
        (*woken)->blocked_on_.reset();
        (*woken)->tell();
    }
    blocked_.erase(first_woken, blocked_.end());
}

// Connected four-tuple, bound address, wildcard. A connected port hears its peer only, so the
// binding by which it holds its local endpoint is passed over.
Udp::Match Udp::find(const FourTuple& four_tuple) const {
    if (demux::Entry* entry = connected_.find(four_tuple)) {
        return {static_cast<UdpPort*>(entry), DemuxMatch::four_tuple};
    }
    demux::ListenerTable::Match found = bound_.find(four_tuple.local);
    auto* port = static_cast<UdpPort*>(found.binding);
    if (port != nullptr && port->connected_ && found.match == DemuxMatch::listener_address) {
        port = static_cast<UdpPort*>(bound_.find_exact({{}, four_tuple.local.port}));
        found.match = DemuxMatch::listener_wildcard;
    }
    if (port == nullptr || port->connected_) return {};
    return {port, found.match};
}

Fate Udp::receive(link::Frame& frame, const wire::Ipv4View& packet,
                  link::InterfaceIndex interface_index) {
    const auto udp = wire::UdpView::parse(packet.payload(), packet.source(), packet.destination(),
                                          frame.checksum_vouched);
    if (!udp) return Fate::dropped(udp.error());
    if (udp->destination_port() == 0) return Fate::dropped(DropReason::udp_port_zero);

    const FourTuple four_tuple{{packet.destination(), udp->destination_port()},
                               {packet.source(), udp->source_port()}};
    const Match found = find(four_tuple);
    Fate fate = Fate::dropped(DropReason::udp_no_socket);
    fate.has_association = true;
    fate.association = association_of(four_tuple);
    if (found.port == nullptr) return fate;

    fate.match = found.match;
    Datagram datagram = keep(frame, udp->payload());
    datagram.source = four_tuple.remote;
    datagram.destination = packet.destination();
    datagram.interface_index = interface_index;
    if (!found.port->enqueue(std::move(datagram))) {
        if (!frame.buffer) frame.buffer = std::move(datagram.buffer);  // `packet` lies in it
        fate.reason = DropReason::udp_queue_full;
        return fate;
    }
    fate.kind = FateKind::delivered;
    fate.reason = DropReason::none;
    found.port->tell();
    return fate;
}

// The payload in the frame's own buffer, or, where that is less than half used and a smaller block
// would do, in a copy.
Datagram Udp::keep(link::Frame& frame, Bytes payload) {
    Datagram datagram;
    datagram.length = static_cast<std::uint32_t>(payload.size());
    if (payload.empty()) return datagram;
    const std::size_t capacity = frame.buffer.capacity();
    if (capacity > BufferPool::small_block_bytes && payload.size() < capacity / 2) {
        datagram.buffer = context_.pool.take(payload.size());
        if (datagram.buffer && datagram.buffer.capacity() < capacity) {
            std::copy(payload.begin(), payload.end(), datagram.buffer.data());
            return datagram;
        }
    }
    datagram.offset = static_cast<std::uint32_t>(payload.data() - frame.buffer.data());
    datagram.buffer = std::move(frame.buffer);
    return datagram;
}

Fate Udp::on_icmp_error(const FourTuple& four_tuple, wire::IcmpType type, std::uint8_t code) {
    const Match found = find(four_tuple);
    if (found.port == nullptr) return Fate::dropped(DropReason::icmp_error_no_match);
    // One port, many peers: it could not say whom the error is about, so it is not told (as POSIX
    // systems do); the datagram was lost, which UDP's users live with.
    if (found.match != DemuxMatch::four_tuple)
        return Fate::consumed("icmp error about an unconnected udp port");
    found.port->error_ = errc_of(type, code);
    found.port->tell();
    Fate fate;
    fate.kind = FateKind::delivered;
    fate.match = found.match;
    fate.has_association = true;
    fate.association = association_of(four_tuple);
    fate.note = "icmp error";
    return fate;
}

}  // namespace berth::udp
