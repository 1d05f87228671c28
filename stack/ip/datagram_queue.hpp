// What a datagram socket of any protocol has received: datagrams, a pending error, and the queue of
// errors that IP_RECVERR asks for. Bounded by the true cost of what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "berth/address.hpp"
#include "ip/error_report.hpp"
#include "link/frame.hpp"
#include "link/interface.hpp"

namespace berth::ip {

// A received datagram; it keeps the arrived frame's buffer, or a packed copy. An empty one keeps
// none.
struct Datagram {
    Buffer buffer;
    std::uint32_t offset = 0;  // of the payload
    std::uint32_t length = 0;
    Endpoint source;
    Ipv4Address destination;
    link::InterfaceIndex interface_index = 0;
    std::uint8_t ttl = 0;
    std::uint8_t tos = 0;  // DSCP and ECN

    Bytes payload() const { return buffer.bytes().subspan(offset, length); }

    // With the payload in the frame's own buffer, or, where that is less than half used and a
    // smaller block would do, in a copy. `payload` lies in the frame.
    static Datagram keep(link::Frame& frame, Bytes payload, BufferPool& pool);
    // With a copy of the payload; the buffer is empty if there is none of that size.
    static Datagram copy_of(Bytes payload, BufferPool& pool);
};

// An ICMP error (or one of our own: reporter unspecified) about a datagram that was sent, as
// recvmsg(MSG_ERRQUEUE) tells it (Linux ip(7)).
struct QueuedError {
    std::errc error{};
    bool from_icmp = true;  // else local: the path MTU did not allow it
    std::uint8_t type = 0;  // of the ICMP message
    std::uint8_t code = 0;
    std::uint32_t info = 0;  // the path MTU, where that is what it is about
    Ipv4Address reporter;
    Endpoint destination;               // of the datagram that it is about
    std::vector<std::uint8_t> payload;  // of that datagram, as much as was quoted
};

class DatagramQueue {
  public:
    // Bytes of received datagrams (true cost: whole buffers) kept for a slow reader.
    static constexpr std::size_t default_limit_bytes = 212'992;  // as Linux's rmem_default
    // What a datagram costs besides its buffer, so that empty ones are bounded too.
    static constexpr std::size_t overhead_bytes = sizeof(Datagram);
    // Errors kept for IP_RECVERR; beyond it the newest are lost, which the pending error outlives.
    static constexpr std::size_t limit_errors = 64;

    std::size_t limit_bytes = default_limit_bytes;

    bool empty() const { return datagrams_.empty(); }
    std::size_t queued_bytes() const { return queued_bytes_; }    // payload
    std::size_t charged_bytes() const { return charged_bytes_; }  // true cost
    std::uint64_t dropped() const { return dropped_; }            // refused, for want of room
    const Datagram* front() const { return datagrams_.empty() ? nullptr : &datagrams_.front(); }

    // False: the queue is full (counted), and the datagram is still the caller's. An empty queue
    // takes any one datagram, whatever the limit.
    bool push(Datagram&& datagram);
    std::optional<Datagram> pop();

    // The error that the next call on the socket reports, handed out once.
    bool has_error() const { return error_ != std::errc{}; }
    void set_error(std::errc error) { error_ = error; }
    std::errc take_error() { return std::exchange(error_, std::errc{}); }

    bool has_queued_error() const { return !errors_.empty(); }
    void push_error(QueuedError&& error);
    std::optional<QueuedError> pop_error();

  private:
    static std::size_t cost_of(const Datagram& datagram) {
        return datagram.buffer.capacity() + overhead_bytes;
    }

    std::deque<Datagram> datagrams_;
    std::deque<QueuedError> errors_;
    std::size_t charged_bytes_ = 0;
    std::size_t queued_bytes_ = 0;
    std::uint64_t dropped_ = 0;
    std::errc error_{};
};

// What an ICMP error means to who sent the datagram. RFC 1122 §4.1.3.3 has every error passed on.
std::errc errc_of(const ErrorReport& report);

}  // namespace berth::ip
