// The user opens a connection (RFC 9293 §3.10.1, §3.10.7.3).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class ActiveOpen : public ScriptTest {};

TEST_F(ActiveOpen, connect_sends_a_syn_rfc9293_3_10_1) {
    app.connects();
    stack.sends({.syn = true});
    state_is(State::syn_sent);
    app.is_writable(false);
}

TEST_F(ActiveOpen, syn_ack_is_acknowledged_and_establishes_rfc9293_3_10_7_3) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .mss = 1460});
    delivered();
    stack.sends({.seq = 1, .ack = 1});
    state_is(State::established);
    app.is_writable();
    app.error_is({});
}

TEST_F(ActiveOpen, second_connect_says_in_progress_then_connected_posix) {
    app.connects();
    stack.sends({.syn = true});
    EXPECT_EQ(app.socket().connect(peer.endpoint), std::errc::connection_already_in_progress);
    peer.sends({.syn = true});
    stack.sends({});
    // As on Linux the first call hands out the success, the next says that there is nothing to do.
    EXPECT_EQ(app.socket().connect(peer.endpoint), std::errc{});
    EXPECT_EQ(app.socket().connect(peer.endpoint), std::errc::already_connected);
}

TEST_F(ActiveOpen, syn_is_retransmitted_after_1_2_4_seconds_rfc6298_2_1_and_5_5) {
    app.connects();
    stack.loses({.syn = true});
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.syn = true});
    }
    state_is(State::syn_sent);
}

TEST_F(ActiveOpen, attempt_ends_with_timed_out_after_the_retries_rfc9293_3_8_3_must_20) {
    config.syn_retries = 2;
    app.connects();
    stack.loses({.syn = true});
    advance(seconds(1));
    stack.loses({.syn = true});
    advance(seconds(2));
    stack.loses({.syn = true});
    advance(seconds(4));
    stack.sends_nothing();
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
}

TEST_F(ActiveOpen, ack_of_something_else_is_reset_rfc9293_3_10_7_3_first) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.ack = 2, .syn = true});
    dropped(DropReason::tcp_bad_ack_in_syn_sent);
    stack.sends({.seq = 2, .rst = true});
    state_is(State::syn_sent);
}

TEST_F(ActiveOpen, ack_of_nothing_new_is_reset_rfc9293_3_10_7_3_first) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.ack = 0, .syn = true});
    dropped(DropReason::tcp_bad_ack_in_syn_sent);
    stack.sends({.seq = 0, .rst = true});
    state_is(State::syn_sent);
}

TEST_F(ActiveOpen, bad_ack_on_a_reset_is_not_answered_rfc9293_3_10_7_3_first) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.ack = 2, .rst = true});
    dropped(DropReason::tcp_bad_ack_in_syn_sent);
    stack.sends_nothing();
    state_is(State::syn_sent);
}

TEST_F(ActiveOpen, after_a_refusal_the_socket_may_try_again_linux) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.rst = true});
    EXPECT_EQ(app.socket().connect(peer.endpoint), std::errc::connection_refused);
    EXPECT_EQ(app.socket().connect(peer.endpoint), std::errc::operation_in_progress);
    EXPECT_EQ(app.socket().connect(peer.endpoint), std::errc::connection_already_in_progress);
}

TEST_F(ActiveOpen, reset_that_acknowledges_the_syn_refuses_rfc9293_3_10_7_3_second) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.rst = true});
    state_is(State::closed);
    app.error_is(std::errc::connection_refused);
    stack.sends_nothing();
}

TEST_F(ActiveOpen, reset_without_ack_is_ignored_rfc9293_3_10_7_3_second) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.rst = true, .no_ack = true});
    dropped(DropReason::tcp_bad_ack_in_syn_sent);
    state_is(State::syn_sent);
}

TEST_F(ActiveOpen, segment_without_syn_or_rst_is_dropped_rfc9293_3_10_7_3_fifth) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.seq = 1, .length = 10});
    dropped(DropReason::tcp_useless_in_syn_sent);
    stack.sends_nothing();
    state_is(State::syn_sent);
}

TEST_F(ActiveOpen, data_on_the_syn_ack_is_taken_rfc9293_3_10_7_3_fourth) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.length = 10, .syn = true});
    stack.sends({.ack = 11});
    app.reads(10);
}

TEST_F(ActiveOpen, fin_on_the_syn_ack_leads_to_close_wait_rfc9293_3_10_7_3_fourth) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .fin = true});
    stack.sends({.ack = 2});
    state_is(State::close_wait);
    app.reads_end();
}

TEST_F(ActiveOpen, close_in_syn_sent_deletes_the_connection_rfc9293_3_10_4) {
    app.connects();
    stack.sends({.syn = true});
    app.closes();
    state_is(State::closed);
    advance(seconds(10));
    stack.sends_nothing();
}

TEST_F(ActiveOpen, abort_in_syn_sent_sends_no_reset_rfc9293_3_10_5) {
    app.connects();
    stack.sends({.syn = true});
    app.aborts();
    stack.sends_nothing();
    state_is(State::closed);
}

TEST_F(ActiveOpen, data_cannot_be_sent_before_established_posix) {
    app.connects();
    stack.sends({.syn = true});
    EXPECT_EQ(app.sends_some(10), 0U);
    stack.sends_nothing();
    peer.sends({.syn = true});
    stack.sends({});
    app.sends(10);
    stack.sends({.length = 10});
}

TEST_F(ActiveOpen, sequence_numbers_wrap_around_rfc9293_3_4) {
    peer.isn = 0xffff'fffe;
    open_connection();
    peer.sends({.length = 1000});
    peer.sends({.length = 1000});
    stack.sends({.ack = 2001});
    app.reads(2000);
}

}  // namespace
}  // namespace berth::harness
