// FIN-WAIT-2 without a user: nobody could ever end it, for the peer may keep its side open without
// end (RFC 9293 §3.10.7.4 leaves that; Linux and the BSDs time it out).
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {
constexpr std::int32_t max_linger2_s = 120;  // TCP_LINGER2 counts no further (Linux's bound)
}  // namespace

void Connection::await_fin_as_orphan(Time now) {
    const std::int32_t chosen_s = std::min(options().linger2_s, max_linger2_s);
    if (chosen_s < 0) {
        tcp_.count(Count::abort_on_linger);
        tcp_.send_reset(four_tuple, sender_.snd().nxt, receiver_.rcv().nxt);
        end_with({}, Event::abort);
        return;
    }
    idle_deadline_ = now + (chosen_s == 0 ? tcp_.config().fin_wait_2 : seconds(chosen_s));
}

}  // namespace berth::tcp
