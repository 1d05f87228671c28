#include "socket/port_socket.hpp"

#include <algorithm>

namespace berth::socket {

void PortSocket::end() {
    set_watcher(nullptr);
    port().groups.leave_all(stack_.ip(), stack_.now());
}

Result<std::size_t, std::errc> PortSocket::send(std::span<const Bytes> parts,
                                                std::optional<Endpoint> remote, SendFlags) {
    return send_with(parts, remote, {});
}

Result<std::size_t, std::errc> PortSocket::send_with(std::span<const Bytes> parts,
                                                     std::optional<Endpoint> remote,
                                                     const SendControl& control) {
    if (write_shut_down_) return Failure{std::errc::broken_pipe};
    if (const std::errc error = port().queue.take_error(); error != std::errc{})
        return Failure{error};
    std::optional<Ipv4Address> to;
    if (remote) to = remote->address;
    if (const std::errc error = send_datagram(parts, to, control); error != std::errc{})
        return Failure{error};
    std::size_t sum = 0;
    for (const Bytes part : parts)
        sum += part.size();
    return sum;
}

Result<Received, std::errc> PortSocket::receive(std::span<const MutableBytes> parts,
                                                ReceiveFlags flags) {
    ip::DatagramQueue& queue = port().queue;
    if (const std::errc error = queue.take_error(); error != std::errc{}) return Failure{error};
    const ip::Datagram* first = queue.front();
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
    Bytes rest = first->payload();
    for (const MutableBytes part : parts) {
        const std::size_t count = std::min(part.size(), rest.size());
        std::copy_n(rest.begin(), count, part.begin());
        rest = rest.subspan(count);
        received.bytes += count;
    }
    if (!flags.peek) static_cast<void>(queue.pop());
    return received;
}

Result<ip::QueuedError, std::errc> PortSocket::take_queued_error() {
    auto error = port().queue.pop_error();
    if (!error) return Failure{std::errc::operation_would_block};
    return std::move(*error);
}

std::errc PortSocket::join(const Membership& membership) {
    return port().groups.join(stack_.ip(), membership.group, membership.interface_index,
                              membership.source, stack_.now());
}

std::errc PortSocket::leave(const Membership& membership) {
    return port().groups.leave(stack_.ip(), membership.group, membership.interface_index,
                               membership.source, stack_.now());
}

std::errc PortSocket::shutdown(Shutdown how) {
    if (!port().is_connected()) return std::errc::not_connected;
    read_shut_down_ = read_shut_down_ || how != Shutdown::write;
    write_shut_down_ = write_shut_down_ || how != Shutdown::read;
    notify();
    return {};
}

std::optional<Endpoint> PortSocket::remote() const {
    if (!port().is_connected()) return std::nullopt;
    return Endpoint{port().remote_address(), 0};
}

Readiness PortSocket::readiness() const {
    const ip::DatagramQueue& queue = port().queue;
    Readiness ready;
    ready.error = queue.has_error() || queue.has_queued_error();
    ready.has_data = !queue.empty();
    ready.readable = ready.has_data || read_shut_down_ || queue.has_error();
    ready.writable = !port().is_blocked();
    ready.read_hangup = read_shut_down_;
    ready.hangup = read_shut_down_ && write_shut_down_;
    return ready;
}

std::errc PortSocket::set_option(Option option, std::int64_t value) {
    return options_.set(stack_.ip(), port(), option, value).value_or(std::errc::no_protocol_option);
}

Result<std::int64_t, std::errc> PortSocket::get_option(Option option) {
    if (option == Option::type) return static_cast<std::int64_t>(type());
    if (auto value = options_.get(stack_.ip(), port(), option)) return *value;
    return Failure{std::errc::no_protocol_option};
}

}  // namespace berth::socket
