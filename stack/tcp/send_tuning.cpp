// How much a user may hand us: SO_SNDBUF, or a limit that follows the congestion window; and of
// that what has never been sent (TCP_NOTSENT_LOWAT).
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

std::uint32_t Connection::notsent_low_water() const {
    const std::uint32_t chosen = options().notsent_low_water;
    return chosen != 0 ? chosen : tcp_.config().notsent_low_water;
}

std::size_t Connection::send_room() const {
    if (!may_send(state_) && !opens_with_data()) return 0;
    const std::size_t used = sender_.unsent_and_unacknowledged();
    const std::size_t unsent = sender_.unsent();
    const std::size_t room = used < send_limit_bytes_ ? send_limit_bytes_ - used : 0;
    const std::size_t low_water = notsent_low_water();
    return std::min(room, unsent < low_water ? low_water - unsent : 0);
}

// As in Linux: a third of the buffer is free, and half of what may be unsent.
bool Connection::is_writable() const {
    if (!may_send(state_)) return false;
    const std::size_t used = sender_.unsent_and_unacknowledged();
    if (used >= send_limit_bytes_ || 2 * (send_limit_bytes_ - used) < used) return false;
    return 2 * sender_.unsent() < notsent_low_water();
}

// Two congestion windows: one in flight, and one that is ready when its acknowledgments come. What
// the user has set stays (tcp(7), as in Linux).
void Connection::tune_send_buffer() {
    if (options().send_buffer_bytes != 0) return;
    const std::uint32_t wanted =
        std::min(2 * sender_.congestion().cwnd(), tcp_.config().send_buffer_max_bytes);
    send_limit_bytes_ = std::max(send_limit_bytes_, wanted);
}

}  // namespace berth::tcp
