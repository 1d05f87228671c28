#include "socket/udp_socket.hpp"

#include <algorithm>

#include "socket/option_range.hpp"

namespace berth::socket {

namespace {

std::int64_t index_or_none(const std::optional<link::InterfaceIndex>& index) {
    return index ? std::int64_t{*index} : -1;
}

}  // namespace

UdpSocket::~UdpSocket() {
    set_watcher(nullptr);
    stack_.udp().close(port_, stack_.now());
}

std::errc UdpSocket::bind(Endpoint local) {
    return stack_.udp().bind(port_, local);
}

std::errc UdpSocket::disconnect() {
    stack_.udp().disconnect(port_);
    return {};
}

Result<std::size_t, std::errc> UdpSocket::send_with(std::span<const Bytes> parts,
                                                    std::optional<Endpoint> remote,
                                                    const SendControl& control) {
    if (write_shut_down_) return Failure{std::errc::broken_pipe};
    if (const std::errc error = port_.inbox.take_error(); error != std::errc{})
        return Failure{error};
    if (const std::errc error = stack_.udp().send(port_, parts, remote, stack_.now(), control);
        error != std::errc{})
        return Failure{error};
    std::size_t sum = 0;
    for (const Bytes part : parts)
        sum += part.size();
    return sum;
}

Result<Received, std::errc> UdpSocket::receive(std::span<const MutableBytes> parts,
                                               ReceiveFlags flags) {
    if (const std::errc error = port_.inbox.take_error(); error != std::errc{})
        return Failure{error};
    const ip::Datagram* first = port_.inbox.front();
    if (first == nullptr) {
        if (read_shut_down_) return Received{};
        return Failure{std::errc::operation_would_block};
    }
    Received received;
    received.source = first->source;
    received.destination = first->destination;
    received.interface_index = first->interface_index;
    received.ttl = first->ttl;
    received.tos = first->tos;
    received.full_length = first->length;
    Bytes rest = first->length == 0 ? Bytes{} : first->payload();
    for (const MutableBytes part : parts) {
        const std::size_t count = std::min(part.size(), rest.size());
        std::copy_n(rest.begin(), count, part.begin());
        rest = rest.subspan(count);
        received.bytes += count;
    }
    if (!flags.peek) static_cast<void>(port_.inbox.pop());
    return received;
}

// As Linux: once the queue of errors has been read, none is pending.
Result<ip::QueuedError, std::errc> UdpSocket::take_queued_error() {
    auto error = port_.inbox.pop_error();
    if (!error) return Failure{std::errc::operation_would_block};
    if (!port_.inbox.has_queued_error()) static_cast<void>(port_.inbox.take_error());
    return *std::move(error);
}

std::errc UdpSocket::join(const Membership& membership) {
    return port_.groups.join(stack_.ip(), membership.group, membership.interface_index,
                             membership.source, stack_.now());
}

std::errc UdpSocket::leave(const Membership& membership) {
    return port_.groups.leave(stack_.ip(), membership.group, membership.interface_index,
                              membership.source, stack_.now());
}

std::errc UdpSocket::shutdown(Shutdown how) {
    if (!port_.is_connected()) return std::errc::not_connected;
    read_shut_down_ = read_shut_down_ || how != Shutdown::write;
    write_shut_down_ = write_shut_down_ || how != Shutdown::read;
    notify();
    return {};
}

Endpoint UdpSocket::local() const {
    return port_.is_bound() ? port_.local : Endpoint{};
}

std::optional<Endpoint> UdpSocket::remote() const {
    if (!port_.is_connected()) return std::nullopt;
    return port_.remote();
}

Readiness UdpSocket::readiness() const {
    const ip::DatagramQueue& inbox = port_.inbox;
    Readiness ready;
    ready.error = inbox.has_error() || inbox.has_queued_error();
    ready.has_data = !inbox.empty();
    ready.readable = ready.has_data || read_shut_down_ || inbox.has_error();
    ready.writable = true;
    ready.read_hangup = read_shut_down_;
    ready.hangup = read_shut_down_ && write_shut_down_;
    return ready;
}

std::errc UdpSocket::set_byte(std::uint8_t& field, std::int64_t value, std::int64_t least) {
    if (value < least || value > 255) return std::errc::invalid_argument;
    field = static_cast<std::uint8_t>(value);
    return {};
}

// An index of -1: none.
std::errc UdpSocket::set_interface(std::optional<link::InterfaceIndex>& field, std::int64_t index) {
    if (index < 0) {
        field.reset();
        return {};
    }
    const auto wanted = static_cast<link::InterfaceIndex>(
        std::min<std::int64_t>(index, link::Interfaces::loopback_index + 1));
    if (!stack_.ip().interfaces().has(wanted)) return std::errc::no_such_device;
    field = wanted;
    return {};
}

// As Linux: a socket that is bound to one interface cannot choose another.
std::errc UdpSocket::set_multicast_interface(std::int64_t index) {
    if (index >= 0 && port_.bind_interface && std::int64_t{*port_.bind_interface} != index)
        return std::errc::invalid_argument;
    const std::errc error = set_interface(port_.multicast_interface, index);
    return error == std::errc::no_such_device ? std::errc::address_not_available : error;
}

std::errc UdpSocket::set_option(Option option, std::int64_t value) {
    const bool on = value != 0;
    switch (option) {
        case Option::reuse_address: port_.reuse_address = on; return {};
        case Option::reuse_port: port_.reuse_port = on; return {};
        case Option::broadcast: port_.broadcast_allowed = on; return {};
        case Option::receive_buffer: port_.inbox.limit_bytes = clamp_buffer(value); return {};
        case Option::send_buffer: send_buffer_ = clamp_buffer(value); return {};
        case Option::ttl: return set_byte(port_.ttl, value, 1);
        case Option::tos: return set_byte(port_.tos, value, 0);
        case Option::bind_interface: return set_interface(port_.bind_interface, value);
        case Option::mtu_discover:
            if (value < 0 || value > static_cast<std::int64_t>(MtuDiscover::probe))
                return std::errc::invalid_argument;
            port_.mtu_discover = static_cast<MtuDiscover>(value);
            return {};
        case Option::receive_errors:
            port_.receive_errors = on;
            while (!on && port_.inbox.pop_error()) {
            }
            return {};
        case Option::packet_info: packet_info_ = on; return {};
        case Option::receive_ttl: receive_ttl_ = on; return {};
        case Option::receive_tos: receive_tos_ = on; return {};
        case Option::multicast_ttl: return set_byte(port_.multicast_ttl, value, 0);
        case Option::multicast_loop: port_.multicast_loop = on; return {};
        case Option::multicast_all: port_.multicast_all = on; return {};
        case Option::multicast_interface: return set_multicast_interface(value);
        default: return std::errc::no_protocol_option;
    }
}

Result<std::int64_t, std::errc> UdpSocket::get_option(Option option) {
    switch (option) {
        case Option::reuse_address: return std::int64_t{port_.reuse_address};
        case Option::reuse_port: return std::int64_t{port_.reuse_port};
        case Option::broadcast: return std::int64_t{port_.broadcast_allowed};
        case Option::receive_buffer: return static_cast<std::int64_t>(port_.inbox.limit_bytes);
        case Option::send_buffer: return std::int64_t{send_buffer_};
        case Option::ttl:
            return std::int64_t{port_.ttl != 0 ? port_.ttl : stack_.ip().config().ttl};
        case Option::tos: return std::int64_t{port_.tos};
        case Option::error: return static_cast<std::int64_t>(port_.inbox.take_error());
        case Option::type: return std::int64_t{1};
        case Option::accepting: return std::int64_t{0};
        case Option::unread_bytes: {
            const ip::Datagram* next = port_.inbox.front();
            return next == nullptr ? std::int64_t{0} : static_cast<std::int64_t>(next->length);
        }
        case Option::unacked_bytes: return std::int64_t{0};
        case Option::bind_interface: return index_or_none(port_.bind_interface);
        case Option::mtu_discover: return static_cast<std::int64_t>(port_.mtu_discover);
        case Option::mtu:
            if (!port_.is_connected()) return Failure{std::errc::not_connected};
            if (const auto mtu = stack_.udp().path_mtu(port_)) return std::int64_t{*mtu};
            return Failure{std::errc::not_connected};
        case Option::receive_errors: return std::int64_t{port_.receive_errors};
        case Option::packet_info: return std::int64_t{packet_info_};
        case Option::receive_ttl: return std::int64_t{receive_ttl_};
        case Option::receive_tos: return std::int64_t{receive_tos_};
        case Option::multicast_ttl: return std::int64_t{port_.multicast_ttl};
        case Option::multicast_loop: return std::int64_t{port_.multicast_loop};
        case Option::multicast_all: return std::int64_t{port_.multicast_all};
        case Option::multicast_interface: return index_or_none(port_.multicast_interface);
        default: return Failure{std::errc::no_protocol_option};
    }
}

}  // namespace berth::socket
