// TIME-WAIT (RFC 9293 §3.4.2, §3.6.1; RFC 6191, RFC 1337).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class TimeWait : public ScriptTest {};

TEST_F(TimeWait, it_lasts_two_msl_rfc9293_3_6_must_13) {
    reach(State::time_wait);
    advance(config.msl * 2 - milliseconds(1));
    state_is(State::time_wait);
    advance(milliseconds(1));
    state_is(State::closed);
    stack.sends_nothing();
}

TEST_F(TimeWait, a_repeated_fin_starts_it_anew_rfc9293_3_10_7_4_eighth) {
    reach(State::time_wait);
    advance(config.msl);
    peer.sends({.seq = 1, .fin = true});
    stack.sends({.ack = 2});
    advance(config.msl * 2 - milliseconds(1));
    state_is(State::time_wait);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(TimeWait, a_segment_out_of_the_window_is_acknowledged_rfc9293_3_10_7_4_first) {
    reach(State::time_wait);
    peer.sends({.seq = 1000, .length = 10});
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::time_wait);
}

TEST_F(TimeWait, a_bare_ack_is_not_answered_rfc9293_3_10_7_4) {
    reach(State::time_wait);
    peer.sends({});
    stack.sends_nothing();
}

TEST_F(TimeWait, a_later_syn_opens_the_four_tuple_anew_rfc9293_3_6_1_may_2) {
    reach(State::time_wait);
    peer.starts_over(peer.isn + 100'000);
    peer.sends({.syn = true, .mss = 1460});
    EXPECT_EQ(script.last_fate().kind, FateKind::delivered);
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    state_is(State::established);
}

TEST_F(TimeWait, the_new_connections_numbers_lie_above_the_old_ones_rfc9293_3_6_1) {
    reach(State::time_wait);
    const std::uint32_t old_isn = peer.stack_isn();
    advance(seconds(1));
    peer.starts_over(peer.isn + 100'000);
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    EXPECT_GT(static_cast<std::int32_t>(peer.stack_isn() - old_isn), 0);
}

TEST_F(TimeWait, a_reset_does_not_end_it_early_rfc1337_3) {
    reach(State::time_wait);
    peer.sends({.rst = true});
    dropped(DropReason::tcp_time_wait);
    stack.sends_nothing();
    state_is(State::time_wait);
}

TEST_F(TimeWait, an_old_syn_is_acknowledged_not_taken_rfc9293_3_10_7_4_fourth) {
    reach(State::time_wait);
    peer.sends({.seq = 0, .syn = true, .no_ack = true});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::time_wait);
}

TEST_F(TimeWait, a_later_timestamp_lets_a_syn_pass_whatever_its_number_rfc6191_2) {
    accept_connection({.mss = 1460, .ts = Timestamps{1000, 0}});
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({.fin = true, .ts = Timestamps{1001, 0}});
    stack.sends({});
    state_is(State::time_wait);
    peer.starts_over(peer.isn - 100'000);
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{2000, 0}});
    stack.sends({.syn = true});
    state_is(State::syn_received);
}

TEST_F(TimeWait,
       without_a_listener_a_later_syn_is_acknowledged_like_anything_else_rfc9293_3_10_7_4) {
    reach(State::time_wait);
    app.closes_listener();
    peer.sends({.seq = 100'000, .syn = true, .no_ack = true});
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::time_wait);
}

TEST_F(TimeWait, the_listener_port_can_be_bound_again_meanwhile_posix_reuseaddr) {
    reach(State::time_wait);
    app.closes_listener();
    auto listener = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(listener->set_option(socket::Option::reuse_address, 1), std::errc{});
    EXPECT_EQ(listener->bind({{}, script.local.port}), std::errc{});
    EXPECT_EQ(listener->listen(1), std::errc{});
}

}  // namespace
}  // namespace berth::harness
