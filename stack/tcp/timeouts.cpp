// The deadlines of a connection (RFC 9293 §3.10.8, RFC 6298): all of them reduce to the next one,
// which the timer wheel holds.
#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

void Connection::on_timer(Time now) {
    if (is_over()) return;
    if (fin_wait_2_deadline_ <= now) {
        end_with({}, Event::give_up);
        return;
    }
    if (receiver_.ack.delayed <= now) {
        receiver_.ack.delayed = Time::never();
        receiver_.ack.now = true;
        tcp_.count(Count::delayed_acks);
    }
    if (sender_.deadline() <= now) {
        const Sender::Timeout outcome = sender_.on_timeout(now);
        tcp_.count(Count::timeouts);
        if (sender_.unanswered_timeouts() > retry_limit()) {
            // R2 (RFC 9293 §3.8.3, MUST-20): the path is given up; what ICMP said meanwhile
            // explains it best.
            const std::errc why = soft_error_ == std::errc{} ? std::errc::timed_out : soft_error_;
            end_with(why, Event::give_up);
            return;
        }
        if (outcome == Sender::Timeout::retransmit) {
            tcp_.reroute(*this);
            suspect_black_hole();
        }
    }
    rearm();
    mark_ready();
}

unsigned Connection::retry_limit() const {
    const Config& config = tcp_.config();
    if (state_ == State::syn_sent)
        return options().syn_count != 0 ? options().syn_count : config.syn_retries;
    if (state_ == State::syn_received) return config.synack_retries;
    return is_orphan() ? config.orphan_retries : config.data_retries;
}

void Connection::rearm() {
    if (retired_) return;
    const Time next =
        earlier(sender_.deadline(), earlier(receiver_.ack.delayed, fin_wait_2_deadline_));
    if (next != deadline()) tcp_.wheel().arm(*this, next);
}

// RFC 1122 §4.2.3.9 with RFC 5927 §4.1: an error whose quoted sequence number is not in flight is
// somebody's guess. Hard errors end only an attempt to connect; a synchronized connection outlives
// them (RFC 5927 §5.2, as Linux and the BSDs do).
DropReason Connection::on_icmp_error(bool hard, std::errc error, SequenceNumber quoted) {
    const auto& snd = sender_.snd();
    if (!in_window(quoted, snd.una, snd.nxt - snd.una)) return DropReason::icmp_error_no_match;
    if (hard && state_ == State::syn_sent)
        end_with(error, Event::give_up);
    else
        soft_error_ = error;
    return DropReason::none;
}

void Connection::on_unreachable() {
    if (state_ == State::syn_sent)
        end_with(std::errc::host_unreachable, Event::give_up);
    else
        soft_error_ = std::errc::host_unreachable;
}

}  // namespace berth::tcp
