// What ping and raw ports share: a queue of received datagrams, the choices that a socket makes for
// what it sends, and errors told to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "base/result.hpp"
#include "ip/datagram_queue.hpp"
#include "ip/error_report.hpp"
#include "ip/ipv4.hpp"
#include "ip/joined_groups.hpp"
#include "ip/send_control.hpp"

namespace berth::ip {

// Told when a datagram or an error arrives, or room to send appears. Called from inside the stack:
// it may note the event, not call back.
class DatagramUser {
  public:
    virtual ~DatagramUser() = default;
    virtual void on_datagram_event() = 0;
};

struct SendSettings {
    std::uint8_t ttl = 0;            // 0: the configured one
    std::uint8_t tos = 0;            // DSCP and ECN
    std::uint8_t multicast_ttl = 1;  // RFC 1112 §6.1; 0: it does not leave the host
    MtuDiscover mtu_discover = MtuDiscover::want;
    bool broadcast_allowed = false;                           // SO_BROADCAST
    std::optional<link::InterfaceIndex> interface_index;      // SO_BINDTODEVICE
    std::optional<link::InterfaceIndex> multicast_interface;  // IP_MULTICAST_IF
};

class DatagramPort {
  public:
    // Bytes of a quoted datagram that a queued error keeps: what an error of RFC 1812 §4.3.2.3
    // quotes.
    static constexpr std::size_t limit_quoted_bytes = 576;

    DatagramPort(const DatagramPort&) = delete;
    DatagramPort& operator=(const DatagramPort&) = delete;

    DatagramQueue queue;
    SendSettings settings;
    JoinedGroups groups;
    bool multicast_all = true;    // IP_MULTICAST_ALL: it hears groups that only others joined
    bool receive_errors = false;  // IP_RECVERR: errors are queued, and pending even if unconnected

    Ipv4Address local_address() const { return local_; }
    bool is_connected() const { return !remote_.is_unspecified(); }
    Ipv4Address remote_address() const { return remote_; }
    bool is_blocked() const { return blocked_on_.has_value(); }

  protected:
    friend class BlockedPorts;
    explicit DatagramPort(DatagramUser* user) : user_(user) {}
    ~DatagramPort() = default;

    // Its addresses and its interface let it hear what `source` sent to `destination`.
    bool hears(Ipv4Address source, Ipv4Address destination,
               std::optional<link::InterfaceIndex> interface_index) const;
    // False: the queue is full (counted there), and the datagram is still the caller's.
    bool deliver(Datagram&& datagram);
    void on_error(const ErrorReport& report);
    // A datagram of its own that was too large for the path: told as ICMP would have.
    void on_too_big(Endpoint destination, std::uint16_t mtu);
    void tell() const {
        if (user_ != nullptr) user_->on_datagram_event();
    }

    // The way of a datagram of `packet_bytes` (IP header included) to `destination`, and the fields
    // of its header but the protocol. address_not_available, permission_denied (a broadcast without
    // leave), network_unreachable, message_size.
    struct Departure {
        Path path;
        SendFields fields;
        bool leaves = true;  // false: the TTL keeps it from leaving
    };
    Result<Departure, std::errc> depart(const Ipv4& ip, Ipv4Address destination,
                                        const SendControl& control, std::size_t packet_bytes);

    DatagramUser* user_;
    Ipv4Address local_;                               // unspecified: any
    Ipv4Address remote_;                              // unspecified: not connected
    bool address_chosen_ = false;                     // by connect, not by the user
    std::optional<link::InterfaceIndex> blocked_on_;  // waits for room in that interface's queue
};

// Ports whose datagram found the queue of its interface full.
class BlockedPorts {
  public:
    void add(DatagramPort& port, link::InterfaceIndex interface_index);
    void remove(DatagramPort& port);
    // Tells those for which there is room now.
    void wake(const Ipv4& ip);

  private:
    std::vector<DatagramPort*> ports_;  // in the order in which they met a full queue
};

// What a program hears when IP did not take its datagram.
std::errc errc_of_send(DropReason reason);

}  // namespace berth::ip
