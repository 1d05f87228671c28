// Closing: by us, by the peer, half, and by both at once (RFC 9293 §3.6, §3.10.4, figures 12 and
// 13).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class Closing : public ScriptTest {};

TEST_F(Closing, we_close_first_rfc9293_figure_12) {
    accept_connection();
    app.closes();
    stack.sends({.fin = true});
    state_is(State::fin_wait_1);
    peer.sends({});
    state_is(State::fin_wait_2);
    peer.sends({.fin = true});
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::time_wait);
}

TEST_F(Closing, the_peer_closes_first_rfc9293_figure_12) {
    accept_connection();
    peer.sends({.fin = true});
    stack.sends({.ack = 2});
    state_is(State::close_wait);
    app.reads_end();
    app.closes();
    stack.sends({.seq = 1, .ack = 2, .fin = true});
    state_is(State::last_ack);
    peer.sends({});
    state_is(State::closed);
}

TEST_F(Closing, both_close_at_once_rfc9293_figure_13) {
    accept_connection();
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({.ack = 1, .fin = true});
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::closing);
    peer.sends({});
    state_is(State::time_wait);
}

TEST_F(Closing, the_peers_fin_may_acknowledge_ours_rfc9293_3_10_7_4_eighth) {
    accept_connection();
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({.fin = true});
    stack.sends({.ack = 2});
    state_is(State::time_wait);
}

TEST_F(Closing, the_fin_follows_the_data_rfc9293_3_10_4) {
    accept_connection();
    app.sends(3000);
    stack.sends_run(2, 1460);
    app.shuts_down();
    stack.sends({.length = 80, .fin = true});
    state_is(State::fin_wait_1);
}

TEST_F(Closing, after_shutdown_the_peer_may_go_on_rfc9293_3_6_half_close) {
    accept_connection();
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({});
    peer.sends({.length = 1000});
    peer.sends({.length = 1000});
    stack.sends({.seq = 2, .ack = 2001});
    app.reads(2000);
    state_is(State::fin_wait_2);
    peer.sends({.fin = true});
    stack.sends({.ack = 2002});
    app.reads_end();
    state_is(State::time_wait);
}

TEST_F(Closing, data_is_taken_in_fin_wait_1_rfc9293_3_10_7_4_seventh) {
    accept_connection();
    app.shuts_down();
    stack.loses({.fin = true});
    peer.sends({.length = 100, .ack = 1});
    app.reads(100);
    advance(config.delayed_ack);
    stack.sends({.seq = 2, .ack = 101});
    state_is(State::fin_wait_1);
}

TEST_F(Closing, after_the_peers_fin_we_may_go_on_rfc9293_3_6_half_close) {
    accept_connection();
    peer.sends({.fin = true});
    stack.sends({});
    app.sends(2920);
    stack.sends_run(2, 1460);
    peer.sends({});
    state_is(State::close_wait);
}

TEST_F(Closing, sending_after_shutdown_is_a_broken_pipe_posix) {
    accept_connection();
    app.shuts_down();
    stack.sends({.fin = true});
    app.send_fails(std::errc::broken_pipe);
}

TEST_F(Closing, what_came_before_the_fin_can_be_read_after_it_rfc9293_3_10_3) {
    accept_connection();
    peer.sends({.length = 500, .fin = true});
    stack.sends({.ack = 502});
    app.is_readable();
    app.reads(500);
    app.is_readable();
    app.reads_end();
    app.reads_end();
}

TEST_F(Closing, a_lost_last_ack_is_repeated_rfc9293_3_10_7_4_eighth) {
    reach(State::time_wait);
    peer.sends({.seq = 1, .fin = true});
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::time_wait);
}

TEST_F(Closing, fin_wait_2_without_a_socket_ends_some_day) {
    accept_connection();
    app.closes();
    stack.sends({.fin = true});
    peer.sends({});
    state_is(State::fin_wait_2);
    advance(config.fin_wait_2 - seconds(1));
    state_is(State::fin_wait_2);
    advance(seconds(1));
    state_is(State::closed);
    stack.sends_nothing();
}

TEST_F(Closing, fin_wait_2_with_a_socket_waits_for_ever_rfc9293_3_6) {
    accept_connection();
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({});
    advance(minutes(60));
    state_is(State::fin_wait_2);
}

TEST_F(Closing, closing_in_syn_received_sends_a_fin_rfc9293_3_10_4) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .no_ack = true});
    stack.sends({.syn = true});
    state_is(State::syn_received);
    app.closes();
    script.heard().clear();  // now or once the SYN is acknowledged: the RFC leaves it open
    peer.sends({.ack = 1});
    script.heard().clear();
    state_is(State::fin_wait_1);
}

TEST_F(Closing, the_socket_may_be_closed_while_data_waits_rfc9293_3_10_4) {
    accept_connection();
    app.sends(100'000);
    stack.sends_run(10, 1460);
    app.closes();
    std::uint32_t received = 14'601;
    bool fin = false;
    while (!fin && script.goes_on()) {
        peer.sends({.ack = received});
        while (script.goes_on() && !script.heard().empty()) {
            const Heard heard = stack.sends_something();
            received += static_cast<std::uint32_t>(heard.payload.size());
            fin = heard.header.flags.fin;
        }
    }
    EXPECT_EQ(received, 100'001U);
    peer.sends({.ack = received + 1});
    state_is(State::fin_wait_2);
}

}  // namespace
}  // namespace berth::harness
