#include "socket/tcp_socket.hpp"

#include <algorithm>

namespace berth::socket {

TcpSocket::~TcpSocket() {
    set_watcher(nullptr);
    if (listener() != nullptr) {
        stack_.tcp().close(*listener_);
        return;  // what was bound was the listener's
    }
    if (connection() != nullptr) stack_.tcp().release(*connection_, options().linger_s == 0);
    if (is_bound()) stack_.tcp().unbind(bound_, sharing_);
}

void TcpSocket::become(tcp::Connection* connection) {
    role_ = Role::connection;
    connection_ = connection;
    options_.reset();
}

std::errc TcpSocket::bind(Endpoint local) {
    // One socket, one local endpoint: a second bind is EINVAL (POSIX).
    if (is_bound() || role_ != Role::none) return std::errc::invalid_argument;
    const auto bound = stack_.tcp().bind(local, sharing_);
    if (!bound) return bound.error();
    bound_ = *bound;
    return {};
}

std::errc TcpSocket::listen(int backlog) {
    if (connection() != nullptr) return std::errc::invalid_argument;
    // As Linux: a negative backlog is as large as may be.
    const int most = stack_.tcp().config().max_backlog;
    const auto limit = static_cast<std::size_t>(backlog < 0 ? most : std::min(backlog, most));
    if (listener() != nullptr) {
        listener_->backlog = limit;
        return {};
    }
    if (!is_bound()) {
        if (const std::errc error = bind({}); error != std::errc{}) return error;
    }
    auto made = stack_.tcp().listen(bound_, sharing_, limit, options(), this);
    if (!made) return made.error();
    role_ = Role::listener;
    listener_ = *made;
    options_.reset();
    read_shut_down_ = false;
    return {};
}

// Who waits in accept() hears of it (Linux; POSIX leaves shutdown() of a listener open). The socket
// is bound again and may listen again.
void TcpSocket::stop_listening() {
    const tcp::Options kept = options();
    const demux::Sharing shared = sharing();
    stack_.tcp().close(*listener_);
    role_ = Role::none;
    listener_ = nullptr;
    sharing_ = shared;
    set_options(kept);
    const auto bound = stack_.tcp().bind(bound_, sharing_);
    bound_ = bound ? *bound : Endpoint{};
    read_shut_down_ = true;
}

Result<std::unique_ptr<Socket>, std::errc> TcpSocket::accept() {
    if (listener() == nullptr) return Failure{std::errc::invalid_argument};
    auto accepted = std::make_unique<TcpSocket>(stack_);
    tcp::Connection* const next = stack_.tcp().accept(*listener_, accepted.get());
    if (next == nullptr) return Failure{std::errc::operation_would_block};
    accepted->become(next);
    accepted->established_reported_ = true;
    return std::unique_ptr<Socket>(std::move(accepted));
}

std::errc TcpSocket::connect(Endpoint remote) {
    if (listener() != nullptr)
        return std::errc::already_connected;  // as Linux: a listener cannot connect
    if (connection() != nullptr) return connect_again(remote);
    const auto opened = stack_.tcp().open(bound_, remote, options(), this, stack_.now());
    if (!opened) return opened.error();
    become(*opened);
    stack_.tcp().share(*connection_, sharing_);
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
    return connection() != nullptr && !established_reported_ &&
           (connection_->state() == tcp::State::syn_sent ||
            connection_->state() == tcp::State::syn_received);
}

std::errc TcpSocket::disconnect() {
    if (connection() == nullptr) return {};
    const tcp::Options kept = options();
    sharing_ = sharing();
    stack_.tcp().release(*connection_, true);
    role_ = Role::none;
    connection_ = nullptr;
    established_reported_ = read_shut_down_ = false;
    set_options(kept);
    return {};
}

Result<std::size_t, std::errc> TcpSocket::send(std::span<const Bytes> parts,
                                               std::optional<Endpoint> remote, SendFlags flags) {
    if (connection() == nullptr)
        return Failure{listener() == nullptr && remote ? std::errc::broken_pipe
                                                       : std::errc::not_connected};
    if (const std::errc error = connection_->error(); error != std::errc{}) {
        static_cast<void>(connection_->take_error());
        return Failure{error};
    }
    const auto taken = connection_->send(parts, {.more = flags.more, .urgent = flags.out_of_band});
    if (!taken) return taken;
    std::size_t offered = 0;
    for (const Bytes part : parts)
        offered += part.size();
    if (*taken == 0 && offered > 0) return Failure{std::errc::operation_would_block};
    return taken;
}

Result<Received, std::errc> TcpSocket::receive(std::span<const MutableBytes> parts,
                                               ReceiveFlags flags) {
    if (flags.out_of_band) return receive_urgent(parts, flags.peek);
    if (connection() == nullptr) return Failure{std::errc::not_connected};
    Received received;
    received.source = connection_->four_tuple.remote;
    received.destination = connection_->four_tuple.local.address;
    if (read_shut_down_) return received;
    const std::size_t unread = connection_->readable_bytes();
    const bool mark_follows =
        unread < connection_->receiver().queued_bytes() && !connection_->at_mark();
    received.bytes = connection_->receive(parts, flags.peek);
    received.at_mark = mark_follows && received.bytes == unread;
    received.full_length = received.bytes;
    if (received.bytes > 0) return received;
    std::size_t room = 0;
    for (const MutableBytes part : parts)
        room += part.size();
    if (room == 0 && !connection_->is_over()) return received;
    // As Linux: whoever has heard the peer's FIN has all that the peer wanted to say, and a reset
    // after it is a matter for senders.
    const bool whole = connection_->receiver().fin_received() && connection_->at_end();
    const std::errc error = connection_->error();
    if (error != std::errc{} && !whole) {
        static_cast<void>(connection_->take_error());
        return Failure{error};
    }
    if (connection_->at_end()) return received;
    return Failure{std::errc::operation_would_block};
}

Result<Received, std::errc> TcpSocket::receive_urgent(std::span<const MutableBytes> parts,
                                                      bool peek) {
    if (listener() != nullptr) return Failure{std::errc::not_connected};
    if (connection() == nullptr) return Failure{std::errc::invalid_argument};
    const auto byte = connection_->receive_urgent(peek);
    if (!byte) return Failure{byte.error()};
    Received received;
    received.source = connection_->four_tuple.remote;
    received.destination = connection_->four_tuple.local.address;
    received.full_length = 1;
    for (const MutableBytes part : parts) {
        if (part.empty()) continue;
        part.front() = *byte;
        received.bytes = 1;
        break;
    }
    return received;
}

std::errc TcpSocket::shutdown(Shutdown how) {
    if (listener() != nullptr) {
        if (how != Shutdown::write) stop_listening();
        notify();
        return {};
    }
    if (connection() == nullptr || is_connecting() || connection_->state() == tcp::State::closed)
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
    return connection() != nullptr ? connection_->four_tuple.local : bound_;
}

std::optional<Endpoint> TcpSocket::remote() const {
    if (connection() == nullptr || is_connecting() || connection_->state() == tcp::State::closed)
        return std::nullopt;
    return connection_->four_tuple.remote;
}

Readiness TcpSocket::readiness() const {
    if (connection() != nullptr) return is_connecting() ? Readiness{} : connection_readiness();
    Readiness ready;
    if (listener() != nullptr) {
        ready.readable = ready.has_data = !listener_->accept_queue.empty();
    } else {
        // As Linux: a fresh stream socket is "hung up", and so is one that has stopped listening.
        ready.hangup = ready.writable = true;
        ready.readable = ready.read_hangup = read_shut_down_;
    }
    return ready;
}

Readiness TcpSocket::connection_readiness() const {
    Readiness ready;
    const tcp::Options& chosen = options();
    const tcp::Receiver& receiver = connection_->receiver();
    const bool over = connection_->is_over();
    const bool write_closed = over || connection_->sender().fin_queued();
    const bool read_closed = over || read_shut_down_ || receiver.fin_received();
    const std::size_t unread = connection_->readable_bytes();
    ready.error = connection_->error() != std::errc{};
    ready.has_data = unread > 0;
    // Whoever waits for more than the window lets the peer send would wait for ever.
    const bool enough = unread >= chosen.receive_low_water ||
                        (unread > 0 && receiver.wnd() < connection_->sender().mss());
    ready.readable = enough || read_closed || ready.error;
    ready.priority = connection_->has_urgent();
    ready.read_hangup = read_closed;
    ready.hangup = read_closed && write_closed;
    // Once closed a send fails at once.
    ready.writable = write_closed || ready.error || connection_->is_writable();
    return ready;
}

bool TcpSocket::has_unacknowledged() const {
    return connection() != nullptr && !connection_->is_over() && !is_connecting() &&
           connection_->sender().has_outstanding();
}

const tcp::Options& TcpSocket::options() const {
    if (connection() != nullptr) return connection_->options();
    if (listener() != nullptr) return listener_->options;
    return options_ ? *options_ : tcp::default_options;
}

void TcpSocket::set_options(const tcp::Options& options) {
    if (connection() != nullptr)
        connection_->set_options(options);
    else if (listener() != nullptr)
        listener_->options = options;
    else
        options_ = std::make_unique<tcp::Options>(options);
}

// An accepted socket has its listener's.
demux::Sharing TcpSocket::sharing() const {
    if (connection() != nullptr) return connection_->sharing;
    return sharing_;
}

void TcpSocket::share(demux::Sharing sharing) {
    tcp::Tcp& tcp = stack_.tcp();
    if (connection() != nullptr) tcp.share(*connection_, sharing);
    if (listener() != nullptr)
        tcp.share(*listener_, sharing);
    else if (is_bound())
        tcp.share(bound_, sharing_, sharing);
    sharing_ = sharing;
}

// RFC 9293 §3.9.2.1 (MUST-51): before the OPEN, active or passive.
std::errc TcpSocket::set_ip_options(Bytes options) {
    const auto route = ip::SourceRoute::from_options(options);
    if (!route || connection() != nullptr) return std::errc::invalid_argument;
    tcp::Options chosen = this->options();
    chosen.source_route = *route;
    set_options(chosen);
    return {};
}

Result<std::size_t, std::errc> TcpSocket::ip_options(MutableBytes to) const {
    return options().source_route.write_as_given(to);
}

}  // namespace berth::socket
