// The sending half: acknowledgments, windows, timeouts. What to send next is in sender_egress.cpp.
#include "tcp/sender.hpp"

#include <algorithm>

namespace berth::tcp {

namespace {
constexpr std::uint8_t duplicate_threshold = 3;  // RFC 5681 §3.2
constexpr std::uint8_t max_backoff = 200;
}  // namespace

Sender::Sender(const Config& config, SequenceNumber iss)
    : config_(config),
      rtt_(config.rto_initial),
      retransmit_next_(iss),
      retransmit_end_(iss),
      recover_(iss) {
    snd_.una = snd_.nxt = snd_.iss = iss;
    congestion_.start(mss_, mss_);
}

void Sender::set_handshake(std::uint16_t mss, std::uint8_t peer_window_shift, bool ecn) {
    mss_ = mss;
    peer_window_shift_ = peer_window_shift & 0xf;
    ecn_ = ecn;
    congestion_.start(mss_, NewReno::initial_window(mss_, config_.initial_window_segments));
    if (syn_retransmitted_) congestion_.on_syn_loss();
}

void Sender::set_mss(std::uint16_t mss) {
    mss_ = mss;
    congestion_.set_mss(mss);
}

void Sender::start_window(std::uint32_t wnd, SequenceNumber seq, SequenceNumber ack) {
    snd_.wnd = wnd;
    snd_.max_wnd = std::max(snd_.max_wnd, wnd);
    snd_.wl1 = seq;
    snd_.wl2 = ack;
}

std::size_t Sender::append(std::span<const Bytes> parts, std::size_t room, Appending how) {
    std::size_t offered = 0;
    for (const Bytes part : parts)
        offered += part.size();
    const std::size_t taken = buffer_.append(parts, room);
    if (taken == 0) return 0;
    flush_ = false;
    more_ = how.more;
    if (how.urgent && taken == offered) {
        // §3.9.1.2: "the urgent pointer cannot recede": it only ever moves to a new last byte.
        up_ = data_end();
        urgent_ = urgent_owed_ = true;
    }
    return taken;
}

Sender::AckResult Sender::on_ack(SequenceNumber ack, bool bare, Duration timestamp_rtt, Time now) {
    AckResult result;
    if (snd_.wnd == 0) unanswered_ = 0;
    if (ack == snd_.una) {
        const bool recovering = in_recovery_;
        // With a closed window it answers a probe and tells of no loss.
        if (bare && !is_idle() && snd_.wnd > 0) on_duplicate_ack();
        result.recovery_began = in_recovery_ && !recovering;
        return result;
    }
    result.acked = ack - snd_.una;
    result.syn_acked = !syn_acknowledged_;
    result.fin_acked = fin_queued_ && !fin_acknowledged_ && ack == data_end() + 1;
    const std::uint32_t data =
        result.acked - (result.syn_acked ? 1 : 0) - (result.fin_acked ? 1 : 0);
    const bool sampled = sample_rtt(ack, timestamp_rtt, now);
    buffer_.consume(data);
    snd_.una = ack;
    syn_acknowledged_ = true;
    result.room_freed = data > 0;
    fin_acknowledged_ = fin_acknowledged_ || result.fin_acked;
    if (urgent_ && at_or_after(ack, up_)) urgent_ = urgent_owed_ = false;
    retransmit_next_ = later(retransmit_next_, ack);
    retransmit_end_ = later(retransmit_end_, ack);
    // Something above is acknowledged, and with it the CWR that the peer waited for.
    if (after(ack, recover_)) reduced_by_ecn_ = false;
    recover_ = later(recover_, ack);  // or it would come to lie ahead after 2 GB without a loss
    if (result.syn_acked && syn_retransmitted_) {
        rtt_.fall_back_after_syn_loss(config_.rto_min, config_.rto_max);
        backoff_ = 0;  // of the SYN; the data begins anew (RFC 6298 §5.7)
    }
    if (data > 0) on_new_ack(data);
    // Karn (RFC 6298 §3 and §5.7): a backed-off timeout stands until a fresh measurement replaces
    // it.
    if (sampled) backoff_ = 0;
    restart_timer(now);
    return result;
}

// RFC 6298 §5.2 and §5.3: off when everything is acknowledged, else anew from now.
void Sender::restart_timer(Time now) {
    unanswered_ = 0;
    start_timer(now, rto());
    if (is_idle()) deadline_ = Time::never();
}

// RFC 3168 §6.1.2: once in a window of data, be it for marks or for losses.
void Sender::on_ecn_echo() {
    if (!ecn_ || is_idle() || before(snd_.una, recover_)) return;
    if (reduced_by_ecn_ && snd_.una == recover_) return;  // our CWR is still on its way
    congestion_.on_ecn_echo(flight());
    recover_ = snd_.nxt;
    reduced_by_ecn_ = true;
    note_reduction();
}

void Sender::on_new_ack(std::uint32_t acked) {
    duplicate_acks_ = 0;
    if (!in_recovery_) {
        // RFC 3168 §6.1.2: what acknowledges a marked window does not enlarge the next one.
        if (!reduced_by_ecn_) congestion_.on_ack(acked);
        return;
    }
    if (at_or_after(snd_.una, recover_)) {
        in_recovery_ = false;
        congestion_.exit_recovery(flight());
        return;
    }
    // RFC 6582 §3.2 step 3, partial acknowledgment: the next hole begins right here.
    congestion_.on_partial_ack(acked);
    retransmit_next_ = snd_.una;
    retransmit_end_ = snd_.una + std::min<std::uint32_t>(mss_, flight());
}

void Sender::on_duplicate_ack() {
    if (in_recovery_) {
        congestion_.on_duplicate_in_recovery();
        return;
    }
    // RFC 6582 §3.2 step 2: what was in flight at the last loss gives duplicates that mean nothing
    // new.
    if (before(snd_.una, recover_) && !reduced_by_ecn_) return;
    if (++duplicate_acks_ == duplicate_threshold) fast_retransmit();
}

void Sender::fast_retransmit() {
    in_recovery_ = true;
    duplicate_acks_ = 0;
    recover_ = snd_.nxt;
    congestion_.enter_recovery(flight(), reduced_by_ecn_);
    reduced_by_ecn_ = false;
    note_reduction();
    retransmit_next_ = snd_.una;
    retransmit_end_ = snd_.una + std::min<std::uint32_t>(mss_, flight());
}

// RFC 1191 §6.5: lost, but not by congestion, so that the window stays as it is (as in Linux and
// RFC 4821 §7.5); a fresh timer, and no duplicate acknowledgment of this flight says anything more.
void Sender::on_packet_too_big(SequenceNumber from, Time now) {
    if (in_recovery_) congestion_.exit_recovery(flight());
    in_recovery_ = false;
    duplicate_acks_ = 0;
    recover_ = snd_.nxt;
    const bool pending = before(retransmit_next_, retransmit_end_);
    retransmit_next_ = pending && before(retransmit_next_, from) ? retransmit_next_ : from;
    retransmit_end_ = snd_.nxt;
    reduced_by_ecn_ = false;
    timing_ = false;
    deadline_ = now + rto();
}

// One sample in a round trip, of the segment that is timed (RFC 6298 §3); where retransmissions
// forbid that, timestamps tell what is acknowledged (RFC 7323 §4.1). Not one for each of many
// acknowledgments in a flight: that would forget the variation of past round trips (§4.2).
bool Sender::sample_rtt(SequenceNumber ack, Duration timestamp_rtt, Time now) {
    if (timing_) {
        if (before(ack, timed_end_)) return false;
        timing_ = false;
        rtt_.sample(since_micros(timed_at_us_, now), config_.rto_min, config_.rto_max);
        return true;
    }
    if (timestamp_rtt.ns <= 0) return false;
    // After a timeout an echo older than the retransmission says nothing: perhaps the original was
    // slow, perhaps its acknowledgment was lost and the receiver echoes what it had before (RFC
    // 7323 §5.3 R2 skips duplicates).
    if (backoff_ > 0 && timestamp_rtt > since_micros(last_retransmitted_us_, now) + milliseconds(1))
        return false;
    rtt_.sample(timestamp_rtt, config_.rto_min, config_.rto_max);
    return true;
}

bool Sender::update_window(SequenceNumber seq, SequenceNumber ack, std::uint16_t window, Time now) {
    // A newer ACK counts even on older text (a retransmission), as in Linux: else SND.UNA would
    // move on under a window that was smaller by then, and we would send beyond it.
    const bool newer = before(snd_.wl1, seq) || (snd_.wl1 == seq && at_or_before(snd_.wl2, ack)) ||
                       after(ack, snd_.wl2);
    if (!newer) return false;
    const std::uint32_t wnd = scaled(window);
    const bool opened = snd_.wnd == 0 && wnd > 0;
    const bool changed = snd_.wnd != wnd;
    start_window(wnd, later(snd_.wl1, seq), ack);
    if (opened && !is_idle()) {
        // The probes' bytes were refused while the window was closed: they go again at once.
        retransmit_next_ = snd_.una;
        retransmit_end_ = snd_.nxt;
    }
    if (opened) {
        backoff_ = 0;  // the timeouts while it was closed say nothing about the path
        restart_timer(now);
    }
    return changed;
}

Sender::Timeout Sender::on_timeout(Time now) {
    if (is_idle() && snd_.wnd > 0) {
        probe_owed_ = true;
        deadline_ = Time::never();
        return Timeout::forced;
    }
    const bool first = unanswered_ == 0;
    if (backoff_ < max_backoff) ++backoff_;
    if (unanswered_ < max_backoff) ++unanswered_;
    deadline_ = now + rto();
    if (is_idle() || (snd_.wnd == 0 && syn_acknowledged_)) {
        probe_owed_ = true;
        return Timeout::probe;
    }
    // RFC 5681 §3.1 (4) and RFC 6298 §5.4: the earliest unacknowledged goes again, and everything
    // after it counts as lost (go-back-N as acknowledgments come in).
    congestion_.on_timeout(flight(), first);
    syn_retransmitted_ = syn_retransmitted_ || !syn_acknowledged_;
    in_recovery_ = false;
    reduced_by_ecn_ = false;
    note_reduction();
    duplicate_acks_ = 0;
    recover_ = snd_.nxt;
    retransmit_next_ = snd_.una;
    retransmit_end_ = snd_.nxt;
    timing_ = false;
    return Timeout::retransmit;
}

}  // namespace berth::tcp
