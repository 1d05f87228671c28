// Nagle's algorithm (RFC 9293 §3.7.4, RFC 896).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class Nagle : public ScriptTest {};

TEST_F(Nagle, the_first_small_segment_goes_at_once_rfc9293_3_7_4) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
}

TEST_F(Nagle, more_small_ones_wait_for_its_ack_rfc9293_3_7_4_shld_7) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
    app.sends(20);
    app.sends(30);
    stack.sends_nothing();
    peer.sends({});
    stack.sends({.length = 50});
}

TEST_F(Nagle, a_full_segment_does_not_wait_rfc9293_3_7_4) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
    app.sends(1459);
    stack.sends_nothing();
    app.sends(1);
    stack.sends({.length = 1460});
}

TEST_F(Nagle, it_can_be_switched_off_rfc9293_3_7_4_must_17) {
    accept_connection();
    app.sets(socket::Option::no_delay, 1);
    for (std::size_t size = 1; size <= 5; ++size) {
        app.sends(size);
        stack.sends({.length = size});
    }
}

TEST_F(Nagle, switching_it_off_sends_what_waits_posix) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
    app.sends(20);
    stack.sends_nothing();
    app.sets(socket::Option::no_delay, 1);
    stack.sends({.length = 20});
}

TEST_F(Nagle, closing_sends_what_waits_rfc9293_3_10_4) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
    app.sends(20);
    app.shuts_down();
    stack.sends({.length = 20, .fin = true});
}

}  // namespace
}  // namespace berth::harness
