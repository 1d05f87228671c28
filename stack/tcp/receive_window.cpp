// The window that the receiver offers (RFC 9293 §3.8.6), and the buffer behind it.
#include <algorithm>

#include "tcp/receiver.hpp"

namespace berth::tcp {

// A buffer that the user has made smaller keeps the old limit until what was promised is used up.
std::uint32_t Receiver::buffer_bytes(const Options& options) const {
    return options.receive_buffer_bytes == 0 ? limit_bytes : options.receive_buffer_bytes;
}

// With nothing unread: the buffer, TCP_WINDOW_CLAMP, and what the window field can say.
std::uint32_t Receiver::largest_offer(const Options& options) const {
    const std::uint32_t most = std::min(buffer_bytes(options), largest_window());
    return options.window_clamp == 0 ? most : std::min(most, options.window_clamp);
}

SequenceNumber Receiver::next_right_edge(const Options& options) const {
    const std::size_t used = queued_bytes();
    const std::uint32_t most = largest_offer(options);
    const std::uint32_t buffer = buffer_bytes(options);
    const std::uint32_t free = used < buffer ? buffer - static_cast<std::uint32_t>(used) : 0;
    const SequenceNumber edge = rcv_.nxt + std::min(free, most);
    // Receiver's silly window avoidance (§3.8.6.2.2): the edge moves by at least min(half the
    // buffer, MSS) or stays.
    const std::uint32_t step = std::min<std::uint32_t>(most / 2, mss_);
    if (after(edge, right_edge_) && edge - right_edge_ >= step) return edge;
    return right_edge_;
}

bool Receiver::owes_window_update(const Options& options) const {
    const SequenceNumber edge = next_right_edge(options);
    if (!after(edge, right_edge_)) return false;
    // Told at once when the peer is nearly stopped, else when a good part of the buffer has come
    // free.
    return wnd() < 2U * mss_ || edge - right_edge_ >= largest_offer(options) / 2;
}

std::uint16_t Receiver::window_field(bool syn, const Options& options) const {
    const SequenceNumber edge = next_right_edge(options);
    const std::uint32_t window = after(edge, rcv_.nxt) ? edge - rcv_.nxt : 0;
    const unsigned shift = syn ? 0U : window_shift_;  // RFC 7323 §2.2: never scaled in a SYN
    // Rounded down, unless that would take back what was promised.
    std::uint32_t field = window >> shift;
    if (field << shift < wnd()) field = (wnd() + (1U << shift) - 1) >> shift;
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(field, 0xffff));
}

void Receiver::commit_window(std::uint16_t field, bool syn, const Options& options) {
    right_edge_ =
        later(right_edge_, rcv_.nxt + (std::uint32_t{field} << (syn ? 0U : window_shift_)));
    if (options.receive_buffer_bytes != 0) {
        const auto promised = static_cast<std::uint32_t>(queued_bytes()) + wnd();
        limit_bytes = std::min(limit_bytes, std::max(options.receive_buffer_bytes, promised));
    }
}

void Receiver::follow_options(const Options& options, const Config& config) {
    const std::uint32_t chosen = options.receive_buffer_bytes;
    if (chosen != 0) {
        const auto promised = static_cast<std::uint32_t>(queued_bytes()) + wnd();
        limit_bytes = std::max(chosen, promised);
    } else {
        // SO_RCVLOWAT: a reader that waits for so much must be able to get it.
        limit_bytes = std::max(
            limit_bytes, std::min(options.receive_low_water, config.receive_buffer_max_bytes));
    }
}

void Receiver::tune(std::size_t read_bytes, const Options& options, const Config& config,
                    Time now) {
    const std::uint32_t per_rtt =
        tuning_.on_read(static_cast<std::uint32_t>(read_bytes), right_edge_, now);
    if (!config.moderate_receive_buffer || options.receive_buffer_bytes != 0) return;
    // Who leaves much unread does not need more.
    if (queued_bytes() > limit_bytes / 2) return;
    const std::uint64_t wanted =
        std::min<std::uint64_t>(std::uint64_t{2} * per_rtt, config.receive_buffer_max_bytes);
    limit_bytes = std::max(limit_bytes, static_cast<std::uint32_t>(wanted));
}

}  // namespace berth::tcp
