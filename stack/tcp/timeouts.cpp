// The deadlines of a connection (RFC 9293 §3.10.8, RFC 6298): all of them reduce to the next one,
// which the timer wheel holds.
#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

void Connection::on_timer(Time now) {
    if (is_over()) return;
    if (idle_deadline_ <= now && !on_idle_deadline(now)) return;
    if (receiver_.ack.delayed <= now) {
        receiver_.ack.delayed = Time::never();
        receiver_.ack.now = true;
        tcp_.count(Count::delayed_acks);
    }
    if (user_timeout_deadline(now) <= now) return give_up();
    if (sender_.deadline() <= now && !on_sender_deadline(now)) return;
    rearm();
    mark_ready();
}

bool Connection::on_sender_deadline(Time now) {
    const Sender::Timeout outcome = sender_.on_timeout(now);
    if (outcome == Sender::Timeout::forced) return true;
    if (outcome == Sender::Timeout::retransmit) tcp_.count(Count::timeouts);
    if (patience_is_over()) {
        give_up();
        return false;
    }
    if (outcome == Sender::Timeout::retransmit) {
        advise_of_failure();
        suspect_black_hole();
    }
    return !is_over();
}

void Connection::rearm() {
    if (retired_) return;
    const Time next = earlier(earlier(sender_.deadline(), user_timeout_deadline(tcp_.now())),
                              earlier(receiver_.ack.delayed, idle_deadline_));
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
