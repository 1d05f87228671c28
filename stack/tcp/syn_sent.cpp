// RFC 9293 §3.10.7.3: a segment arrives in SYN-SENT.
#include "tcp/connection.hpp"
#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

DropReason Connection::on_segment_in_syn_sent(Segment& segment, Time now) {
    const auto& snd = sender_.snd();
    // First, the ACK bit.
    const bool acceptable_ack =
        segment.flags.ack && after(segment.ack, snd.iss) && at_or_before(segment.ack, snd.nxt);
    if (segment.flags.ack && !acceptable_ack) {
        if (!segment.flags.rst) tcp_.reply_with_reset(four_tuple, segment, now);
        return DropReason::tcp_bad_ack_in_syn_sent;
    }
    // Second, the RST bit: only believed with an ACK of our SYN (RFC 5961 §3.2 has nothing to add
    // here).
    if (segment.flags.rst) {
        if (!acceptable_ack) return DropReason::tcp_bad_ack_in_syn_sent;
        end_with(std::errc::connection_refused, Event::reset);
        return DropReason::none;
    }
    // Third, security: not used. Fourth, the SYN bit.
    if (!segment.flags.syn) return DropReason::tcp_useless_in_syn_sent;

    take_handshake(segment);
    ts_recent_at_ = now;
    if (acceptable_ack) {
        const auto result =
            sender_.on_ack(segment.ack, false, timestamp_rtt(segment, segment.arrival), now);
        sender_.start_window(segment.window, segment.seq, segment.ack);
        transition(result.syn_acked ? Event::syn_ack : Event::syn);
        conclude_fast_open(segment, now);
        receiver_.ack.now = true;
    } else {
        // Simultaneous open: both sides send SYN,ACK (figure 8).
        sender_.start_window(segment.window, segment.seq, snd.iss);
        transition(Event::syn);
        sender_.repeat_syn();
    }
    // Text on a SYN,ACK is used; on the SYN of a simultaneous open it is not acknowledged, so that
    // it comes again in ESTABLISHED.
    DropReason reason = DropReason::none;
    if (state_ == State::established) {
        reason = seventh_process_text(segment, now);
        eighth_check_fin(now);
    }
    notify();
    return reason;
}

}  // namespace berth::tcp
