#include "tcp/receiver.hpp"

#include <algorithm>
#include <utility>

namespace berth::tcp {

namespace {
// MUST-40: less than half a second, whatever the knob says.
constexpr Duration longest_ack_delay = milliseconds(499);
}  // namespace

void Receiver::start(SequenceNumber irs, std::uint32_t window, std::uint8_t window_shift,
                     std::uint16_t mss, const Config& config) {
    rcv_.irs = irs;
    rcv_.nxt = irs + 1;
    right_edge_ = rcv_.nxt + window;
    window_shift_ = window_shift;
    mss_ = mss;
    const std::uint32_t half_a_window = limit_bytes / (2U * std::max<std::uint16_t>(mss, 1));
    ack.quick = static_cast<std::uint8_t>(
        std::min<std::uint32_t>(config.quick_ack_segments, half_a_window));
}

Receiver::Held& Receiver::held() {
    if (!held_) held_ = std::make_unique<Held>();
    return *held_;
}

void Receiver::release_if_empty() {
    if (held_ && held_->is_empty()) held_.reset();
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

void Receiver::refuse(const Segment& segment, const Context& context) {
    ack.owe_duplicate();
    const SequenceNumber end = segment.end();
    if (before(segment.seq, rcv_.nxt) && !segment.flags.syn)
        report_duplicate({segment.seq, before(end, rcv_.nxt) ? end : rcv_.nxt}, context);
    else if (wnd() == 0)
        context.counters.add(Count::zero_window_drop);
}

// --- text ---

DropReason Receiver::take_text(Segment& segment, const Context& context) {
    SequenceNumber begin = segment.seq + (segment.flags.syn ? 1 : 0);
    Bytes text = segment.payload;
    if (const DropReason reason = trim(segment, begin, text, context);
        reason != DropReason::none || text.empty())
        return reason;
    if (is_overfull(static_cast<std::uint32_t>(text.size()))) {
        ack.owe_duplicate();
        context.counters.add(Count::receive_queue_drop);
        return DropReason::tcp_receive_buffer_full;
    }
    KeptBytes kept;
    link::Frame& frame = *segment.frame;
    kept.offset = static_cast<std::uint32_t>(text.data() - frame.buffer.data());
    kept.length = static_cast<std::uint32_t>(text.size());
    largest_segment_ =
        std::max(largest_segment_,
                 static_cast<std::uint16_t>(std::min<std::size_t>(segment.payload.size(), mss_)));
    kept.buffer = std::move(frame.buffer);
    if (begin != rcv_.nxt) return hold_early(begin, std::move(kept), context);
    // Of several parts that came twice the first is reported (RFC 2883 §4.2).
    if (begin == segment.seq + (segment.flags.syn ? 1 : 0) && held_) {
        const auto twice = held_->early.first_held_in({begin, begin + kept.length});
        if (twice) report_duplicate(*twice, context);
    }
    take_in_order(std::move(kept), context);
    return DropReason::none;
}

// Cuts the text to the window: what is old on the left, what was never allowed on the right. Notes
// the FIN. Nothing left: why.
DropReason Receiver::trim(const Segment& segment, SequenceNumber& begin, Bytes& text,
                          const Context& context) {
    if (before(begin, rcv_.nxt)) {
        const std::uint32_t old =
            std::min<std::uint32_t>(rcv_.nxt - begin, static_cast<std::uint32_t>(text.size()));
        if (old > 0) report_duplicate({begin, begin + old}, context);
        text = text.subspan(old);
        begin += old;
    }
    // Nothing comes after a FIN, whatever a peer says later.
    const SequenceNumber limit =
        fin_heard_ && before(fin_seq_, right_edge_) ? fin_seq_ : right_edge_;
    const std::uint32_t room = before(begin, limit) ? limit - begin : 0;
    const bool cut = text.size() > room;
    text = text.first(std::min<std::size_t>(text.size(), room));
    if (segment.flags.fin && !cut && !fin_heard_) {
        fin_heard_ = true;
        fin_seq_ = begin + static_cast<std::uint32_t>(text.size());
        if (held_) held_->early.cut_at(fin_seq_);
    }
    return text.empty() ? nothing_new(segment, begin, cut) : DropReason::none;
}

DropReason Receiver::nothing_new(const Segment& segment, SequenceNumber begin, bool cut) {
    if (segment.payload.empty()) {
        if (begin == rcv_.nxt) return DropReason::none;
        ack.owe_duplicate();  // a FIN ahead of a gap (RFC 5681 §4.2)
        return DropReason::none;
    }
    ack.owe_duplicate();
    if (cut && fin_heard_) return DropReason::tcp_data_after_fin;
    return cut ? DropReason::tcp_out_of_window : DropReason::tcp_duplicate;
}

// A peer is let into the window that it was promised. Of a scaled window the promise can creep, by
// less than one unit of the field with each ACK; a quarter of the buffer is left to that, and what
// comes beyond is treated as lost.
bool Receiver::is_overfull(std::uint32_t bytes) const {
    const std::uint64_t most = std::uint64_t{limit_bytes} + limit_bytes / 4 + (1U << window_shift_);
    return queued_bytes() + bytes > most;
}

// Ahead of a gap: holds it and says at once what is still missing (RFC 5681 §4.2, SHLD-31).
DropReason Receiver::hold_early(SequenceNumber begin, KeptBytes kept, const Context& context) {
    ack.owe_duplicate();
    const std::size_t most = std::max(std::size_t{2} * limit_bytes, least_out_of_order_bytes);
    Held& all = held();
    const auto outcome = all.early.insert(begin, std::move(kept), most, context.pool);
    context.counters.add(Count::out_of_order_queued);
    context.counters.add(Count::out_of_order_pruned, outcome.pruned);
    if (outcome.duplicate) report_duplicate(*outcome.duplicate, context);
    all.sack.note_arrival(begin, all.early);
    if (outcome.held) return DropReason::none;
    // What was not held is as good as lost, and never reported as held.
    context.counters.add(Count::out_of_order_dropped);
    release_if_empty();
    return DropReason::tcp_receive_buffer_full;
}

void Receiver::take_in_order(KeptBytes kept, const Context& context) {
    const SequenceNumber first = rcv_.nxt;
    const bool filled_a_gap = held_ && !held_->early.empty();
    rcv_.nxt += kept.length;
    deliver(std::move(kept), context.pool);
    if (filled_a_gap) {
        for (KeptBytes& next : held_->early.take_at(rcv_.nxt)) {
            rcv_.nxt += next.length;
            deliver(std::move(next), context.pool);
        }
    }
    if (discarding_) release_if_empty();
    tuning_.on_arrival(rcv_.nxt, right_edge_, context.now);
    acknowledge_in_order(rcv_.nxt - first, filled_a_gap, context);
}

void Receiver::deliver(KeptBytes bytes, BufferPool& pool) {
    if (!discarding_) held().queue.append(std::move(bytes), pool);
}

// RFC 9293 §3.8.6.3 (SHLD-18, SHLD-19, MUST-40): at least every second full segment, and within the
// delay. At the beginning, when the peer's window is small, and when the user asks for it, every
// segment is acknowledged at once.
void Receiver::acknowledge_in_order(std::uint32_t bytes, bool filled_a_gap,
                                    const Context& context) {
    ack.bytes += bytes;
    const bool quick = ack.quick > 0 && !ack.interactive;
    if (quick) --ack.quick;
    if (quick || filled_a_gap ||
        ack.bytes >= std::uint32_t{context.config.delayed_ack_segments} *
                         std::max<std::uint32_t>(largest_segment_, 1)) {
        ack.now = true;
    } else if (ack.delayed.is_never()) {
        ack.delayed = context.now + std::min(context.config.delayed_ack, longest_ack_delay);
    }
}

void Receiver::report_duplicate(SequenceRange duplicate, const Context& context) {
    if (!context.reports_duplicates || duplicate.begin == duplicate.end) return;
    const bool old = before(duplicate.begin, rcv_.nxt);
    if (held().sack.note_duplicate(duplicate))
        context.counters.add(old ? Count::dsack_old_sent : Count::dsack_out_of_order_sent);
}

void Receiver::commit_report() {
    if (!held_) return;
    held_->sack.duplicate_was_reported();
    release_if_empty();
}

// --- FIN and ECN ---

bool Receiver::take_fin() {
    if (fin_received_ || !at_fin()) return false;
    fin_received_ = true;
    rcv_.nxt += 1;
    ack.now = true;
    // An urgent byte that has not come by now never will.
    if (held_ && held_->urgent.is_set() && !before(held_->urgent.at(), fin_seq_))
        held_->urgent.clear();
    release_if_empty();
    return true;
}

// The echo goes on until the sender says that it has slowed down; it hears both at once.
void Receiver::take_congestion_mark(bool experienced, bool reduced) {
    if (reduced) echo_congestion_ = false;
    if (reduced || (experienced && !echo_congestion_)) ack.now = true;
    if (experienced) echo_congestion_ = true;
}

// A small segment may echo an ACK of long ago; a full one is part of a flight.
void Receiver::take_timestamp(Duration rtt, std::size_t text_bytes) {
    if (text_bytes >= largest_segment_) tuning_.on_timestamp(rtt);
}

// --- the user ---

std::size_t Receiver::read(std::span<const MutableBytes> parts, bool peek, const Options& options) {
    std::size_t room = 0;
    for (const MutableBytes part : parts)
        room += part.size();
    if (!held_ || room == 0) return 0;
    // As everywhere since 4.2BSD: a read ends at the mark, and the next one leaves out the byte
    // there unless it is wanted in line.
    std::size_t skip = 0;
    std::size_t most = held_->queue.size();
    if (mark_is_here()) {
        const std::uint32_t ahead = held_->urgent.at() - read_position();
        if (ahead > 0) most = ahead;
        if (ahead == 0 && !options.out_of_band_inline) skip = 1;
    }
    const std::size_t count = held_->queue.copy(parts, skip, most - skip);
    if (!peek) {
        held_->queue.consume(skip + count);
        if (held_->urgent.is_set() && before(held_->urgent.at(), read_position()))
            held_->urgent.clear();
        release_if_empty();
    }
    return count;
}

std::size_t Receiver::readable_bytes(const Options& options) const {
    if (!held_) return 0;
    if (!mark_is_here()) return held_->queue.size();
    const std::uint32_t ahead = held_->urgent.at() - read_position();
    if (ahead > 0) return ahead;
    return held_->queue.size() - (options.out_of_band_inline ? 0 : 1);
}

void Receiver::discard() {
    discarding_ = true;
    if (!held_) return;
    held_->queue.clear();
    held_->urgent.clear();
    release_if_empty();
}

}  // namespace berth::tcp
