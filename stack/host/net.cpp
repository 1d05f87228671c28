// berth/net.hpp: the typed sockets, on top of berth/socket.h.
#include "berth/net.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "berth/host.hpp"
#include "berth/socket.h"
#include "host/socket_address.hpp"

namespace berth {

namespace {

std::error_code last_system_error() {
    return {errno, std::generic_category()};
}

std::error_code code_of(int result) {
    return result < 0 ? last_system_error() : std::error_code{};
}

IoResult io_result(ssize_t result) {
    if (result < 0) return {0, last_system_error()};
    return {static_cast<std::size_t>(result), {}};
}

// An Endpoint as the C API wants it.
class SystemAddress {
  public:
    explicit SystemAddress(Endpoint endpoint) { host::store_endpoint(endpoint, get(), &length_); }
    SystemAddress() = default;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
    socklen_t* length_pointer() { return &length_; }
    socklen_t length() const { return length_; }
    Endpoint endpoint() {
        const auto parsed = host::endpoint_from(get(), length_);
        return parsed ? *parsed : Endpoint{};
    }

  private:
    sockaddr_storage storage_{};
    socklen_t length_ = sizeof storage_;
};

std::error_code bind_to(int fd, Endpoint local) {
    SystemAddress address(local);
    return code_of(berth_bind(fd, address.get(), address.length()));
}

std::error_code connect_to(int fd, Endpoint remote) {
    SystemAddress address(remote);
    return code_of(berth_connect(fd, address.get(), address.length()));
}

template <class Call>
Endpoint ask_endpoint(int fd, Call call) {
    SystemAddress address;
    return call(fd, address.get(), address.length_pointer()) < 0 ? Endpoint{} : address.endpoint();
}

}  // namespace

SocketHandle& SocketHandle::operator=(SocketHandle&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
        error_ = other.error_;
    }
    return *this;
}

void SocketHandle::close() {
    if (fd_ >= 0) berth_close(std::exchange(fd_, -1));
}

std::error_code SocketHandle::set_nonblocking(bool on) {
    return code_of(berth_fcntl(fd_, F_SETFL, on ? O_NONBLOCK : 0));
}

std::error_code SocketHandle::set_option(int level, int name, int value) {
    return code_of(berth_setsockopt(fd_, level, name, &value, sizeof value));
}

std::optional<int> SocketHandle::option(int level, int name) const {
    int value = 0;
    socklen_t length = sizeof value;
    if (berth_getsockopt(fd_, level, name, &value, &length) < 0) return std::nullopt;
    return value;
}

Endpoint SocketHandle::local() const {
    return ask_endpoint(fd_, berth_getsockname);
}

// ---- TcpConnection
// -------------------------------------------------------------------------------

TcpConnection::TcpConnection(Host& host, Endpoint remote) : SocketHandle(host.socket(SOCK_STREAM)) {
    error_ = fd_ < 0 ? last_system_error() : connect_to(fd_, remote);
}

TcpConnection::TcpConnection(Host& host, Endpoint local, Endpoint remote)
    : SocketHandle(host.socket(SOCK_STREAM)) {
    error_ = fd_ < 0 ? last_system_error() : bind_to(fd_, local);
    if (!error_) error_ = connect_to(fd_, remote);
}

IoResult TcpConnection::send(std::span<const std::uint8_t> data) {
    return io_result(berth_send(fd_, data.data(), data.size(), MSG_NOSIGNAL));
}

IoResult TcpConnection::send_all(std::span<const std::uint8_t> data) {
    IoResult total;
    while (!data.empty()) {
        const IoResult part = send(data);
        total.bytes += part.bytes;
        total.error = part.error;
        if (!part) break;
        data = data.subspan(part.bytes);
    }
    return total;
}

IoResult TcpConnection::receive(std::span<std::uint8_t> data) {
    return io_result(berth_recv(fd_, data.data(), data.size(), 0));
}

IoResult TcpConnection::send_urgent(std::span<const std::uint8_t> data) {
    return io_result(berth_send(fd_, data.data(), data.size(), MSG_NOSIGNAL | MSG_OOB));
}

std::error_code TcpConnection::shutdown_send() {
    return code_of(berth_shutdown(fd_, SHUT_WR));
}

Endpoint TcpConnection::remote() const {
    return ask_endpoint(fd_, berth_getpeername);
}

// ---- TcpListener
// ---------------------------------------------------------------------------------

TcpListener::TcpListener(Host& host, Endpoint local, int backlog)
    : SocketHandle(host.socket(SOCK_STREAM)) {
    begin(local, backlog);
}

TcpListener::TcpListener(Host& host, Endpoint local, Shared, int backlog)
    : SocketHandle(host.socket(SOCK_STREAM)) {
    if (fd_ >= 0) error_ = set_option(SOL_SOCKET, SO_REUSEPORT, 1);
    begin(local, backlog);
}

void TcpListener::begin(Endpoint local, int backlog) {
    if (fd_ < 0) error_ = last_system_error();
    if (!error_) error_ = set_option(SOL_SOCKET, SO_REUSEADDR, 1);
    if (!error_) error_ = bind_to(fd_, local);
    if (!error_) error_ = code_of(berth_listen(fd_, backlog));
}

TcpConnection TcpListener::accept() {
    const int fd = berth_accept(fd_, nullptr, nullptr);
    return TcpConnection(fd, code_of(fd));
}

// ---- UdpSocket
// -----------------------------------------------------------------------------------

UdpSocket::UdpSocket(Host& host) : SocketHandle(host.socket(SOCK_DGRAM)) {
    if (fd_ < 0) error_ = last_system_error();
}

UdpSocket::UdpSocket(Host& host, Endpoint local) : UdpSocket(host) {
    if (!error_) error_ = bind_to(fd_, local);
}

std::error_code UdpSocket::connect(Endpoint remote) {
    return connect_to(fd_, remote);
}

IoResult UdpSocket::send(std::span<const std::uint8_t> data) {
    return io_result(berth_send(fd_, data.data(), data.size(), MSG_NOSIGNAL));
}

IoResult UdpSocket::send_to(std::span<const std::uint8_t> data, Endpoint remote) {
    SystemAddress address(remote);
    return io_result(
        berth_sendto(fd_, data.data(), data.size(), MSG_NOSIGNAL, address.get(), address.length()));
}

IoResult UdpSocket::receive(std::span<std::uint8_t> data) {
    return io_result(berth_recv(fd_, data.data(), data.size(), 0));
}

IoResult UdpSocket::receive_from(std::span<std::uint8_t> data, Endpoint& source) {
    SystemAddress address;
    const IoResult result = io_result(
        berth_recvfrom(fd_, data.data(), data.size(), 0, address.get(), address.length_pointer()));
    if (result) source = address.endpoint();
    return result;
}

}  // namespace berth
