#include "socket/tcp_socket.hpp"

#include <algorithm>

#include "socket/option_range.hpp"

namespace berth::socket {

TcpSocket::~TcpSocket() {
    set_watcher(nullptr);
    if (listener_ != nullptr) stack_.tcp().close(*listener_);
    if (connection_ != nullptr) stack_.tcp().release(*connection_, options().linger_s == 0);
    if (binding_ != nullptr) stack_.tcp().unbind(*binding_);
}

std::errc TcpSocket::bind(Endpoint local) {
    // One socket, one local endpoint: a second bind is EINVAL (POSIX).
    if (binding_ != nullptr || connection_ != nullptr || listener_ != nullptr)
        return std::errc::invalid_argument;
    auto binding = stack_.tcp().bind(local, reuse_address_);
    if (!binding) return binding.error();
    binding_ = *binding;
    return {};
}

std::errc TcpSocket::listen(int backlog) {
    if (connection_ != nullptr) return std::errc::invalid_argument;
    const auto limit = static_cast<std::size_t>(
        std::clamp(backlog, 0, static_cast<int>(stack_.tcp().config().max_backlog)));
    if (listener_ != nullptr) {
        listener_->backlog = limit;
        return {};
    }
    if (binding_ == nullptr) {
        if (const std::errc error = bind({}); error != std::errc{}) return error;
    }
    auto listener = stack_.tcp().listen(binding_->local, limit, options(), this);
    if (!listener) return listener.error();
    listener_ = *listener;
    options_.reset();
    binding_->reusable = false;  // from here on nobody shares it
    return {};
}

Result<std::unique_ptr<Socket>, std::errc> TcpSocket::accept() {
    if (listener_ == nullptr) return Failure{std::errc::invalid_argument};
    auto accepted = std::make_unique<TcpSocket>(stack_);
    accepted->connection_ = stack_.tcp().accept(*listener_, accepted.get());
    if (accepted->connection_ == nullptr) return Failure{std::errc::operation_would_block};
    accepted->established_reported_ = true;
    return std::unique_ptr<Socket>(std::move(accepted));
}

std::errc TcpSocket::connect(Endpoint remote) {
    if (listener_ != nullptr)
        return std::errc::already_connected;  // as Linux: a listener cannot connect
    if (connection_ != nullptr) return connect_again(remote);
    const Endpoint local = binding_ == nullptr ? Endpoint{} : binding_->local;
    auto connection = stack_.tcp().open(local, remote, options(), this, stack_.now());
    if (!connection) return connection.error();
    connection_ = *connection;
    options_.reset();
    // Fast Open with a cookie: the SYN goes with the first send(), as on Linux.
    established_reported_ = connection_->opens_with_data();
    return established_reported_ ? std::errc{} : std::errc::operation_in_progress;
}

// The attempt, or the connection, is over and its error has been told: as on Linux the socket may
// try again.
std::errc TcpSocket::start_over(Endpoint remote) {
    if (const std::errc error = disconnect(); error != std::errc{}) return error;
    return connect(remote);
}

std::errc TcpSocket::connect_again(Endpoint remote) {
    if (is_connecting()) return std::errc::connection_already_in_progress;
    if (const std::errc error = connection_->take_error(); error != std::errc{}) return error;
    if (connection_->state() == tcp::State::closed) return start_over(remote);
    if (established_reported_) return std::errc::already_connected;
    established_reported_ = true;
    return {};
}

bool TcpSocket::is_connecting() const {
    return connection_ != nullptr && !established_reported_ &&
           (connection_->state() == tcp::State::syn_sent ||
            connection_->state() == tcp::State::syn_received);
}

std::errc TcpSocket::disconnect() {
    if (connection_ == nullptr) return {};
    const tcp::Options kept = options();
    stack_.tcp().release(*connection_, true);
    connection_ = nullptr;
    established_reported_ = read_shut_down_ = false;
    set_options(kept);
    return {};
}

Result<std::size_t, std::errc> TcpSocket::send(std::span<const Bytes> parts,
                                               std::optional<Endpoint> remote) {
    if (connection_ == nullptr)
        return Failure{listener_ == nullptr && remote ? std::errc::broken_pipe
                                                      : std::errc::not_connected};
    if (const std::errc error = connection_->error(); error != std::errc{}) {
        static_cast<void>(connection_->take_error());
        return Failure{error};
    }
    const auto taken = connection_->send(parts, {});
    if (!taken) return taken;
    std::size_t offered = 0;
    for (const Bytes part : parts)
        offered += part.size();
    if (*taken == 0 && offered > 0) return Failure{std::errc::operation_would_block};
    return taken;
}

Result<Received, std::errc> TcpSocket::receive(std::span<const MutableBytes> parts,
                                               ReceiveFlags flags) {
    if (connection_ == nullptr) return Failure{std::errc::not_connected};
    Received received;
    received.source = connection_->four_tuple.remote;
    received.destination = connection_->four_tuple.local.address;
    if (read_shut_down_) return received;
    received.bytes = connection_->receive(parts, flags.peek);
    received.full_length = received.bytes;
    if (received.bytes > 0) return received;
    std::size_t room = 0;
    for (const MutableBytes part : parts)
        room += part.size();
    if (room == 0 && !connection_->is_over()) return received;
    if (const std::errc error = connection_->error(); error != std::errc{}) {
        static_cast<void>(connection_->take_error());
        return Failure{error};
    }
    if (connection_->at_end()) return received;
    return Failure{std::errc::operation_would_block};
}

std::errc TcpSocket::shutdown(Shutdown how) {
    if (connection_ == nullptr || is_connecting() || connection_->state() == tcp::State::closed)
        return std::errc::not_connected;
    if (how != Shutdown::write) {
        read_shut_down_ = true;
        connection_->discard_received();
    }
    if (how != Shutdown::read) connection_->close_send();
    notify();
    return {};
}

Endpoint TcpSocket::local() const {
    if (connection_ != nullptr) return connection_->four_tuple.local;
    return binding_ == nullptr ? Endpoint{} : binding_->local;
}

std::optional<Endpoint> TcpSocket::remote() const {
    if (connection_ == nullptr || is_connecting() || connection_->state() == tcp::State::closed)
        return std::nullopt;
    return connection_->four_tuple.remote;
}

Readiness TcpSocket::readiness() const {
    Readiness ready;
    if (listener_ != nullptr) {
        ready.readable = !listener_->accept_queue.empty();
        return ready;
    }
    if (connection_ == nullptr) {  // as Linux: a fresh stream socket is "hung up"
        ready.hangup = ready.writable = true;
        return ready;
    }
    if (is_connecting()) return ready;
    const bool over = connection_->is_over();
    const bool write_closed = over || connection_->sender().fin_queued();
    const bool read_closed = over || read_shut_down_ || connection_->receiver().fin_received();
    ready.error = connection_->error() != std::errc{};
    ready.readable = connection_->readable_bytes() > 0 || read_closed || ready.error;
    ready.read_hangup = read_closed;
    ready.hangup = read_closed && write_closed;
    // Once closed a send fails at once.
    ready.writable = write_closed || ready.error || connection_->is_writable();
    return ready;
}

bool TcpSocket::has_unacknowledged() const {
    return connection_ != nullptr && !connection_->is_over() && !is_connecting() &&
           connection_->sender().has_outstanding();
}

const tcp::Options& TcpSocket::options() const {
    if (connection_ != nullptr) return connection_->options();
    if (listener_ != nullptr) return listener_->options;
    return options_ ? *options_ : tcp::default_options;
}

void TcpSocket::set_options(const tcp::Options& options) {
    if (connection_ != nullptr)
        connection_->set_options(options);
    else if (listener_ != nullptr)
        listener_->options = options;
    else
        options_ = std::make_unique<tcp::Options>(options);
}

std::errc TcpSocket::set_option(Option option, std::int64_t value) {
    tcp::Options chosen = options();
    switch (option) {
        case Option::reuse_address: reuse_address_ = value != 0; return {};
        case Option::no_delay: chosen.no_delay = value != 0; break;
        case Option::linger:
            chosen.linger_s =
                static_cast<std::int32_t>(std::clamp<std::int64_t>(value, -1, 0x7fffffff));
            break;
        case Option::receive_buffer: chosen.receive_buffer_bytes = clamp_buffer(value); break;
        case Option::send_buffer: chosen.send_buffer_bytes = clamp_buffer(value); break;
        case Option::maximum_segment:
            if (value < 64 || value > 65'495) return std::errc::invalid_argument;
            chosen.user_mss = static_cast<std::uint16_t>(value);
            break;
        case Option::ttl:
            if (value < 1 || value > 255) return std::errc::invalid_argument;
            chosen.ttl = static_cast<std::uint8_t>(value);
            break;
        case Option::tos:
            if (value < 0 || value > 255) return std::errc::invalid_argument;
            chosen.tos = static_cast<std::uint8_t>(value);
            break;
        default: return std::errc::no_protocol_option;
    }
    set_options(chosen);
    return {};
}

Result<std::int64_t, std::errc> TcpSocket::get_option(Option option) {
    const tcp::Config& config = stack_.tcp().config();
    const tcp::Options& chosen = options();
    switch (option) {
        case Option::reuse_address: return std::int64_t{reuse_address_};
        case Option::no_delay: return std::int64_t{chosen.no_delay};
        case Option::linger: return std::int64_t{chosen.linger_s};
        case Option::receive_buffer:
            return std::int64_t{chosen.receive_buffer_bytes == 0 ? config.receive_buffer_bytes
                                                                 : chosen.receive_buffer_bytes};
        case Option::send_buffer:
            return std::int64_t{chosen.send_buffer_bytes == 0 ? config.send_buffer_bytes
                                                              : chosen.send_buffer_bytes};
        case Option::maximum_segment:
            return std::int64_t{connection_ != nullptr ? connection_->sender().mss()
                                : chosen.user_mss != 0 ? chosen.user_mss
                                                       : 536};
        case Option::ttl:
            return std::int64_t{chosen.ttl != 0 ? chosen.ttl : stack_.ip().config().ttl};
        case Option::tos: return std::int64_t{chosen.tos};
        case Option::error:
            return static_cast<std::int64_t>(connection_ == nullptr ? std::errc{}
                                                                    : connection_->take_error());
        case Option::type: return std::int64_t{0};
        case Option::accepting: return std::int64_t{listener_ != nullptr};
        default: return Failure{std::errc::no_protocol_option};
    }
}

// RFC 9293 §3.9.2.1 (MUST-51): before the OPEN, active or passive.
std::errc TcpSocket::set_ip_options(Bytes options) {
    const auto route = ip::SourceRoute::from_options(options);
    if (!route || connection_ != nullptr) return std::errc::invalid_argument;
    tcp::Options chosen = this->options();
    chosen.source_route = *route;
    set_options(chosen);
    return {};
}

Result<std::size_t, std::errc> TcpSocket::ip_options(MutableBytes to) const {
    return options().source_route.write_as_given(to);
}

}  // namespace berth::socket
