#include "socket/udp_socket.hpp"

#include <algorithm>

#include "socket/option_range.hpp"

namespace berth::socket {

UdpSocket::~UdpSocket() {
    set_watcher(nullptr);
    stack_.udp().close(port_);
}

std::errc UdpSocket::bind(Endpoint local) {
    return stack_.udp().bind(port_, local);
}

std::errc UdpSocket::disconnect() {
    stack_.udp().disconnect(port_);
    return {};
}

Result<std::size_t, std::errc> UdpSocket::send(std::span<const Bytes> parts,
                                               std::optional<Endpoint> remote) {
    return send_with(parts, remote, {});
}

Result<std::size_t, std::errc> UdpSocket::send_with(std::span<const Bytes> parts,
                                                    std::optional<Endpoint> remote,
                                                    const SendControl& control) {
    if (write_shut_down_) return Failure{std::errc::broken_pipe};
    if (const std::errc error = port_.take_error(); error != std::errc{}) return Failure{error};
    if (const std::errc error = stack_.udp().send(port_, parts, remote, stack_.now(),
                                                  control.interface_index, control.source);
        error != std::errc{})
        return Failure{error};
    std::size_t sum = 0;
    for (const Bytes part : parts)
        sum += part.size();
    return sum;
}

Result<Received, std::errc> UdpSocket::receive(std::span<const MutableBytes> parts,
                                               ReceiveFlags flags) {
    if (const std::errc error = port_.take_error(); error != std::errc{}) return Failure{error};
    const udp::Datagram* first = port_.peek_datagram();
    if (first == nullptr) {
        if (read_shut_down_) return Received{};
        return Failure{std::errc::operation_would_block};
    }
    Received received;
    received.source = first->source;
    received.destination = first->destination;
    received.interface_index = first->interface_index;
    received.full_length = first->length;
    Bytes rest = first->length == 0 ? Bytes{} : first->payload();
    for (const MutableBytes part : parts) {
        const std::size_t count = std::min(part.size(), rest.size());
        std::copy_n(rest.begin(), count, part.begin());
        rest = rest.subspan(count);
        received.bytes += count;
    }
    if (!flags.peek) static_cast<void>(port_.take_datagram());
    return received;
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
    Readiness ready;
    ready.error = port_.has_error();
    ready.readable = port_.has_datagram() || read_shut_down_ || ready.error;
    ready.writable = true;
    ready.read_hangup = read_shut_down_;
    ready.hangup = read_shut_down_ && write_shut_down_;
    return ready;
}

std::errc UdpSocket::set_option(Option option, std::int64_t value) {
    switch (option) {
        case Option::reuse_address: port_.reuse_address = value != 0; return {};
        case Option::broadcast: port_.broadcast_allowed = value != 0; return {};
        case Option::receive_buffer: port_.receive_limit_bytes = clamp_buffer(value); return {};
        case Option::send_buffer: send_buffer_ = clamp_buffer(value); return {};
        case Option::ttl:
            if (value < 1 || value > 255) return std::errc::invalid_argument;
            port_.ttl = static_cast<std::uint8_t>(value);
            return {};
        case Option::tos:
            if (value < 0 || value > 255) return std::errc::invalid_argument;
            port_.dscp = static_cast<std::uint8_t>(value >> 2);
            return {};
        default: return std::errc::no_protocol_option;
    }
}

Result<std::int64_t, std::errc> UdpSocket::get_option(Option option) {
    switch (option) {
        case Option::reuse_address: return std::int64_t{port_.reuse_address};
        case Option::broadcast: return std::int64_t{port_.broadcast_allowed};
        case Option::receive_buffer: return static_cast<std::int64_t>(port_.receive_limit_bytes);
        case Option::send_buffer: return std::int64_t{send_buffer_};
        case Option::ttl: return std::int64_t{port_.ttl};
        case Option::tos: return std::int64_t{port_.dscp << 2};
        case Option::error: return static_cast<std::int64_t>(port_.take_error());
        case Option::type: return std::int64_t{1};
        case Option::accepting: return std::int64_t{0};
        default: return Failure{std::errc::no_protocol_option};
    }
}

}  // namespace berth::socket
