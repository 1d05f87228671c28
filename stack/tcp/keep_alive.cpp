// Keep-alives (RFC 9293 §3.8.4): off unless the user wants them (MUST-24, MUST-25), and only for a
// connection on which nothing happens (MUST-26).
#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

Duration Connection::keep_idle() const {
    return options().keep_idle_s != 0 ? seconds(options().keep_idle_s) : tcp_.config().keep_idle;
}

void Connection::arm_keep_alive(Time now) {
    keep_alives_sent_ = 0;
    idle_deadline_ =
        options().keep_alive ? moment_of_millis(last_heard_ms_, now) + keep_idle() : Time::never();
}

// The deadline stays where it is: when it comes, it is seen that somebody spoke meanwhile.
void Connection::heard_from_peer(Time now) {
    last_heard_ms_ = millis_of(now);
    keep_alives_sent_ = 0;
}

bool Connection::on_idle_deadline(Time now) {
    if (state_ == State::fin_wait_2 && is_orphan()) {
        end_with({}, Event::give_up);
        return false;
    }
    const Options& chosen = options();
    const Config& config = tcp_.config();
    if (!is_synchronized(state_) || sender_.has_outstanding() || !sender_.is_idle()) {
        // What is outstanding has a timer of its own.
        keep_alives_sent_ = 0;
        idle_deadline_ = now + keep_idle();
        return true;
    }
    const Duration idle = since_millis(last_heard_ms_, now);
    if (idle < keep_idle()) {
        arm_keep_alive(now);
        return true;
    }
    // One probe or its answer may be lost (MUST-29). TCP_USER_TIMEOUT decides in place of the
    // count, as in Linux.
    const unsigned count = chosen.keep_count != 0 ? chosen.keep_count : config.keep_probes;
    const bool over = chosen.user_timeout.ns > 0
                          ? keep_alives_sent_ > 0 && idle >= chosen.user_timeout
                          : keep_alives_sent_ >= count;
    if (over) {
        tcp_.send_reset(four_tuple, sender_.snd().nxt, receiver_.rcv().nxt);
        give_up();
        return false;
    }
    constexpr std::uint8_t most = 0xff;
    if (keep_alives_sent_ < most) ++keep_alives_sent_;
    keep_alive_owed_ = true;
    idle_deadline_ = now + (chosen.keep_interval_s != 0 ? seconds(chosen.keep_interval_s)
                                                        : config.keep_interval);
    return true;
}

}  // namespace berth::tcp
