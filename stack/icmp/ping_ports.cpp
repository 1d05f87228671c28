#include "icmp/ping_ports.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace berth::icmp {

namespace {

// What fits an IP packet.
constexpr std::size_t max_message_bytes = 65'535 - wire::ipv4_header_bytes;

constexpr std::uint16_t identifier_of(std::uint32_t rest) {
    return static_cast<std::uint16_t>(rest >> 16);
}

Fate fate_about(const PingPort& port, Ipv4Address local, Ipv4Address remote) {
    Fate fate;
    fate.kind = FateKind::delivered;
    fate.has_association = true;
    fate.association = {Protocol::icmp, {{local, port.identifier()}, {remote, 0}}};
    fate.match = port.is_connected() ? DemuxMatch::four_tuple : DemuxMatch::listener_wildcard;
    return fate;
}

}  // namespace

PingPort* PingPorts::open(ip::DatagramUser* user) {
    if (ports_.size() == limit_ports) return nullptr;
    ports_.push_back(std::unique_ptr<PingPort>(new PingPort(user)));
    return ports_.back().get();
}

void PingPorts::close(PingPort& port) {
    blocked_.remove(port);
    if (port.identifier_ != 0) by_identifier_.erase(port.identifier_);
    ports_.erase(std::find_if(ports_.begin(), ports_.end(),
                              [&](const auto& each) { return each.get() == &port; }));
}

// Zero: one is drawn, which leaves no stranger a good guess at whose replies to forge.
bool PingPorts::claim(PingPort& port, std::uint16_t wanted) {
    if (wanted == 0) {
        if (by_identifier_.size() == limit_ports) return false;
        wanted = static_cast<std::uint16_t>(1 + random_.below(limit_ports));
        while (by_identifier_.count(wanted) > 0)
            wanted =
                wanted == limit_ports ? std::uint16_t{1} : static_cast<std::uint16_t>(wanted + 1);
    }
    if (!by_identifier_.emplace(wanted, &port).second) return false;
    port.identifier_ = wanted;
    return true;
}

std::errc PingPorts::bind(PingPort& port, Endpoint local) {
    if (port.identifier_ != 0) return std::errc::invalid_argument;
    if (!local.address.is_unspecified() && !ip_.is_own(local.address))
        return std::errc::address_not_available;
    if (!claim(port, local.port)) return std::errc::address_in_use;
    port.local_ = local.address;
    return {};
}

std::errc PingPorts::connect(PingPort& port, Ipv4Address remote) {
    const bool address_free = port.address_chosen_ || port.local_.is_unspecified();
    if (remote.is_unspecified()) return std::errc::network_unreachable;
    if (ip_.is_broadcast(remote) && !port.settings.broadcast_allowed)
        return std::errc::permission_denied;
    const auto path = ip_.route(remote, address_free ? Ipv4Address{} : port.local_,
                                port.settings.interface_index);
    if (!path) return std::errc::network_unreachable;
    if (port.identifier_ == 0 && !claim(port, 0)) return std::errc::address_in_use;
    if (address_free) port.local_ = path->source;
    port.address_chosen_ = address_free;
    port.remote_ = remote;
    return {};
}

void PingPorts::disconnect(PingPort& port) {
    port.remote_ = {};
    if (port.address_chosen_) port.local_ = {};
    port.address_chosen_ = false;
}

std::errc PingPorts::send(PingPort& port, std::span<const Bytes> parts,
                          std::optional<Ipv4Address> remote, const ip::SendControl& control,
                          Time now) {
    if (!remote && !port.is_connected()) return std::errc::destination_address_required;
    message_.clear();
    for (const Bytes part : parts) {
        if (message_.size() + part.size() > max_message_bytes) return std::errc::message_size;
        message_.insert(message_.end(), part.begin(), part.end());
    }
    if (message_.size() < wire::icmp_header_bytes ||
        wire::IcmpType{message_[0]} != wire::IcmpType::echo_request || message_[1] != 0)
        return std::errc::invalid_argument;

    auto departure = port.depart(ip_, remote ? *remote : port.remote_, control,
                                 wire::ipv4_header_bytes + message_.size());
    if (!departure) return departure.error();
    const ip::Path& path = departure->path;
    if (port.identifier_ == 0 && !claim(port, 0)) return std::errc::address_in_use;
    if (ip_.queue_room(path) == 0) {
        blocked_.add(port, path.interface_index);
        return std::errc::operation_would_block;
    }
    if (!departure->leaves) return {};
    const std::uint32_t rest =
        std::uint32_t{port.identifier_} << 16 | load_be16(message_, wire::icmp_header_bytes - 2);
    wire::write({wire::IcmpType::echo_request, 0, rest},
                Bytes(message_).subspan(wire::icmp_header_bytes), message_);
    departure->fields.protocol = Protocol::icmp;
    const std::array<Bytes, 1> message{Bytes(message_)};
    const DropReason reason =
        ip_.send_on(path, departure->fields, message, now, Fate::sent("echo request"));
    if (reason == DropReason::reply_queue_overflow) blocked_.add(port, path.interface_index);
    return ip::errc_of_send(reason);
}

PingPort* PingPorts::find(std::uint16_t identifier) const {
    const auto found = by_identifier_.find(identifier);
    return found == by_identifier_.end() ? nullptr : found->second;
}

Fate PingPorts::receive(link::Frame& frame, const wire::Ipv4View& packet,
                        const wire::IcmpView& reply, link::InterfaceIndex interface_index) {
    PingPort* port = find(identifier_of(reply.rest()));
    if (port == nullptr || !port->hears(packet.source(), packet.destination(), interface_index))
        return Fate::dropped(DropReason::icmp_not_wanted);
    Fate fate = fate_about(*port, packet.destination(), packet.source());
    const wire::Ipv4Header header = packet.header();
    ip::Datagram datagram = ip::Datagram::keep(frame, packet.payload(), context_.pool);
    datagram.source = {packet.source(), 0};
    datagram.destination = packet.destination();
    datagram.interface_index = interface_index;
    datagram.ttl = header.ttl;
    datagram.tos = static_cast<std::uint8_t>(header.dscp << 2 | header.ecn);
    if (!port->deliver(std::move(datagram))) {
        if (!frame.buffer) frame.buffer = std::move(datagram.buffer);  // `packet` lies in it
        fate.kind = FateKind::dropped;
        fate.reason = DropReason::ping_queue_full;
        return fate;
    }
    fate.note = "echo reply";
    return fate;
}

bool PingPorts::on_icmp_error(const ip::ErrorReport& report) {
    const Bytes quote = report.quoted_transport;
    if (report.protocol != static_cast<std::uint8_t>(Protocol::icmp) || quote.empty() ||
        wire::IcmpType{quote[0]} != wire::IcmpType::echo_request)
        return false;
    const FourTuple& about = report.four_tuple;
    PingPort* port = find(about.local.port);
    if (port == nullptr || !port->hears(about.remote.address, about.local.address, {}))
        return false;
    port->on_error(report);
    return true;
}

}  // namespace berth::icmp
