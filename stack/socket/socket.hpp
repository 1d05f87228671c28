// The non-blocking socket: POSIX semantics and errno values, no thread, no OS.
//
// Every call returns at once. What would block says operation_would_block (or operation_in_progress
// for a connect that has begun), and the watcher hears when readiness may have changed. Errors are
// std::errc, whose values are errno's. Destroying a socket closes it: a connection goes on closing
// properly on its own, without a socket. Single-threaded, like the stack below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::socket {

enum class Type : std::uint8_t { stream, datagram };

// poll's events, as they stand now (level-triggered).
struct Readiness {
    bool readable =
        false;  // POLLIN: a receive (or accept) would not block; also at end of stream and on error
    bool writable = false;     // POLLOUT: a send would not block
    bool read_hangup = false;  // POLLRDHUP: the peer has sent its FIN, or reading was shut down
    bool hangup = false;       // POLLHUP: both directions are over
    bool error = false;        // POLLERR: an error waits to be fetched
    constexpr bool operator==(const Readiness&) const = default;
};

// The options that both APIs share. Values are integers; what they mean stands beside each.
enum class Option : std::uint8_t {
    reuse_address,    // SO_REUSEADDR: 0 or 1
    broadcast,        // SO_BROADCAST: 0 or 1
    receive_buffer,   // SO_RCVBUF: bytes
    send_buffer,      // SO_SNDBUF: bytes
    linger,           // SO_LINGER: -1 off, else seconds; 0: close aborts with RST
    no_delay,         // TCP_NODELAY: 0 or 1
    maximum_segment,  // TCP_MAXSEG: bytes
    ttl,              // IP_TTL: 1 … 255
    tos,              // IP_TOS: the DSCP and ECN byte
    error,            // SO_ERROR: errno of the pending error, cleared by reading; read only
    type,             // SO_TYPE; read only
    accepting,        // SO_ACCEPTCONN; read only
};

enum class Shutdown : std::uint8_t { read, write, both };

struct ReceiveFlags {
    bool peek = false;
};

struct Received {
    std::size_t bytes = 0;        // copied to the caller; zero on a stream: its end
    std::size_t full_length = 0;  // of the datagram, where more than `bytes` (MSG_TRUNC)
    Endpoint source{};            // of the datagram, or the peer
    Ipv4Address destination{};    // that the datagram was sent to
};

class Socket;

class Watcher {
  public:
    virtual ~Watcher() = default;
    // Readiness may have changed. Called from inside the stack: note it and return, do not call
    // back.
    virtual void on_readiness(Socket& socket) = 0;
};

class Socket {
  public:
    virtual ~Socket() = default;
    Socket() = default;
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    virtual Type type() const = 0;
    // std::errc{} is success throughout.
    virtual std::errc bind(Endpoint local) = 0;
    virtual std::errc listen(int backlog) = 0;
    virtual Result<std::unique_ptr<Socket>, std::errc> accept() = 0;
    // A stream's first call begins (operation_in_progress); later ones say
    // connection_already_in_progress, the error, or already_connected. A datagram socket is
    // connected at once.
    virtual std::errc connect(Endpoint remote) = 0;
    // connect() with AF_UNSPEC: a datagram socket forgets its peer; a connection is aborted.
    virtual std::errc disconnect() = 0;
    // Bytes taken: all of a datagram, or as much of a stream as there is room for (at least one).
    virtual Result<std::size_t, std::errc> send(std::span<const Bytes> parts,
                                                std::optional<Endpoint> remote) = 0;
    virtual Result<Received, std::errc> receive(std::span<const MutableBytes> parts,
                                                ReceiveFlags flags) = 0;
    virtual std::errc shutdown(Shutdown how) = 0;
    virtual Endpoint local() const = 0;
    virtual std::optional<Endpoint> remote() const = 0;  // the peer, once connected
    virtual Readiness readiness() const = 0;
    virtual std::errc set_option(Option option, std::int64_t value) = 0;
    virtual Result<std::int64_t, std::errc> get_option(Option option) = 0;
    // True when closing now would leave data or the FIN unacknowledged: what SO_LINGER waits for.
    virtual bool has_unacknowledged() const { return false; }

    void set_watcher(Watcher* watcher) { watcher_ = watcher; }

  protected:
    void notify() {
        if (watcher_ != nullptr) watcher_->on_readiness(*this);
    }

  private:
    Watcher* watcher_ = nullptr;
};

}  // namespace berth::socket
