// One UDP endpoint and its queue of received datagrams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <system_error>

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "berth/address.hpp"
#include "demux/entry.hpp"
#include "demux/listener_table.hpp"
#include "link/interface.hpp"

namespace berth::udp {

// A datagram in a socket's receive queue; it keeps the arrived frame's buffer, or a packed copy. An
// empty one keeps none.
struct Datagram {
    Buffer buffer;
    std::uint32_t offset = 0;  // of the payload
    std::uint32_t length = 0;
    Endpoint source;
    Ipv4Address destination;
    link::InterfaceIndex interface_index = 0;

    Bytes payload() const { return buffer.bytes().subspan(offset, length); }
};

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
    // Bytes of received datagrams (true cost: whole buffers) kept for a slow reader; then
    // udp_queue_full.
    static constexpr std::size_t default_receive_limit_bytes = 212'992;  // as Linux's rmem_default
    // What a datagram costs besides its buffer, so that empty ones are bounded too.
    static constexpr std::size_t datagram_overhead_bytes = sizeof(Datagram);

    UdpPort(const UdpPort&) = delete;
    UdpPort& operator=(const UdpPort&) = delete;

    bool is_bound() const { return bound_; }
    bool is_connected() const { return connected_; }
    Endpoint remote() const { return connected_ ? four_tuple.remote : Endpoint{}; }
    bool has_datagram() const { return !queue_.empty(); }
    std::size_t queued_bytes() const { return queued_bytes_; }    // payload
    std::size_t charged_bytes() const { return charged_bytes_; }  // true cost
    // ICMP's verdict on an earlier datagram of a connected port (ECONNREFUSED …), handed out once.
    std::errc take_error();
    bool has_error() const { return error_ != std::errc{}; }
    std::optional<Datagram> take_datagram();
    const Datagram* peek_datagram() const { return queue_.empty() ? nullptr : &queue_.front(); }

    std::size_t receive_limit_bytes = default_receive_limit_bytes;
    bool broadcast_allowed = false;  // SO_BROADCAST
    // SO_REUSEADDR, kept for who asks for it; it lets no second port have the same (address, port).
    bool reuse_address = false;
    std::uint8_t ttl = 64;
    std::uint8_t dscp = 0;

  private:
    friend class Udp;
    explicit UdpPort(Receiver* user) : demux::Entry({}, demux::EntryKind::udp), user_(user) {}

    static std::size_t cost_of(const Datagram& datagram) {
        return datagram.buffer.capacity() + datagram_overhead_bytes;
    }
    // False: the queue is full, and the datagram is still the caller's. An empty queue takes any
    // one datagram, whatever the limit.
    bool enqueue(Datagram&& datagram);
    void tell() const {
        if (user_ != nullptr) user_->on_udp_event();
    }

    Receiver* user_;
    std::size_t slot_ = 0;  // where Udp keeps it
    bool bound_ = false;
    bool connected_ = false;
    bool address_chosen_ = false;  // by connect, not by the user
    bool port_chosen_ = false;
    std::optional<link::InterfaceIndex>
        blocked_on_;  // its user waits for room in that interface's queue
    std::errc error_{};
    std::size_t charged_bytes_ = 0;
    std::size_t queued_bytes_ = 0;
    std::deque<Datagram> queue_;
};

}  // namespace berth::udp
