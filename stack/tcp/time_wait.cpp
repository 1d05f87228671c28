// TIME-WAIT (RFC 9293 §3.10.7.4 as far as it speaks of that state, §3.6.1; RFC 6191; RFC 1337).
#include "tcp/time_wait.hpp"

#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {

std::uint32_t low_milliseconds(Time now) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.ns) / 1'000'000);
}

}  // namespace

// RFC 6191 §2, its cases in its order. The last number that the peer has used is its FIN's.
bool TimeWait::lets_pass(const Segment& segment, bool would_use_timestamps) const {
    if (!segment.flags.syn || segment.flags.ack || segment.flags.rst || segment.flags.fin)
        return false;
    if (would_use_timestamps && segment.options.timestamps) {
        // An old duplicate of a connection without timestamps would carry none.
        if (!timestamps) return true;
        const auto newer = static_cast<std::int32_t>(segment.options.timestamps->value - ts_recent);
        if (newer != 0) return newer > 0;
    }
    return at_or_after(segment.seq, rcv_nxt);
}

void Tcp::enter_time_wait(Connection& connection, Time now) {
    TimeWait record(connection.four_tuple);
    record.snd_nxt = connection.sender_.snd().nxt;
    record.rcv_nxt = connection.receiver_.rcv().nxt;
    record.timestamps = connection.handshake_.timestamps;
    record.ts_recent = connection.handshake_.ts_recent;
    record.window_field = connection.receiver_.window_field(false, connection.options());
    record.window_shift = connection.handshake_.window_shift & 0xf;
    record.sharing = connection.sharing;
    const bool owes_ack = connection.receiver_.ack.is_due();
    retire(connection);
    if (owes_ack) acknowledge(record, now);
    wait_out(record, now);
}

// Keeps a copy of the record for two MSL. Where there are as many as there may be, the one that has
// waited longest makes room: what it guards against is the least likely to be still under way.
// (Linux keeps the old ones and lets the new one go unguarded.)
void Tcp::wait_out(const TimeWait& as, Time now) {
    if (time_waits_.size() >= config_.max_time_wait) {
        count(Count::time_wait_overflow);
        if (config_.max_time_wait == 0) return;
        destroy(*time_waits_.oldest());
    }
    count(Count::time_wait);
    TimeWait& record = *time_wait_slab_.create(as);
    table_.insert(record);
    occupy(record);
    time_waits_.push(record, now + 2 * config_.msl);
}

// The one exception to "the four-tuple decides": a SYN that cannot be an old duplicate goes past a
// TIME-WAIT record to the listener. The record only gives way to what the listener has made of it.
std::optional<Fate> Tcp::pass_time_wait(TimeWait& record, const demux::ListenerTable::Match& match,
                                        Segment& segment, Time now) {
    if (match.binding == nullptr || !record.lets_pass(segment, config_.timestamps))
        return std::nullopt;
    segment.passes = &record;
    const FourTuple four_tuple = record.four_tuple;
    table_.erase(record);
    const Fate fate = on_listen(match, four_tuple, segment, now);
    segment.passes = nullptr;
    if (fate.kind != FateKind::delivered && table_.insert(record))
        return fate;  // refused: it goes on waiting
    count(Count::time_wait_reopened);
    forget(record);
    return fate;
}

// MAY-2 (2): the SYN that passed was an old duplicate after all, for its sender knows nothing of
// it. What is remembered from here on are the numbers of that attempt, which lie above the old
// ones.
void Tcp::back_to_listen(HalfOpen& attempt, Time now) {
    TimeWait record(attempt.four_tuple);
    record.snd_nxt = attempt.iss + 1;
    record.rcv_nxt = attempt.irs + 1;
    record.timestamps = attempt.handshake.timestamps;
    record.ts_recent = attempt.handshake.ts_recent;
    record.window_field = static_cast<std::uint16_t>(initial_window(*attempt.listener));
    record.sharing = attempt.listener->sharing;
    const bool waits_on = attempt.passed_time_wait;
    destroy(attempt);
    if (waits_on) wait_out(record, now);
}

Fate Tcp::on_time_wait(TimeWait& record, const Segment& segment, Time now) {
    const FourTuple four_tuple = record.four_tuple;
    const DropReason reason = time_wait_segment(record, segment, now);
    const State after = table_.find(four_tuple) == nullptr ? State::closed : State::time_wait;
    Fate fate = fate_for(four_tuple, reason, DemuxMatch::four_tuple, State::time_wait, after);
    if (reason == DropReason::none) {
        fate.kind = FateKind::consumed;
        fate.note = after == State::closed ? "a reset in TIME-WAIT: the record is gone"
                                           : "the peer's FIN again: acknowledged, 2 MSL start over";
    }
    return fate;
}

// §3.10.7.4's steps, as much as is left of them without text and without anything to acknowledge.
DropReason Tcp::time_wait_segment(TimeWait& record, const Segment& segment, Time now) {
    const bool rst = segment.flags.rst;
    const auto& stamp = segment.options.timestamps;
    // First, PAWS (RFC 7323 §5.3 R1) …
    if (record.timestamps && !rst && !segment.flags.syn) {
        if (!stamp) return DropReason::tcp_missing_timestamp;
        if (static_cast<std::int32_t>(stamp->value - record.ts_recent) < 0) {
            challenge(record, now);
            return DropReason::tcp_paws;
        }
    }
    // … and the sequence number. What is outside the window gets the ACK that it asks for, within
    // the budget: two sides in TIME-WAIT may not answer each other for ever.
    // "The only thing that can arrive in this state is a retransmission of the remote FIN":
    // acknowledge it and restart the 2 MSL timeout.
    const bool is_fin_again = segment.flags.fin && segment.flags.ack && !rst &&
                              !segment.flags.syn && segment.end() == record.rcv_nxt &&
                              !after(segment.ack, record.snd_nxt);
    if (is_fin_again) {
        if (stamp)
            record.ts_recent = stamp->value;  // §4.3: the last one seen is what RFC 6191 asks
        time_waits_.restart(record, now + 2 * config_.msl);
        acknowledge(record, now);
        return DropReason::none;
    }
    // Second, a RST. RFC 1337 §3, fix 1: it does not end TIME-WAIT early. Without that fix the
    // exact one does (RFC 5961 §3.2).
    if (rst) {
        if (config_.rfc1337) return DropReason::tcp_time_wait;
        if (segment.seq == record.rcv_nxt) {
            destroy(record);
            return DropReason::none;
        }
        const std::uint32_t rcv_wnd = std::uint32_t{record.window_field} << record.window_shift;
        if (in_window(segment.seq, record.rcv_nxt, rcv_wnd)) challenge(record, now);
        return DropReason::tcp_reset_not_exact;
    }
    // A bare ACK at the edge needs no answer. Fourth, a SYN that may not pass (RFC 5961 §4.2), and
    // all that lies outside the window or brings text, does.
    const bool harmless =
        segment.length() == 0 && segment.seq == record.rcv_nxt && !segment.flags.syn;
    if (!harmless) challenge(record, now);
    return DropReason::tcp_time_wait;
}

// An ACK within two limits: the record's own distance and the stack's rate.
void Tcp::challenge(TimeWait& record, Time now) {
    const std::uint32_t now_ms = low_milliseconds(now);
    const auto interval_ms = static_cast<std::uint32_t>(config_.challenge_interval.milliseconds());
    if (record.challenged && now_ms - record.challenged_ms < interval_ms) {
        count(Count::challenge_acks_suppressed);
        return;
    }
    if (!may_challenge(now)) return;
    record.challenged = true;
    record.challenged_ms = now_ms;
    acknowledge(record, now);
}

void Tcp::acknowledge(const TimeWait& record, Time now) {
    wire::TcpHeader header;
    header.seq = record.snd_nxt.value;
    header.ack = record.rcv_nxt.value;
    header.flags.ack = true;
    header.window = record.window_field;
    if (record.timestamps) {
        const auto offset = timestamp_offset(record.four_tuple.local.address,
                                             record.four_tuple.remote.address, timestamp_secret_);
        header.options.timestamps =
            wire::TcpTimestamps{timestamp_at(now, offset), record.ts_recent};
    }
    reply(record.four_tuple, header, "ACK", State::time_wait, now);
}

void Tcp::expire_time_waits(Time now) {
    while (TimeWait* record = time_waits_.expired(now))
        destroy(*record);
}

// May an active OPEN take this record's four-tuple? (net.ipv4.tcp_tw_reuse)
bool Tcp::may_reuse(const TimeWait& record, bool is_loopback, Time now) const {
    const bool allowed =
        config_.time_wait_reuse == 1 || (config_.time_wait_reuse == 2 && is_loopback);
    return allowed && record.can_be_reused(2 * config_.msl, now);
}

void Tcp::destroy(TimeWait& record) {
    source_routes_.forget(record.four_tuple);
    table_.erase(record);
    forget(record);
}

void Tcp::forget(TimeWait& record) {
    time_waits_.remove(record);
    vacate(record);
    time_wait_slab_.destroy(record);
}

}  // namespace berth::tcp
