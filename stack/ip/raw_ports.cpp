#include "ip/raw_ports.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace berth::ip {

namespace {

constexpr std::size_t max_packet_bytes = std::numeric_limits<std::uint16_t>::max();

constexpr std::uint8_t icmp_number = static_cast<std::uint8_t>(Protocol::icmp);

std::uint8_t tos_of(const wire::Ipv4View& packet) {
    const wire::Ipv4Header header = packet.header();
    return static_cast<std::uint8_t>(header.dscp << 2 | header.ecn);
}

std::size_t size_of(std::span<const Bytes> parts) {
    std::size_t sum = 0;
    for (const Bytes part : parts)
        sum += part.size();
    return sum;
}

}  // namespace

bool RawPort::wants(const wire::Ipv4View& packet, link::InterfaceIndex interface_index) const {
    if (protocol_ != packet.protocol() || protocol_ == RawPorts::protocol_raw) return false;
    if (!hears(packet.source(), packet.destination(), interface_index)) return false;
    if (protocol_ != icmp_number || packet.payload().empty()) return true;
    const std::uint8_t type = packet.payload()[0];
    return type >= 32 || (icmp_filter >> type & 1U) == 0;
}

RawPort* RawPorts::open(std::uint8_t protocol, DatagramUser* user) {
    if (protocol == 0 || ports_.size() == limit_ports) return nullptr;
    ports_.push_back(std::unique_ptr<RawPort>(new RawPort(user, protocol)));
    ports_.back()->header_included = protocol == protocol_raw;
    if (protocol != protocol_raw) ++by_protocol_[protocol];
    return ports_.back().get();
}

void RawPorts::close(RawPort& port) {
    blocked_.remove(port);
    if (port.protocol_ != protocol_raw) --by_protocol_[port.protocol_];
    ports_.erase(std::find_if(ports_.begin(), ports_.end(),
                              [&](const auto& each) { return each.get() == &port; }));
}

std::errc RawPorts::bind(RawPort& port, Ipv4Address local) {
    if (!local.is_unspecified() && !ip_.is_own(local) && !ip_.is_group(local))
        return std::errc::address_not_available;
    port.local_ = local;
    port.address_chosen_ = false;
    return {};
}

std::errc RawPorts::connect(RawPort& port, Ipv4Address remote) {
    const bool address_free = port.address_chosen_ || port.local_.is_unspecified();
    const bool speaks_as_any = address_free || ip_.is_group(port.local_);
    if (remote.is_unspecified()) return std::errc::network_unreachable;
    if (ip_.is_broadcast(remote) && !port.settings.broadcast_allowed)
        return std::errc::permission_denied;
    const auto path = ip_.route(remote, speaks_as_any ? Ipv4Address{} : port.local_,
                                port.settings.interface_index);
    if (!path) return std::errc::network_unreachable;
    if (address_free) port.local_ = path->source;
    port.address_chosen_ = address_free;
    port.remote_ = remote;
    return {};
}

void RawPorts::disconnect(RawPort& port) {
    port.remote_ = {};
    if (port.address_chosen_) port.local_ = {};
    port.address_chosen_ = false;
}

std::errc RawPorts::send(RawPort& port, std::span<const Bytes> parts,
                         std::optional<Ipv4Address> remote, const SendControl& control, Time now) {
    if (!remote && !port.is_connected()) return std::errc::destination_address_required;
    const Ipv4Address to = remote ? *remote : port.remote_;
    const std::size_t header_bytes = port.header_included ? 0 : wire::ipv4_header_bytes;
    const std::size_t packet_bytes = header_bytes + size_of(parts);
    if (packet_bytes > max_packet_bytes) return std::errc::message_size;
    auto departure = port.depart(ip_, to, control, packet_bytes);
    if (!departure) return departure.error();
    const Path& path = departure->path;
    if (ip_.queue_room(path) == 0) {
        blocked_.add(port, path.interface_index);
        return std::errc::operation_would_block;
    }
    const Fate fate = Fate::sent("raw");
    if (port.header_included) return send_own_header(port, parts, path, now, fate);
    if (!departure->leaves) return {};
    departure->fields.protocol = static_cast<Protocol>(port.protocol_);
    const DropReason reason = ip_.send_on(path, departure->fields, parts, now, fate);
    if (reason == DropReason::reply_queue_overflow) blocked_.add(port, path.interface_index);
    return errc_of_send(reason);
}

std::errc RawPorts::send_own_header(RawPort& port, std::span<const Bytes> parts, const Path& path,
                                    Time now, const Fate& fate) {
    packet_.clear();
    for (const Bytes part : parts)
        packet_.insert(packet_.end(), part.begin(), part.end());
    const DropReason reason = ip_.send_packet(path, packet_, now, fate);
    if (reason == DropReason::reply_queue_overflow) blocked_.add(port, path.interface_index);
    return errc_of_send(reason);
}

RawPorts::Heard RawPorts::receive(const wire::Ipv4View& packet,
                                  link::InterfaceIndex interface_index) {
    if (!hears(packet.protocol())) return Heard::nobody;
    Heard heard = Heard::nobody;
    for (const auto& port : ports_) {
        if (!port->wants(packet, interface_index)) continue;
        Datagram copy = Datagram::copy_of(packet.packet(), context_.pool);
        copy.source = {packet.source(), 0};
        copy.destination = packet.destination();
        copy.interface_index = interface_index;
        copy.ttl = packet.ttl();
        copy.tos = tos_of(packet);
        if (port->deliver(std::move(copy))) {
            heard = Heard::somebody;
        } else if (heard == Heard::nobody) {
            heard = Heard::queue_full;
        }
    }
    return heard;
}

bool RawPorts::on_icmp_error(const ErrorReport& report) {
    if (!hears(report.protocol)) return false;
    bool told = false;
    const FourTuple& about = report.four_tuple;
    for (const auto& port : ports_) {
        const bool is_its = port->protocol_ == report.protocol &&
                            port->hears(about.remote.address, about.local.address, {});
        if (!is_its) continue;
        ErrorReport portless = report;
        portless.four_tuple.remote.port = 0;
        port->on_error(portless);
        told = true;
    }
    return told;
}

}  // namespace berth::ip
