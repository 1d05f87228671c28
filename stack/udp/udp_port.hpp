// One UDP endpoint: what it is bound and connected to, its options, and what it has received.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "berth/address.hpp"
#include "demux/entry.hpp"
#include "demux/listener_table.hpp"
#include "ip/datagram_queue.hpp"
#include "ip/joined_groups.hpp"
#include "ip/send_control.hpp"
#include "link/interface.hpp"

namespace berth::udp {

// Told when a datagram or an error arrives, or room to send appears. Called from inside the stack:
// it may note the event, not call back.
class Receiver {
  public:
    virtual ~Receiver() = default;
    virtual void on_udp_event() = 0;
};

// One UDP endpoint: bound to a local endpoint, perhaps connected to a remote one. Made and changed
// by Udp; the user reads it and sets its options.
class UdpPort : public demux::LocalBinding, public demux::Entry {
  public:
    UdpPort(const UdpPort&) = delete;
    UdpPort& operator=(const UdpPort&) = delete;

    bool is_bound() const { return bound_; }
    bool is_connected() const { return connected_; }
    Endpoint remote() const { return connected_ ? four_tuple.remote : Endpoint{}; }

    ip::DatagramQueue inbox;
    ip::JoinedGroups groups;
    std::optional<link::InterfaceIndex> bind_interface;       // SO_BINDTODEVICE
    std::optional<link::InterfaceIndex> multicast_interface;  // IP_MULTICAST_IF; unset: the route's
    bool reuse_address = false;      // SO_REUSEADDR: may share (address, port) with its like
    bool reuse_port = false;         // SO_REUSEPORT: likewise, and each has a share of the remotes
    bool broadcast_allowed = false;  // SO_BROADCAST
    bool receive_errors = false;     // IP_RECVERR: errors are queued, also without a peer
    bool multicast_loop = true;      // IP_MULTICAST_LOOP: our own members hear what it sends
    bool multicast_all = true;       // IP_MULTICAST_ALL: it hears groups that only others joined
    std::uint8_t ttl = 0;            // of what is sent to one host or broadcast; 0: the host's
    std::uint8_t multicast_ttl = 1;  // RFC 1112 §6.1; 0: it does not leave the host
    std::uint8_t tos = 0;            // DSCP and ECN
    ip::MtuDiscover mtu_discover = ip::MtuDiscover::want;  // IP_MTU_DISCOVER

  private:
    friend class Udp;
    explicit UdpPort(Receiver* user) : demux::Entry({}, demux::EntryKind::udp), user_(user) {}

    UdpPort* next_sharer() const { return static_cast<UdpPort*>(next_in_group); }
    void tell() const {
        if (user_ != nullptr) user_->on_udp_event();
    }
    bool hears(link::InterfaceIndex interface_index) const {
        return !bind_interface || *bind_interface == interface_index;
    }
    bool wants_group(const FourTuple& four_tuple, link::InterfaceIndex interface_index) const;

    // The interface for whose queue its user waits, and the packets that have to fit.
    struct Blocked {
        link::InterfaceIndex interface_index = 0;
        std::size_t packets = 1;
    };

    Receiver* user_;
    std::size_t slot_ = 0;  // where Udp keeps it
    bool bound_ = false;
    bool connected_ = false;
    bool address_chosen_ = false;  // by connect, not by the user
    bool port_chosen_ = false;
    std::optional<Blocked> blocked_;
};

}  // namespace berth::udp
