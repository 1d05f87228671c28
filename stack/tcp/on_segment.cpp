// RFC 9293 §3.10.7.4: "Other States". One function for each of the RFC's numbered steps, in its
// order.
#include "tcp/connection.hpp"
#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {
constexpr std::uint8_t ecn_congestion_experienced = 3;  // RFC 3168 §5
}

DropReason Connection::on_segment(Segment& segment, Time now) {
    const std::uint32_t acked_before = acked_low(), received_before = received_low();
    ++segments_in_;
    const DropReason reason = [&] {
        if (state_ == State::syn_sent) return on_segment_in_syn_sent(segment, now);
        if (auto end = first_check_sequence_number(segment, now)) return *end;
        if (auto end = second_check_rst(segment, now)) return *end;
        // Third, security and compartment: nobody uses them (RFC 9293 §3.10.7.4 allows to skip).
        if (auto end = fourth_check_syn(segment, now)) return *end;
        if (auto end = fifth_check_ack(segment, now)) return *end;
        sixth_check_urg(segment);
        const DropReason text = seventh_process_text(segment, now);
        eighth_check_fin(now);
        return text;
    }();
    acked_wraps_.follow(acked_before, acked_low());
    received_wraps_.follow(received_before, received_low());
    rearm();
    mark_ready();
    return reason;
}

// --- first, check the sequence number ---

Connection::Verdict Connection::first_check_sequence_number(Segment& segment, Time now) {
    // The peer's SYN again (simultaneous open, or Fast Open): our SYN,ACK was lost.
    const bool syn_is_out = sender_.snd().una == sender_.snd().iss;
    if (syn_is_out && segment.flags.syn && !segment.flags.ack && !segment.flags.rst &&
        segment.seq == receiver_.rcv().irs) {
        if (may_answer(Count::acks_skipped_syn_received, now)) sender_.repeat_syn();
        return DropReason::tcp_duplicate;
    }
    // A simultaneous open's SYN,ACK repeats the SYN that we have taken; only its ACK is new (figure
    // 8).
    if (state_ == State::syn_received && segment.flags.syn && segment.flags.ack &&
        segment.seq == receiver_.rcv().irs) {
        segment.flags.syn = false;
        segment.seq += 1;
        // Its window is a SYN's, never scaled (RFC 7323 §2.2); what follows takes it for scaled.
        segment.window = static_cast<std::uint16_t>(segment.window >> handshake_.peer_window_shift);
    }
    if (auto end = check_timestamp(segment, now)) return end;
    if (receiver_.is_acceptable(segment)) return std::nullopt;
    // MUST-66: with a closed window the ACK, URG and RST of a segment at RCV.NXT still count; its
    // text does not.
    if (receiver_.wnd() == 0 && segment.seq == receiver_.rcv().nxt && !segment.flags.syn) {
        receiver_.refuse(segment, receiver_context(now));
        segment.payload = {};
        segment.flags.fin = false;
        return std::nullopt;
    }
    if (!segment.flags.rst) answer_unacceptable(segment, now);
    return at_or_before(segment.end(), receiver_.rcv().nxt) ? DropReason::tcp_duplicate
                                                            : DropReason::tcp_out_of_window;
}

// "Unless the RST bit is set, send an acknowledgment." Text that came too early or twice is
// answered each time: that is how a peer learns of a loss. A SYN is challenged wherever it lies
// (RFC 5961 §4.2), and what is empty is answered within the limit.
void Connection::answer_unacceptable(const Segment& segment, Time now) {
    if (segment.flags.syn) {
        tcp_.count(Count::syn_challenges);
        challenge(now);
    } else if (segment.length() > 0) {
        receiver_.refuse(segment, receiver_context(now));
    } else if (may_answer(Count::ack_skipped_seq, now)) {
        receiver_.ack.owe_duplicate();
    }
}

// PAWS (RFC 7323 §5.3). Not for a RST (§5.2), and not for a SYN: that is no segment of this
// connection, and whoever has restarted without timestamps must be challenged, not ignored.
Connection::Verdict Connection::check_timestamp(const Segment& segment, Time now) {
    if (!handshake_.timestamps || segment.flags.rst || segment.flags.syn) return std::nullopt;
    if (!segment.options.timestamps) return DropReason::tcp_missing_timestamp;
    if (!is_older_than_recent(segment, now)) return std::nullopt;
    tcp_.count(Count::paws_rejected);
    if (segment.length() > 0 || may_answer(Count::ack_skipped_paws, now))
        receiver_.ack.owe_duplicate();
    return DropReason::tcp_paws;
}

// SEG.TSval < TS.Recent, unless 24 days of silence have made TS.Recent meaningless (§5.5).
bool Connection::is_older_than_recent(const Segment& segment, Time now) const {
    constexpr Duration paws_idle = seconds(24LL * 24 * 3600);
    const std::uint32_t age = handshake_.ts_recent - segment.options.timestamps->value;
    return static_cast<std::int32_t>(age) > 0 && now - ts_recent_at_ < paws_idle;
}

// What to echo from now on (RFC 7323 §4.3). Only once the ACK was found good: a guessed segment
// could move TS.Recent ahead and have everything after it refused (as in Linux; RFC 7323 has the
// update before the ACK is looked at).
void Connection::take_timestamp(const Segment& segment, Time now) {
    if (!handshake_.timestamps || !segment.options.timestamps) return;
    if (after(segment.seq, last_ack_sent_) || is_older_than_recent(segment, now)) return;
    handshake_.ts_recent = segment.options.timestamps->value;
    ts_recent_at_ = now;
}

// --- second, check the RST bit (with RFC 5961 §3.2) ---

Connection::Verdict Connection::second_check_rst(const Segment& segment, Time now) {
    if (!segment.flags.rst) return std::nullopt;
    if (segment.seq != receiver_.rcv().nxt && tcp_.config().blind_attack_checks) {
        challenge(now);
        return DropReason::tcp_reset_not_exact;
    }
    return end_by_reset(now);
}

Connection::Verdict Connection::end_by_reset(Time now) {
    tcp_.on_unproven_reset(*this, now);
    switch (state_) {
        case State::syn_received:
            end_with(passive_ ? std::errc::connection_reset : std::errc::connection_refused,
                     Event::reset);
            break;
        case State::closing:
        case State::last_ack: end_with({}, Event::reset); break;
        default: end_with(std::errc::connection_reset, Event::reset);
    }
    return DropReason::none;
}

// --- fourth, check the SYN bit (with RFC 5961 §4.2) ---

Connection::Verdict Connection::fourth_check_syn(const Segment& segment, Time now) {
    if (!segment.flags.syn) return std::nullopt;
    if (!tcp_.config().blind_attack_checks) {
        // As RFC 793 had it: an error that ends the connection.
        tcp_.reply_with_reset(four_tuple, segment, now);
        return end_by_reset(now);
    }
    tcp_.count(Count::syn_challenges);
    challenge(now);
    return DropReason::tcp_unexpected_syn;
}

// RFC 5961 §10: an answer to what the peer of this connection would not have said.
bool Connection::may_answer(Count skipped, Time now) {
    if (challenge_limit_.allows(now, tcp_.config().challenge_interval)) return true;
    tcp_.count(skipped);
    return false;
}

void Connection::challenge(Time now) {
    if (!may_answer(Count::ack_skipped_challenge, now)) return;
    tcp_.count(Count::challenge_acks);
    receiver_.ack.owe_duplicate();
}

// --- fifth, check the ACK field ---

Connection::Verdict Connection::fifth_check_ack(const Segment& segment, Time now) {
    if (!segment.flags.ack) return DropReason::tcp_no_ack;
    if (state_ == State::syn_received)
        if (auto end = ack_in_syn_received(segment, now)) return end;

    const auto& snd = sender_.snd();
    if (after(segment.ack, snd.nxt)) {
        challenge(now);
        return DropReason::tcp_ack_of_unsent;
    }
    // RFC 5961 §5.2 (MAY-12): SND.UNA - MAX.SND.WND =< SEG.ACK; what lies further back was never
    // ours to hear.
    if (tcp_.config().blind_attack_checks && before(segment.ack, snd.una - snd.max_wnd)) {
        challenge(now);
        return DropReason::tcp_ack_too_old;
    }
    process_ack(segment, now);
    if (is_over()) return DropReason::none;
    return std::nullopt;
}

Connection::Verdict Connection::ack_in_syn_received(const Segment& segment, Time now) {
    const auto& snd = sender_.snd();
    if (!after(segment.ack, snd.una) || after(segment.ack, snd.nxt)) {
        tcp_.reply_with_reset(four_tuple, segment, now);
        return DropReason::tcp_ack_of_unsent;
    }
    sender_.start_window(sender_.scaled(segment.window), segment.seq, segment.ack);
    transition(Event::ack_of_syn);
    return std::nullopt;
}

void Connection::process_ack(const Segment& segment, Time now) {
    heard_from_peer(now);
    if (before(segment.ack, sender_.snd().una)) return;  // an old one: it says nothing new
    take_timestamp(segment, now);
    if (segment.flags.ece && !segment.flags.syn) sender_.on_ecn_echo();
    const bool same_window = sender_.scaled(segment.window) == sender_.snd().wnd;
    const bool bare = segment.length() == 0 && same_window;
    const auto result =
        sender_.on_ack(segment.ack, bare, timestamp_rtt(segment, segment.arrival), now);
    const bool window_changed =
        sender_.update_window(segment.seq, segment.ack, segment.window, now);
    if (result.syn_acked) tcp_.on_proven(*this);
    if (result.acked > 0) {
        soft_error_ = {};
        tune_send_buffer();
        if (segment.flags.ece && handshake_.ecn)
            tcp_.count(Count::delivered_ce, (result.acked + sender_.mss() - 1U) / sender_.mss());
    }
    if (result.recovery_began) tcp_.count(Count::reno_recovery);
    if (result.acked > 0 && suspected_mtu_ != 0) confirm_black_hole(now);
    if (result.room_freed || result.syn_acked || window_changed) notify();
    if (result.fin_acked) on_our_fin_acknowledged(now);
}

void Connection::on_our_fin_acknowledged(Time now) {
    if (!next_state(state_, Event::ack_of_fin)) return;
    transition(Event::ack_of_fin);
    if (state_ == State::fin_wait_2) {
        if (is_orphan()) await_fin_as_orphan(now);
    } else if (state_ == State::time_wait) {
        tcp_.enter_time_wait(*this, now);
    } else {
        end_with({}, Event::ack_of_fin);
    }
    notify();
}

// RFC 7323 §4.1: TSecr tells when what is acknowledged was sent.
Duration Connection::timestamp_rtt(const Segment& segment, Time now) const {
    if (!handshake_.timestamps || !segment.options.timestamps ||
        segment.options.timestamps->echo == 0)
        return {};
    const auto elapsed = static_cast<std::int32_t>(timestamp_at(now, timestamp_offset_) -
                                                   segment.options.timestamps->echo);
    constexpr std::int32_t believable_ms = 10 * 60 * 1000;
    return elapsed < 0 || elapsed > believable_ms ? Duration{} : milliseconds(elapsed);
}

// --- sixth, check the URG bit: urgent.cpp ---

// --- seventh, process the segment text ---

Receiver::Context Connection::receiver_context(Time now) const {
    const Config& config = tcp_.config();
    return {tcp_.pool(), tcp_.counters(), config, options(), handshake_.sack && config.dsack, now};
}

DropReason Connection::seventh_process_text(Segment& segment, Time now) {
    if (segment.payload.empty() && !segment.flags.fin) return DropReason::none;
    if (!may_receive(state_)) {
        if (segment.payload.empty()) return DropReason::none;
        return DropReason::tcp_data_after_fin;
    }
    // MUST-17 and RFC 2525 §2.17: nobody will ever read this; the peer must hear that it was lost.
    if (is_orphan() && !segment.payload.empty() && after(segment.end(), receiver_.rcv().nxt)) {
        tcp_.count(Count::abort_on_data);
        abort();
        return DropReason::tcp_data_after_close;
    }
    const SequenceNumber before_text = receiver_.rcv().nxt;
    if (!segment.payload.empty()) {
        // Only of what lies in the window (RFC 3168 §6.1.5), so not before the first step.
        if (handshake_.ecn)
            receiver_.take_congestion_mark(segment.ecn == ecn_congestion_experienced,
                                           segment.flags.cwr);
        if (const Duration rtt = timestamp_rtt(segment, segment.arrival); rtt.ns > 0)
            receiver_.take_timestamp(rtt, segment.payload.size());
    }
    const DropReason reason = receiver_.take_text(segment, receiver_context(now));
    if (receiver_.rcv().nxt != before_text) notify();
    return reason;
}

// --- eighth, check the FIN bit ---

void Connection::eighth_check_fin(Time now) {
    if (!may_receive(state_) || !receiver_.take_fin()) return;
    transition(Event::fin);
    if (state_ == State::time_wait) tcp_.enter_time_wait(*this, now);
    notify();
}

}  // namespace berth::tcp
