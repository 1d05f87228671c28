#include "ip/datagram_port.hpp"

#include <algorithm>
#include <utility>

namespace berth::ip {

bool DatagramPort::hears(Ipv4Address source, Ipv4Address destination,
                         std::optional<link::InterfaceIndex> interface_index) const {
    if (destination.is_multicast() && interface_index &&
        !groups.wants(destination, *interface_index, source).value_or(multicast_all))
        return false;
    return (local_.is_unspecified() || local_ == destination) &&
           (remote_.is_unspecified() || remote_ == source) &&
           (!settings.interface_index || !interface_index ||
            settings.interface_index == interface_index);
}

bool DatagramPort::deliver(Datagram&& datagram) {
    if (!queue.push(std::move(datagram))) return false;
    tell();
    return true;
}

// As Linux: who asked for errors gets them all, queued and pending; else only who is connected can
// know what an error is about. RFC 1122 §4.1.3.3 has the soft ones passed on as well.
void DatagramPort::on_error(const ErrorReport& report) {
    if (report.is_fragmentation_needed() && settings.mtu_discover == MtuDiscover::never) return;
    if (!receive_errors && !is_connected()) return;
    const std::errc error = errc_of(report);
    if (receive_errors) {
        const Bytes quote = report.quoted_transport.first(
            std::min(report.quoted_transport.size(), limit_quoted_bytes));
        QueuedError queued;
        queued.error = error;
        queued.from_icmp = !report.reporter.is_unspecified();
        queued.type = static_cast<std::uint8_t>(report.type);
        queued.code = report.code;
        queued.info = report.is_fragmentation_needed() ? report.rest & 0xffffU : 0;
        queued.reporter = report.reporter;
        queued.destination = report.four_tuple.remote;
        queued.payload.assign(quote.begin(), quote.end());
        queue.push_error(std::move(queued));
    }
    queue.set_error(error);
    tell();
}

void DatagramPort::on_too_big(Endpoint destination, std::uint16_t mtu) {
    if (!receive_errors) return;
    QueuedError queued;
    queued.error = std::errc::message_size;
    queued.from_icmp = false;
    queued.info = mtu;
    queued.destination = destination;
    queue.push_error(std::move(queued));
}

Result<DatagramPort::Departure, std::errc> DatagramPort::depart(const Ipv4& ip,
                                                                Ipv4Address destination,
                                                                const SendControl& control,
                                                                std::size_t packet_bytes) {
    if (destination.is_unspecified()) return Failure{std::errc::network_unreachable};
    if (ip.is_broadcast(destination) && !settings.broadcast_allowed)
        return Failure{std::errc::permission_denied};
    Ipv4Address source = control.source.is_unspecified() ? local_ : control.source;
    if (ip.is_group(source)) source = {};  // bound to a group: it hears there, and speaks as any
    if (!source.is_unspecified() && !ip.is_own(source))
        return Failure{std::errc::address_not_available};
    const bool is_multicast = destination.is_multicast();
    auto device = control.interface_index ? control.interface_index : settings.interface_index;
    if (!device && is_multicast) device = settings.multicast_interface;
    const auto path = ip.route(destination, source, device);
    if (!path) return Failure{std::errc::network_unreachable};

    Departure departure{*path, {}};
    SendFields& fields = departure.fields;
    const std::uint8_t tos = control.tos.value_or(settings.tos);
    fields.source = path->source;
    fields.destination = destination;
    fields.ttl = control.ttl.value_or(is_multicast ? settings.multicast_ttl : settings.ttl);
    fields.dscp = tos >> 2;
    fields.ecn = tos & 0x03;
    departure.leaves = !is_multicast || fields.ttl > 0;
    const MtuDiscover policy = settings.mtu_discover;
    if (policy == MtuDiscover::probe)
        departure.path.mtu = ip.interfaces().at(path->interface_index).mtu();
    const bool fits = packet_bytes <= departure.path.mtu;
    fields.dont_fragment = policy != MtuDiscover::never && (policy != MtuDiscover::want || fits);
    if (fields.dont_fragment && !fits) {
        on_too_big({destination, 0}, departure.path.mtu);
        return Failure{std::errc::message_size};
    }
    return departure;
}

void BlockedPorts::add(DatagramPort& port, link::InterfaceIndex interface_index) {
    if (!port.blocked_on_) ports_.push_back(&port);
    port.blocked_on_ = interface_index;
}

void BlockedPorts::remove(DatagramPort& port) {
    if (port.blocked_on_) ports_.erase(std::find(ports_.begin(), ports_.end(), &port));
    port.blocked_on_.reset();
}

void BlockedPorts::wake(const Ipv4& ip) {
    if (ports_.empty()) return;
    const auto first_woken =
        std::stable_partition(ports_.begin(), ports_.end(), [&](const DatagramPort* port) {
            return ip.interfaces().at(*port->blocked_on_).queue_room() == 0;
        });
    for (auto woken = first_woken; woken != ports_.end(); ++woken) {
        (*woken)->blocked_on_.reset();
        (*woken)->tell();
    }
    ports_.erase(first_woken, ports_.end());
}

std::errc errc_of_send(DropReason reason) {
    switch (reason) {
        case DropReason::none: return {};
        case DropReason::ip_truncated:
        case DropReason::ip_bad_header_length: return std::errc::invalid_argument;
        case DropReason::ip_too_big: return std::errc::message_size;
        case DropReason::reply_queue_overflow: return std::errc::operation_would_block;
        case DropReason::interface_down: return std::errc::network_down;
        default: return std::errc::network_unreachable;
    }
}

}  // namespace berth::ip
