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
        if (tcp_.may_challenge(now)) sender_.repeat_syn();
        return DropReason::tcp_duplicate;
    }
    // A simultaneous open's SYN,ACK repeats the SYN that we have taken; only its ACK is new (figure
    // 8).
    if (state_ == State::syn_received && segment.flags.syn && segment.flags.ack &&
        segment.seq == receiver_.rcv().irs) {
        segment.flags.syn = false;
        segment.seq += 1;
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
    // Text that came too early or twice is answered each time: that is how a peer learns of a loss.
    // What is empty only within the budget, so that two confused ends cannot answer each other
    // without end.
    if (segment.length() > 0 && !segment.flags.rst)
        receiver_.refuse(segment, receiver_context(now));
    if (segment.length() == 0 && !segment.flags.rst) challenge(now);
    return at_or_before(segment.end(), receiver_.rcv().nxt) ? DropReason::tcp_duplicate
                                                            : DropReason::tcp_out_of_window;
}

// PAWS (RFC 7323 §5.3), and what to echo from now on (§4.3).
Connection::Verdict Connection::check_timestamp(const Segment& segment, Time now) {
    if (!handshake_.timestamps || segment.flags.rst) return std::nullopt;
    if (!segment.options.timestamps) return DropReason::tcp_missing_timestamp;
    const std::uint32_t value = segment.options.timestamps->value;
    const bool older = static_cast<std::int32_t>(value - handshake_.ts_recent) < 0;
    // R1's exception: after 24 days of silence TS.Recent means nothing any more (§5.5).
    constexpr Duration paws_idle = seconds(24LL * 24 * 3600);
    if (older && now - ts_recent_at_ < paws_idle) {
        receiver_.ack.owe_duplicate();
        return DropReason::tcp_paws;
    }
    if (at_or_before(segment.seq, last_ack_sent_) && receiver_.is_acceptable(segment)) {
        handshake_.ts_recent = value;
        ts_recent_at_ = now;
    }
    return std::nullopt;
}

// --- second, check the RST bit (with RFC 5961 §3.2) ---

Connection::Verdict Connection::second_check_rst(const Segment& segment, Time now) {
    if (!segment.flags.rst) return std::nullopt;
    if (segment.seq != receiver_.rcv().nxt) {
        challenge(now);
        return DropReason::tcp_reset_not_exact;
    }
    const bool was_passive = unproven_;
    tcp_.on_unproven_reset(*this, now);
    switch (state_) {
        case State::syn_received:
            end_with(was_passive ? std::errc::connection_reset : std::errc::connection_refused,
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
    challenge(now);
    return DropReason::tcp_unexpected_syn;
}

void Connection::challenge(Time now) {
    if (tcp_.may_challenge(now)) receiver_.ack.owe_duplicate();
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
    // RFC 5961 §5.2: SND.UNA - MAX.SND.WND =< SEG.ACK; what lies further back was never ours to
    // hear.
    if (before(segment.ack, snd.una - snd.max_wnd)) {
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
    if (before(segment.ack, sender_.snd().una)) return;  // an old one: it says nothing new
    const bool same_window = sender_.scaled(segment.window) == sender_.snd().wnd;
    const bool bare = segment.length() == 0 && same_window;
    const auto result =
        sender_.on_ack(segment.ack, bare, timestamp_rtt(segment, segment.arrival), now);
    const bool window_changed =
        sender_.update_window(segment.seq, segment.ack, segment.window, now);
    if (result.syn_acked) tcp_.on_proven(*this);
    if (result.acked > 0) soft_error_ = {};
    if (result.acked > 0 && suspected_mtu_ != 0) confirm_black_hole(now);
    if (result.room_freed || result.syn_acked || window_changed) notify();
    if (result.fin_acked) on_our_fin_acknowledged(now);
}

void Connection::on_our_fin_acknowledged(Time now) {
    if (!next_state(state_, Event::ack_of_fin)) return;
    transition(Event::ack_of_fin);
    if (state_ == State::fin_wait_2) {
        // Without a user nobody could ever end this state (RFC 9293 §3.10.7.4 leaves it; Linux and
        // the BSDs time it out).
        if (is_orphan()) fin_wait_2_deadline_ = now + tcp_.config().fin_wait_2;
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
