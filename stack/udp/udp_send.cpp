// Datagrams out: their path, what the MTU allows, and the copies for members on this host.
#include <algorithm>
#include <array>
#include <utility>

#include "udp/udp.hpp"

namespace berth::udp {

namespace {

constexpr std::size_t headers_bytes = wire::ipv4_header_bytes + wire::udp_header_bytes;

std::errc errc_of(DropReason reason) {
    switch (reason) {
        case DropReason::none: return {};
        case DropReason::ip_too_big: return std::errc::message_size;
        case DropReason::reply_queue_overflow: return std::errc::operation_would_block;
        case DropReason::interface_down: return std::errc::network_down;
        default: return std::errc::network_unreachable;
    }
}

// Packets that a datagram of that size becomes (RFC 791 §3.2: pieces of multiples of eight bytes).
std::size_t packets_of(std::size_t packet_bytes, std::size_t mtu) {
    if (packet_bytes <= mtu) return 1;
    const std::size_t room = (mtu - wire::ipv4_header_bytes) / 8 * 8;
    return (packet_bytes - wire::ipv4_header_bytes + room - 1) / room;
}

}  // namespace

// One datagram on its way to IP.
struct Udp::Outgoing {
    std::span<const Bytes> parts;
    Endpoint local;
    Endpoint remote;
    ip::Path path;
    std::uint8_t ttl = 0;
    std::uint8_t tos = 0;
    bool dont_fragment = false;
};

// The source that the port's binding asks for. Nobody sends from a group's address (RFC 1122
// §4.1.3.6): a port that is bound to one sends from the path's.
Ipv4Address Udp::source_of(const UdpPort& port) const {
    return ip_.is_group(port.local.address) ? Ipv4Address{} : port.local.address;
}

// `by`: the interface that the datagram itself names, before that which the port is bound to,
// before the port's choice for groups.
Result<ip::Path, DropReason> Udp::path_for(const UdpPort& port, Ipv4Address remote,
                                           Ipv4Address source, MaybeInterface by) const {
    if (!by) by = port.bind_interface;
    if (!by && remote.is_multicast()) by = port.multicast_interface;
    if (by && link::Interfaces::is_loopback(*by) && remote.is_multicast()) {
        constexpr Ipv4Address loopback_address{127, 0, 0, 1};
        const link::Interface& loopback = ip_.interface_at(*by);
        return ip::Path{*by, remote, source.is_unspecified() ? loopback_address : source,
                        loopback.mtu(), true};
    }
    return ip_.route(remote, source, by);
}

std::optional<std::uint16_t> Udp::path_mtu(const UdpPort& port) const {
    if (!port.connected_) return std::nullopt;
    const auto path = path_for(port, port.four_tuple.remote.address, source_of(port), {});
    if (!path) return std::nullopt;
    return path->mtu;
}

std::errc Udp::send(UdpPort& port, std::span<const Bytes> parts, std::optional<Endpoint> remote,
                    Time now, const ip::SendControl& control) {
    if (!remote && !port.connected_) return std::errc::destination_address_required;
    const Endpoint to = remote ? *remote : port.four_tuple.remote;
    if (const std::errc error = check_remote(port, to); error != std::errc{}) return error;
    std::size_t packet_bytes = headers_bytes;
    for (const Bytes part : parts)
        packet_bytes += part.size();
    if (packet_bytes > headers_bytes + max_payload_bytes) return std::errc::message_size;

    if (control.interface_index && !ip_.interfaces().has(*control.interface_index))
        return std::errc::no_such_device;
    if (!control.source.is_unspecified() && !ip_.is_own(control.source))
        return std::errc::invalid_argument;
    const Ipv4Address source = control.source.is_unspecified() ? source_of(port) : control.source;
    const auto path = path_for(port, to.address, source, control.interface_index);
    if (!path) return std::errc::network_unreachable;
    if (const std::errc error = check_size(port, packet_bytes, to, *path); error != std::errc{})
        return error;
    if (!port.bound_) {
        const std::optional<Port> chosen = choose_port({}, to);
        if (!chosen || !bind_to(port, {{}, *chosen})) return std::errc::address_in_use;
    }

    Outgoing out{parts, {path->source, port.local.port}, to, *path};
    const std::uint8_t unicast_ttl = port.ttl != 0 ? port.ttl : ip_.config().ttl;
    out.ttl = control.ttl.value_or(to.address.is_multicast() ? port.multicast_ttl : unicast_ttl);
    out.tos = control.tos.value_or(port.tos);
    out.dont_fragment = carries_df(port, packet_bytes, *path, to.address);
    if (out.ttl > 0) {
        if (!has_room(port, packet_bytes, *path)) return std::errc::operation_would_block;
        if (const std::errc error = hand_to_ip(out, now); error != std::errc{}) return error;
    }
    ++sent_;
    loop_back(port, out, now);
    return {};
}

// Where routers are said to be narrower than the least MTU that is believed, only what carries no
// DF gets through.
bool Udp::carries_df(const UdpPort& port, std::size_t packet_bytes, const ip::Path& path,
                     Ipv4Address remote) const {
    if (port.mtu_discover == ip::MtuDiscover::never) return false;
    if (port.mtu_discover != ip::MtuDiscover::want) return true;
    return packet_bytes <= path.mtu && !ip_.path_mtus().is_locked(remote);
}

// What the port's MtuDiscover says to a packet of that size. Who asked for errors is also told the
// MTU, as if by ICMP.
std::errc Udp::check_size(UdpPort& port, std::size_t packet_bytes, Endpoint remote,
                          const ip::Path& path) {
    const bool probing = port.mtu_discover == ip::MtuDiscover::probe;
    if (!probing && port.mtu_discover != ip::MtuDiscover::always) return {};
    const std::uint16_t mtu = probing ? ip_.interface_at(path.interface_index).mtu() : path.mtu;
    if (packet_bytes <= mtu) return {};
    if (port.receive_errors) {
        ip::QueuedError error;
        error.error = std::errc::message_size;
        error.from_icmp = false;
        error.info = mtu;
        error.destination = remote;
        port.inbox.push_error(std::move(error));
        port.tell();
    }
    return std::errc::message_size;
}

// Room for all of a datagram's pieces in the interface's queue; else the port waits for it.
bool Udp::has_room(UdpPort& port, std::size_t packet_bytes, const ip::Path& path) {
    const bool whole = port.mtu_discover == ip::MtuDiscover::probe;
    const std::size_t packets = std::min(whole ? 1 : packets_of(packet_bytes, path.mtu),
                                         link::Interface::queue_limit_packets);
    if (ip_.queue_room(path) >= packets) return true;
    if (!port.blocked_) blocked_.push_back(&port);
    port.blocked_ = UdpPort::Blocked{path.interface_index, packets};
    return false;
}

std::errc Udp::hand_to_ip(const Outgoing& out, Time now) {
    std::array<std::uint8_t, wire::udp_header_bytes> header{};
    wire::write_udp(out.local, out.remote, out.parts, header);
    parts_.assign(1, Bytes(header));
    parts_.insert(parts_.end(), out.parts.begin(), out.parts.end());

    ip::SendFields fields;
    fields.source = out.local.address;
    fields.destination = out.remote.address;
    fields.protocol = Protocol::udp;
    fields.ttl = out.ttl;
    fields.dscp = out.tos >> 2;
    fields.ecn = out.tos & 3;
    fields.dont_fragment = out.dont_fragment;
    Fate fate = Fate::sent("");
    fate.has_association = true;
    fate.association = {Protocol::udp, {out.local, out.remote}};
    return errc_of(ip_.send_on(out.path, fields, parts_, now, fate));
}

// RFC 1112 §6.1: a host that belongs to the group hears what it sends to it itself, unless it asks
// not to; and what goes to all is for us as well. The copy takes the loopback interface; if that is
// full, it is lost like any datagram.
void Udp::loop_back(const UdpPort& port, const Outgoing& out, Time now) {
    const Ipv4Address group = out.remote.address;
    if (out.path.is_loopback || !ip_.is_group(group) || out.local.address.is_unspecified()) return;
    const bool heard =
        group.is_multicast()
            ? port.multicast_loop && ip_.groups().is_member(out.path.interface_index, group)
            : bound_.port_in_use(out.remote.port);
    if (!heard) return;
    Outgoing copy = out;
    const link::Interface& loopback = ip_.interfaces().loopback();
    copy.path = {loopback.index(), group, out.local.address, loopback.mtu(), true};
    copy.ttl = std::max<std::uint8_t>(out.ttl, 1);
    static_cast<void>(hand_to_ip(copy, now));
}

void Udp::wake_blocked() {
    if (blocked_.empty()) return;
    const auto must_wait = [&](const UdpPort* port) {
        const link::Interface& interface = ip_.interface_at(port->blocked_->interface_index);
        return interface.queue_room() < port->blocked_->packets;
    };
    const auto first_woken = std::stable_partition(blocked_.begin(), blocked_.end(), must_wait);
    for (auto woken = first_woken; woken != blocked_.end(); ++woken) {
        (*woken)->blocked_.reset();
        (*woken)->tell();
    }
    blocked_.erase(first_woken, blocked_.end());
}

}  // namespace berth::udp
