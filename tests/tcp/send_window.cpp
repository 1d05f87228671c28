// The window that the peer offers (RFC 9293 §3.8.6, §3.8.6.1, §3.8.6.2.1).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class SendWindow : public ScriptTest {};

TEST_F(SendWindow, nothing_goes_beyond_it_rfc9293_3_8_6) {
    peer.window = 2920;
    accept_connection();
    app.sends(10'000);
    stack.sends_run(2, 1460);
    stack.sends_nothing();
    peer.sends({});
    stack.sends_run(2, 1460);
}

TEST_F(SendWindow, an_update_lets_more_go_rfc9293_3_8_6) {
    peer.window = 2920;
    accept_connection();
    app.sends(10'000);
    stack.sends_run(2, 1460);
    peer.sends({.ack = 1, .win = 5840});
    stack.sends_run(2, 1460);
}

TEST_F(SendWindow, a_closed_window_stops_the_sender_rfc9293_3_8_6_1) {
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1000);
    stack.sends_nothing();
    peer.sends({.win = 65535});
    stack.sends({.length = 1000});
}

TEST_F(SendWindow, a_closed_window_is_probed_rfc9293_3_8_6_1_must_36) {
    config.rto_min = seconds(1);
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1000);
    stack.sends_nothing();
    advance(seconds(1));
    stack.loses({.seq = 1, .length = 1});
    // At growing intervals (SHLD-30).
    advance(seconds(2) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.loses({.seq = 1, .length = 1});
    advance(seconds(4) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.loses({.seq = 1, .length = 1});
}

TEST_F(SendWindow, a_window_that_stays_closed_keeps_the_connection_rfc9293_3_8_6_1_must_37) {
    config.data_retries = 3;
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1000);
    for (int i = 0; i < 20; ++i) {
        stack.sends_within(seconds(121), {.seq = 1, .length = 1});
        peer.sends({.ack = 1, .win = 0});
    }
    state_is(State::established);
    // The probes' byte was never taken: it goes again, and the rest follows.
    peer.sends({.ack = 1, .win = 65535});
    const Heard first = stack.sends_something();
    peer.sends({.ack = 1 + static_cast<std::uint32_t>(first.payload.size())});
    if (first.payload.size() < 1000) stack.sends({.seq = 2, .length = 999});
}

TEST_F(SendWindow, a_probe_may_be_taken_rfc9293_3_8_6_1) {
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1000);
    stack.sends_within(seconds(2), {.seq = 1, .length = 1});
    peer.sends({.ack = 2, .win = 0});
    stack.sends_nothing();
    peer.sends({.ack = 2, .win = 2000});
    stack.sends({.seq = 2, .length = 999});
}

TEST_F(SendWindow, a_fin_alone_reaches_a_closed_window_rfc9293_3_8_6_1) {
    accept_connection();
    peer.sends({.win = 0});
    app.shuts_down();
    stack.sends_within(seconds(2), {.fin = true});
    peer.sends({.win = 0});
    state_is(State::fin_wait_2);
}

TEST_F(SendWindow, an_old_segment_does_not_set_the_window_rfc9293_3_10_7_4_fifth) {
    accept_connection();
    peer.sends({.length = 10, .win = 5000});
    peer.sends({.length = 10, .win = 0});
    stack.sends({});
    // A copy of the first one arrives late; it must not open the window.
    peer.sends({.seq = 1, .length = 10, .win = 5000});
    stack.sends({});
    app.sends(1000);
    stack.sends_nothing();
    app.reads(20);
    stack.sends_nothing();
}

TEST_F(SendWindow, a_shrunk_window_is_survived_rfc9293_3_8_6_must_34) {
    accept_connection();
    app.sends(5840);
    stack.sends_run(4, 1460);
    peer.sends({.ack = 1461, .win = 1000});  // takes back most of what it had offered
    stack.sends_nothing();
    state_is(State::established);
    peer.sends({.ack = 5841});
    app.sends(10);
    stack.sends({.length = 10});
}

TEST_F(SendWindow, silly_segments_wait_rfc9293_3_8_6_2_1_must_38) {
    peer.window = 5840;
    accept_connection();
    app.sends(20'000);
    stack.sends_run(4, 1460);
    // 100 bytes of room: less than a segment and less than half the largest window.
    peer.sends({.ack = 1461, .win = 4480});
    stack.sends_nothing();
    peer.sends({.ack = 1461, .win = 5840});
    stack.sends({.length = 1460});
}

TEST_F(SendWindow, half_the_largest_window_is_worth_sending_rfc9293_3_8_6_2_1) {
    peer.window = 1000;
    accept_connection();
    app.sends(3000);
    stack.sends({.length = 1000});
    peer.sends({.win = 500});
    stack.sends({.length = 500});
    peer.sends({.win = 499});
    stack.sends_nothing();
    // The override timeout: what fits goes all the same.
    stack.sends_within(seconds(2), {.length = 499});
}

}  // namespace
}  // namespace berth::harness
