#include "tcp/receiver.hpp"

#include <algorithm>
#include <utility>

namespace berth::tcp {

Receiver::Receiver(const Config& config)
    : limit_bytes(config.receive_buffer_bytes),
      delayed_ack_(config.delayed_ack),
      ack_every_segments_(config.delayed_ack_segments) {}

void Receiver::start(SequenceNumber irs, std::uint8_t window_shift, std::uint16_t mss) {
    rcv_.irs = irs;
    rcv_.nxt = irs + 1;
    right_edge_ =
        rcv_.nxt + std::min<std::uint32_t>(limit_bytes, 0xffff);  // what our SYN advertised
    window_shift_ = window_shift;
    mss_ = mss;
}

bool Receiver::is_acceptable(const Segment& segment) const {
    const std::uint32_t length = segment.length();
    const std::uint32_t window = wnd();
    if (length == 0)
        return window == 0 ? segment.seq == rcv_.nxt : in_window(segment.seq, rcv_.nxt, window);
    if (window == 0) return false;
    return in_window(segment.seq, rcv_.nxt, window) ||
           in_window(segment.seq + (length - 1), rcv_.nxt, window);
}

DropReason Receiver::take_text(Segment& segment, BufferPool& pool, Time now) {
    SequenceNumber begin = segment.seq + (segment.flags.syn ? 1 : 0);
    Bytes text = segment.payload;
    // Trim to the window: what is old on the left, what was never allowed on the right.
    if (before(begin, rcv_.nxt)) {
        const std::uint32_t old =
            std::min<std::uint32_t>(rcv_.nxt - begin, static_cast<std::uint32_t>(text.size()));
        text = text.subspan(old);
        begin += old;
    }
    // Nothing comes after a FIN, whatever a peer says later.
    const SequenceNumber limit =
        fin_seq_ && before(*fin_seq_, right_edge_) ? *fin_seq_ : right_edge_;
    const std::uint32_t room = before(begin, limit) ? limit - begin : 0;
    const bool cut = text.size() > room;
    text = text.first(std::min<std::size_t>(text.size(), room));
    if (segment.flags.fin && !cut && !fin_seq_)
        fin_seq_ = begin + static_cast<std::uint32_t>(text.size());
    if (text.empty()) {
        if (segment.payload.empty()) {
            if (begin != rcv_.nxt) ack.owe_duplicate();  // a FIN ahead of a gap (RFC 5681 §4.2)
            return DropReason::none;
        }
        ack.owe_duplicate();
        if (cut && fin_seq_) return DropReason::tcp_data_after_fin;
        return cut ? DropReason::tcp_out_of_window : DropReason::tcp_duplicate;
    }

    KeptBytes kept;
    link::Frame& frame = *segment.frame;
    kept.offset = static_cast<std::uint32_t>(text.data() - frame.buffer.data());
    kept.length = static_cast<std::uint32_t>(text.size());
    kept.buffer = std::move(frame.buffer);
    largest_segment_ =
        std::max(largest_segment_,
                 static_cast<std::uint16_t>(std::min<std::size_t>(segment.payload.size(), mss_)));

    if (begin != rcv_.nxt) {
        // Ahead of a gap: hold it and say at once what is still missing (RFC 5681 §4.2).
        ack.owe_duplicate();
        const bool held =
            out_of_order_.insert(begin, std::move(kept), std::size_t{2} * limit_bytes, pool);
        return held ? DropReason::none : DropReason::tcp_receive_buffer_full;
    }
    const bool filled_a_gap = !out_of_order_.empty();
    const SequenceNumber first = rcv_.nxt;
    rcv_.nxt += kept.length;
    deliver(std::move(kept), pool);
    while (!at_fin()) {
        auto next = out_of_order_.take_at(rcv_.nxt);
        if (!next) break;
        if (fin_seq_) next->length = std::min(next->length, *fin_seq_ - rcv_.nxt);
        rcv_.nxt += next->length;
        deliver(std::move(*next), pool);
    }
    acknowledge_in_order(rcv_.nxt - first, filled_a_gap, now);
    return DropReason::none;
}

void Receiver::deliver(KeptBytes bytes, BufferPool& pool) {
    if (!discarding_) queue_.append(std::move(bytes), pool);
}

// RFC 9293 §3.8.6.3 (SHLD-19, MUST-59): at least every second full segment, and within the delay.
void Receiver::acknowledge_in_order(std::uint32_t bytes, bool filled_a_gap, Time now) {
    unacknowledged_bytes_ += bytes;
    if (filled_a_gap || unacknowledged_bytes_ >= std::uint32_t{ack_every_segments_} *
                                                     std::max<std::uint32_t>(largest_segment_, 1)) {
        ack.now = true;
    } else if (ack.delayed.is_never()) {
        ack.delayed = now + delayed_ack_;
    }
}

bool Receiver::take_fin() {
    if (fin_received_ || !at_fin()) return false;
    fin_received_ = true;
    rcv_.nxt += 1;
    ack.now = true;
    return true;
}

SequenceNumber Receiver::next_right_edge() const {
    const std::size_t used = queue_.size();
    const std::uint32_t room =
        used < limit_bytes ? limit_bytes - static_cast<std::uint32_t>(used) : 0;
    const SequenceNumber edge = rcv_.nxt + std::min(room, largest_window());
    // Receiver's silly window avoidance (§3.8.6.2.2): the edge moves by at least min(half the
    // buffer, MSS) or stays.
    const std::uint32_t step = std::min<std::uint32_t>(limit_bytes / 2, mss_);
    if (after(edge, right_edge_) && edge - right_edge_ >= step) return edge;
    return right_edge_;
}

bool Receiver::owes_window_update() const {
    const SequenceNumber edge = next_right_edge();
    if (!after(edge, right_edge_)) return false;
    // Told at once when the peer is nearly stopped, else when a good part of the buffer has come
    // free.
    return wnd() < 2U * mss_ || edge - right_edge_ >= std::min(limit_bytes, largest_window()) / 2;
}

std::uint16_t Receiver::window_field(bool syn) const {
    const SequenceNumber edge = next_right_edge();
    const std::uint32_t window = after(edge, rcv_.nxt) ? edge - rcv_.nxt : 0;
    const unsigned shift = syn ? 0U : window_shift_;  // RFC 7323 §2.2: never scaled in a SYN
    // Rounded down, unless that would take back what was promised.
    std::uint32_t field = window >> shift;
    if (field << shift < wnd()) field = (wnd() + (1U << shift) - 1) >> shift;
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(field, 0xffff));
}

void Receiver::commit_window(std::uint16_t field, bool syn) {
    right_edge_ =
        later(right_edge_, rcv_.nxt + (std::uint32_t{field} << (syn ? 0U : window_shift_)));
    unacknowledged_bytes_ = 0;
}

void Receiver::discard() {
    discarding_ = true;
    queue_.clear();
}

}  // namespace berth::tcp
