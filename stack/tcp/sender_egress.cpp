// What to send next (RFC 9293 §3.8.6.2.1, §3.7.4; RFC 5681 §3.1): retransmissions before new data,
// inside the peer's window and the congestion window, and nothing silly.
#include <algorithm>

#include "tcp/sender.hpp"

namespace berth::tcp {

namespace {
// RFC 9293 §3.8.6.2.1: "in the range 0.1 - 1.0 seconds"; and TCP_CORK's ceiling, as Linux says.
constexpr Duration override_timeout = milliseconds(200);
}  // namespace

// RFC 5681 §4.1: what was learned about the path is old after an idle RTO.
void Sender::begin_burst(Time now) {
    if (!config_.slow_start_after_idle || !is_idle() || last_sent_ms_ == 0) return;
    if (since_millis(last_sent_ms_, now) > rtt_.rto(0, config_.rto_max))
        congestion_.on_idle(NewReno::initial_window(mss_, config_.initial_window_segments));
}

bool Sender::next_segment(Cursor& cursor, SegmentPlan& plan) const {
    plan = {};
    const bool found = cursor.probe_owed        ? next_probe(cursor, plan)
                       : retransmitting(cursor) ? next_retransmission(cursor, plan)
                                                : next_new_data(cursor, plan);
    if (!found && !cursor.urgent_owed) return false;
    if (!found) {
        // Urgent news do not wait for a window (RFC 9293 §3.8.5, §3.8.6): the flag goes without
        // the data.
        plan = {};
        plan.seq = cursor.nxt;
    }
    if (urgent_pointer(plan.seq) != 0) cursor.urgent_owed = false;
    return found || urgent_pointer(plan.seq) != 0;
}

bool Sender::next_retransmission(Cursor& cursor, SegmentPlan& plan) const {
    plan.seq = cursor.retransmit_next;
    plan.retransmission = true;
    if (!syn_acknowledged_) {
        // Early data that was lost waits for the SYN's acknowledgment (RFC 7413 §4.2.2).
        if (plan.seq != snd_.iss) return false;
        plan.syn = true;
        cursor.retransmit_next = plan.end();
        return true;
    }
    // The first one always goes (it is what the timeout or the third duplicate asked for); those
    // after it as the congestion window allows, counting only what was sent again.
    const std::uint32_t ahead = plan.seq - snd_.una;
    if (ahead > 0 && ahead + mss_ > congestion_.cwnd()) return false;
    if (ahead > 0 && ahead >= snd_.wnd) return false;
    // The last of them takes along what has not been sent yet, up to a full segment.
    const bool reaches_unsent = retransmit_end_ == snd_.nxt || after(retransmit_end_, data_end());
    const SequenceNumber end = reaches_unsent ? data_end() : retransmit_end_;
    const std::uint32_t data = before(plan.seq, end) ? end - plan.seq : 0;
    const std::uint32_t window_left = snd_.wnd > ahead ? snd_.wnd - ahead : 1;
    plan.length = std::min({data, std::uint32_t{mss_}, window_left});
    plan.fin =
        fin_queued_ && plan.seq + plan.length == data_end() && after(retransmit_end_, data_end());
    plan.push = plan.length > 0 && plan.seq + plan.length == data_end();
    cursor.retransmit_next = plan.end();
    cursor.nxt = later(cursor.nxt, plan.end());
    return plan.occupies_sequence_space();
}

bool Sender::next_new_data(Cursor& cursor, SegmentPlan& plan) const {
    plan.seq = cursor.nxt;
    if (!syn_acknowledged_ && cursor.nxt == snd_.iss) {
        if (early_data_ == EarlyData::with_syn) {
            if (buffer_.empty()) return false;
            plan.length = std::min(static_cast<std::uint32_t>(buffer_.size()), std::uint32_t{mss_});
            plan.push = true;
        }
        plan.syn = true;
        cursor.nxt = plan.end();
        return true;
    }
    // No data before our SYN is acknowledged, but for a Fast Open server's.
    if (!syn_acknowledged_ && early_data_ != EarlyData::after_syn) return false;
    // The FIN has gone: nothing comes after it.
    if (fin_acknowledged_ || after(cursor.nxt, data_end())) return false;
    const std::uint32_t in_flight = cursor.nxt - snd_.una - (syn_acknowledged_ ? 0 : 1);
    const std::uint32_t window_left = snd_.wnd > in_flight ? snd_.wnd - in_flight : 0;
    const std::uint32_t congestion_left =
        congestion_.cwnd() > in_flight ? congestion_.cwnd() - in_flight : 0;
    const std::uint32_t available = data_end() - cursor.nxt;
    plan.length = std::min({available, std::uint32_t{mss_}, window_left, congestion_left});

    const bool reaches_end = plan.length == available;
    plan.fin = fin_queued_ && reaches_end && window_left > plan.length;
    plan.push = plan.length > 0 && reaches_end;  // §3.9.1.2 MUST-61: the last of what was buffered
    if (!plan.fin && (plan.length == 0 || !worth_sending(cursor.nxt, plan.length, available)))
        return false;
    plan.ect = ecn_ && plan.length > 0;
    plan.cwr = cwr_owed_ && plan.length > 0 && cursor.nxt == snd_.nxt;
    cursor.nxt = plan.end();
    return true;
}

// RFC 9293 §3.8.6.2.1 (sender's silly window avoidance) with Nagle's rule (§3.7.4): a full segment;
// all there is, if nothing is in flight (or nobody minds); half the largest window that was ever
// offered. A cork lets only full segments through; what is urgent or the last waits for nothing.
bool Sender::worth_sending(SequenceNumber at, std::uint32_t length, std::uint32_t available) const {
    if (length == mss_) return true;
    const bool all = length == available;
    if (all && (fin_queued_ || urgent_pointer(at) != 0)) return true;
    if ((cork_ || more_) && !flush_) return false;
    const bool may_be_small = at == data_begin() || no_delay_ || flush_;
    return may_be_small && (all || 2 * length >= snd_.max_wnd);
}

// RFC 9293 §3.8.6.1: at least one octet, even into a closed window (MUST-36); more when the window
// is open and only silly window avoidance has held it back.
bool Sender::next_probe(Cursor& cursor, SegmentPlan& plan) const {
    cursor.probe_owed = false;
    plan.seq = snd_.una;
    plan.probe = true;
    plan.retransmission = before(snd_.una, snd_.nxt);
    const std::uint32_t data = data_end() - data_begin();
    plan.length = std::min({data, std::uint32_t{mss_}, std::max(snd_.wnd, std::uint32_t{1})});
    plan.fin = data == plan.length && fin_queued_ && (data == 0 || snd_.wnd > data);
    plan.push = plan.length > 0;
    if (!plan.occupies_sequence_space()) return next_new_data(cursor, plan);
    cursor.nxt = later(cursor.nxt, plan.end());
    return true;
}

void Sender::slice_into(link::OutFrame& frame, const SegmentPlan& plan) const {
    if (plan.length == 0) return;
    const SequenceNumber first = plan.seq + (plan.syn ? 1 : 0);
    buffer_.slice_into(frame, first - data_begin(), plan.length);
}

void Sender::commit(const SegmentPlan& plan, Time now) {
    if (plan.probe) probe_owed_ = false;
    if (urgent_pointer(plan.seq) != 0) urgent_owed_ = false;
    if (!plan.occupies_sequence_space()) return;
    const SequenceNumber end = plan.end();
    const bool was_idle = is_idle();
    if (plan.retransmission) {
        ++retransmissions_;
        last_retransmitted_us_ = micros_of(now);
        timing_ = false;  // Karn: nobody can tell which of the two is acknowledged
        if (plan.seq == retransmit_next_) retransmit_next_ = end;
    } else if (!timing_) {
        timing_ = true;
        timed_end_ = end;
        timed_at_us_ = micros_of(now);
    }
    if (plan.cwr) cwr_owed_ = false;
    last_sent_ms_ = std::max<std::uint32_t>(millis_of(now), 1);
    snd_.nxt = later(snd_.nxt, end);
    if (deadline_.is_never())
        start_timer(now, rto());  // RFC 6298 §5.1
    else if (was_idle)
        deadline_ = now + rto();  // it ran for something else
}

void Sender::arm_persist_if_stuck(Time now) {
    if (!deadline_.is_never() || !is_idle() || !syn_acknowledged_ || !has_outstanding()) return;
    start_timer(now, snd_.wnd == 0 ? rto() : override_timeout);
}

}  // namespace berth::tcp
