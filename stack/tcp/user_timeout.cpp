// How long a peer may stay silent: R1 and R2 (RFC 9293 §3.8.3), the user's own limit (RFC 5482,
// TCP_USER_TIMEOUT), and how long nobody's connection may hold our memory (RFC 6429).
#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

// MUST-21: the user sets R2 for one connection, as a time in which something must move: an
// acknowledgment, or the peer's window. Never: not set, or nothing to wait for.
Time Connection::user_timeout_deadline(Time now) const {
    const Duration limit = options().user_timeout;
    if (limit.ns == 0 || sender_.deadline().is_never()) return Time::never();
    const bool waits_for_peer = !sender_.is_idle() || sender_.snd().wnd == 0;
    return waits_for_peer ? sender_.stalled_since(now) + limit : Time::never();
}

// R2 as a count of timeouts that nobody answered.
unsigned Connection::retry_limit() const {
    const Config& config = tcp_.config();
    if (state_ == State::syn_sent)
        return options().syn_count != 0 ? options().syn_count : config.syn_retries;
    if (state_ == State::syn_received) return config.synack_retries;
    return is_orphan() ? config.orphan_retries : config.data_retries;
}

bool Connection::patience_is_over() const {
    // The user's limit stands in place of the count, but not beyond the user.
    const bool counted = options().user_timeout.ns == 0 || is_orphan() || !is_synchronized(state_);
    if (counted && sender_.unanswered_timeouts() > retry_limit()) return true;
    // A user may wait for a window without end (MUST-37); without one nobody is there to decide,
    // and a peer could hold our memory by answering probes (RFC 6429).
    return is_orphan() && is_synchronized(state_) && sender_.snd().wnd == 0 &&
           sender_.backoff() > tcp_.config().orphan_retries;
}

// R1 (MUST-20 b): the IP layer hears of it, and the user (SHLD-9), as an error that is not final. A
// SYN has nothing to go by but silence: another first hop is looked for at once, as in Linux.
void Connection::advise_of_failure() {
    const unsigned r1 = is_synchronized(state_) ? tcp_.config().retries1 : 1;
    if (sender_.unanswered_timeouts() < r1) return;
    tcp_.reroute(*this);
    if (sender_.unanswered_timeouts() < tcp_.config().retries1 || soft_error_ != std::errc{})
        return;
    soft_error_ = std::errc::timed_out;
    notify();
}

// R2 (MUST-20 c). What ICMP said meanwhile explains it best.
void Connection::give_up() {
    const std::errc why = soft_error_ == std::errc{} ? std::errc::timed_out : soft_error_;
    tcp_.count(Count::abort_on_timeout);
    // A peer that keeps its window closed may well be alive: it must hear that this is the end.
    if (is_synchronized(state_) && sender_.snd().wnd == 0)
        tcp_.send_reset(four_tuple, sender_.snd().nxt, receiver_.rcv().nxt);
    end_with(why, Event::give_up);
}

}  // namespace berth::tcp
