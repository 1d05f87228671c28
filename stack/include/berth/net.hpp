// Typed sockets for C++: no exceptions on the data path, spans for bytes, std::error_code for
// errors.
//
// Each object owns one descriptor of berth/socket.h (fd() lends it to berth_poll and friends) and
// closes it when destroyed. On a host with threads calls block; after set_nonblocking(true), and
// always on an embedded host, they say std::errc::operation_would_block instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "berth/address.hpp"

namespace berth {

class Host;

struct IoResult {
    std::size_t bytes = 0;
    std::error_code error{};
    explicit operator bool() const { return !error; }
};

// What the three kinds have in common: the descriptor, moved but never copied.
class SocketHandle {
  public:
    SocketHandle() = default;
    explicit SocketHandle(int fd) : fd_(fd) {}
    SocketHandle(SocketHandle&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), error_(other.error_) {}
    SocketHandle& operator=(SocketHandle&& other) noexcept;
    ~SocketHandle() { close(); }

    // Made and without error so far.
    explicit operator bool() const { return fd_ >= 0 && !error_; }
    std::error_code error() const { return error_; }
    int fd() const { return fd_; }
    void close();
    std::error_code set_nonblocking(bool on);
    std::error_code set_option(int level, int name, int value);
    std::optional<int> option(int level, int name) const;  // nothing: errno says why
    Endpoint local() const;

  protected:
    int fd_ = -1;
    std::error_code error_{};  // of the constructor
};

// The active socket: exactly one per four-tuple.
class TcpConnection : public SocketHandle {
  public:
    TcpConnection() = default;
    // Opens a connection; the route decides the local address and RFC 6056 the port. Blocks until
    // established on a host with threads; on an embedded host error() is operation_in_progress at
    // first.
    TcpConnection(Host& host, Endpoint remote);
    TcpConnection(Host& host, Endpoint local, Endpoint remote);
    explicit TcpConnection(int fd, std::error_code error = {}) : SocketHandle(fd) {
        error_ = error;
    }

    IoResult send(std::span<const std::uint8_t> data);  // some of it
    IoResult send_all(
        std::span<const std::uint8_t> data);         // all of it, unless an error comes first
    IoResult receive(std::span<std::uint8_t> data);  // zero bytes: the peer has closed
    // The last byte is urgent (RFC 9293 section 3.8.5), as MSG_OOB.
    IoResult send_urgent(std::span<const std::uint8_t> data);
    std::error_code shutdown_send();
    Endpoint remote() const;
    FourTuple four_tuple() const { return {local(), remote()}; }
};

// The passive socket: one per (address, port).
class TcpListener : public SocketHandle {
  public:
    // Connections of an earlier listener that have not gone yet do not keep it from its port
    // (SO_REUSEADDR). One whose endpoint overlaps another listener's has to share it.
    TcpListener(Host& host, Endpoint local, int backlog = 128);
    // Shares the endpoint with all that do so too, each with its share of the clients; towards the
    // wildcard address the one at the very address is heard first (SO_REUSEPORT).
    struct Shared {};
    TcpListener(Host& host, Endpoint local, Shared, int backlog = 128);
    // The connection keeps this listener's port; check it before use (its error() says why not).
    TcpConnection accept();

  private:
    void begin(Endpoint local, int backlog);
};

class UdpSocket : public SocketHandle {
  public:
    explicit UdpSocket(Host& host);
    UdpSocket(Host& host, Endpoint local);

    std::error_code connect(Endpoint remote);
    IoResult send(std::span<const std::uint8_t> data);
    IoResult send_to(std::span<const std::uint8_t> data, Endpoint remote);
    IoResult receive(std::span<std::uint8_t> data);
    IoResult receive_from(std::span<std::uint8_t> data, Endpoint& source);
};

}  // namespace berth
