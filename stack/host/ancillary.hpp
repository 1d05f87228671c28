// Ancillary data (cmsg(3)) in Linux's layout: what the caller wants done with one datagram, and
// what is told of one that came.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ip/datagram_queue.hpp"
#include "socket/socket.hpp"
#include "stack.hpp"

namespace berth::host {

// IP_PKTINFO, IP_TTL, IP_TOS out of msg_control. EINVAL: malformed, out of range, or of a kind that
// is not known here; ENODEV: no such interface. Other levels than IP's are passed over, as on
// Linux.
Result<socket::SendControl, int> control_from(Bytes control, const Stack& stack);

// Writes control messages one after the other; what does not fit is cut (MSG_CTRUNC).
class ControlWriter {
  public:
    explicit ControlWriter(MutableBytes room) : room_(room) {}

    void add(int level, int type, Bytes data);
    std::size_t size() const { return size_; }
    bool truncated() const { return truncated_; }

  private:
    MutableBytes room_;
    std::size_t size_ = 0;
    bool truncated_ = false;
};

// What the socket's options ask for, of a datagram that came.
void tell_received(ControlWriter& writer, socket::Socket& socket, const Stack& stack,
                   const socket::Received& received);
// IP_RECVERR: struct sock_extended_err and the address of who reported the error.
void tell_error(ControlWriter& writer, const ip::QueuedError& error);

}  // namespace berth::host
