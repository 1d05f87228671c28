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
#include "ip/datagram_queue.hpp"
#include "ip/send_control.hpp"
#include "link/interface.hpp"

namespace berth::socket {

enum class Type : std::uint8_t {
    stream,
    datagram,
    ping,  // ICMP echo with an identifier as its port (Linux icmp(7): SOCK_DGRAM, IPPROTO_ICMP)
    raw,   // packets of one IP protocol
};

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
    reuse_address,        // SO_REUSEADDR: 0 or 1
    broadcast,            // SO_BROADCAST: 0 or 1
    receive_buffer,       // SO_RCVBUF: bytes
    send_buffer,          // SO_SNDBUF: bytes
    linger,               // SO_LINGER: -1 off, else seconds; 0: close aborts with RST
    no_delay,             // TCP_NODELAY: 0 or 1
    maximum_segment,      // TCP_MAXSEG: bytes
    ttl,                  // IP_TTL: 1 … 255
    tos,                  // IP_TOS: the DSCP and ECN byte
    error,                // SO_ERROR: errno of the pending error, cleared by reading; read only
    type,                 // SO_TYPE; read only
    accepting,            // SO_ACCEPTCONN; read only
    bind_interface,       // SO_BINDTODEVICE: an interface's index; -1: any
    mtu_discover,         // IP_MTU_DISCOVER: MtuDiscover's values
    mtu,                  // IP_MTU: the path's MTU, of a connected socket; read only
    receive_errors,       // IP_RECVERR: 0 or 1; errors are queued for take_queued_error()
    packet_info,          // IP_PKTINFO: 0 or 1; kept here, acted on by who hands out ancillary data
    receive_ttl,          // IP_RECVTTL: likewise
    receive_tos,          // IP_RECVTOS: likewise
    multicast_ttl,        // IP_MULTICAST_TTL: 0 … 255; 0 does not leave the host
    multicast_loop,       // IP_MULTICAST_LOOP: 0 or 1
    multicast_interface,  // IP_MULTICAST_IF: an interface's index; -1: by the route
    multicast_all,        // IP_MULTICAST_ALL: 0 or 1
    header_included,      // IP_HDRINCL, raw: 0 or 1
    icmp_filter,          // ICMP_FILTER, raw ICMP: a bit for each type that is not wanted
};

using ip::MtuDiscover;

enum class Shutdown : std::uint8_t { read, write, both };

struct ReceiveFlags {
    bool peek = false;
};

struct Received {
    std::size_t bytes = 0;        // copied to the caller; zero on a stream: its end
    std::size_t full_length = 0;  // of the datagram, where more than `bytes` (MSG_TRUNC)
    Endpoint source{};            // of the datagram, or the peer
    Ipv4Address destination{};    // that the datagram was sent to
    link::InterfaceIndex interface_index = 0;  // that it came by
    std::uint8_t ttl = 0;
    std::uint8_t tos = 0;  // DSCP and ECN
};

using ip::SendControl;

// Membership in a multicast group (ip_mreqn, ip_mreq_source).
struct Membership {
    Ipv4Address group;
    std::optional<link::InterfaceIndex> interface_index{};  // unset: by the route to the group
    Ipv4Address source{};  // specified: only what this source sends (RFC 3376, RFC 4607)
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
    // send() with choices for this datagram alone. Streams have none to make.
    virtual Result<std::size_t, std::errc> send_with(std::span<const Bytes> parts,
                                                     std::optional<Endpoint> remote,
                                                     const SendControl& control);
    // The oldest of the errors that Option::receive_errors has had queued; would_block: none.
    virtual Result<ip::QueuedError, std::errc> take_queued_error();
    // Multicast, datagram and raw sockets. address_in_use: joined already; address_not_available:
    // not joined; no_such_device; no_buffer_space: the bound on memberships (ip::JoinedGroups).
    virtual std::errc join(const Membership& membership);
    virtual std::errc leave(const Membership& membership);
    // IP_OPTIONS: a source route (RFC 791 §3.1), for what is opened from here on; no bytes: none.
    // Streams that are not connected yet. invalid_argument: it is anything else.
    virtual std::errc set_ip_options(Bytes options);
    virtual Result<std::size_t, std::errc> ip_options(MutableBytes to) const;
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
