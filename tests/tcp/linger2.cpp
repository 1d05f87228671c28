// Connections without a user: FIN-WAIT-2 (TCP_LINGER2, tcp_fin_timeout), and how many there may be.
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class Orphans : public SendingTest {
  protected:
    void choose(std::int32_t linger2_s) {
        accept_connection();
        chooses([&](tcp::Options& options) { options.linger2_s = linger2_s; });
    }
    void close_and_hear_the_ack() {
        app.closes();
        stack.sends({.fin = true});
        peer.sends({});
    }
};

TEST_F(Orphans, fin_wait_2_lasts_as_long_as_configured_tcp7) {
    config.fin_wait_2 = seconds(20);
    accept_connection();
    close_and_hear_the_ack();
    advance(seconds(20) - milliseconds(1));
    state_is(State::fin_wait_2);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(Orphans, the_user_may_choose_how_long_tcp7) {
    choose(5);
    close_and_hear_the_ack();
    advance(seconds(5) - milliseconds(1));
    state_is(State::fin_wait_2);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(Orphans, but_not_longer_than_two_minutes_tcp7) {
    choose(100'000);
    close_and_hear_the_ack();
    advance(seconds(120) - milliseconds(1));
    state_is(State::fin_wait_2);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(Orphans, or_not_at_all_tcp7) {
    choose(-1);
    close_and_hear_the_ack();
    stack.sends({.ack = 1, .rst = true});
    state_is(State::closed);
    EXPECT_EQ(counted(tcp::Count::abort_on_linger), 1U);
}

TEST_F(Orphans, closing_in_fin_wait_2_begins_the_wait_tcp7) {
    choose(5);
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({});
    advance(seconds(3600));
    state_is(State::fin_wait_2);  // the user is still there
    app.closes();
    advance(seconds(5) - milliseconds(1));
    state_is(State::fin_wait_2);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(Orphans, closing_in_fin_wait_2_may_end_it_at_once_tcp7) {
    choose(-1);
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({});
    state_is(State::fin_wait_2);
    app.closes();
    stack.sends({.ack = 1, .rst = true});
    state_is(State::closed);
}

TEST_F(Orphans, beyond_the_bound_closing_resets_linux_tcp_max_orphans) {
    config.max_orphans = 0;
    accept_connection();
    app.closes();
    stack.sends({.ack = 1, .rst = true});
    state_is(State::closed);
    EXPECT_EQ(counted(tcp::Count::abort_on_memory), 1U);
}

TEST_F(Orphans, closing_with_unread_data_is_counted_rfc2525_2_17) {
    accept_connection();
    peer.sends({.length = 10});
    app.closes();
    stack.sends({.ack = 11, .rst = true});
    EXPECT_EQ(counted(tcp::Count::abort_on_close), 1U);
    EXPECT_EQ(counted(tcp::Count::abort_on_data), 0U);
}

TEST_F(Orphans, lingering_for_zero_seconds_is_counted_as_linux_does) {
    accept_connection();
    app.aborts();
    stack.sends({.ack = 1, .rst = true});
    EXPECT_EQ(counted(tcp::Count::abort_on_data), 1U);
    EXPECT_EQ(counted(tcp::Count::estab_resets), 1U);
}

TEST_F(Orphans, data_after_the_close_is_counted_rfc1122_4_2_2_13) {
    accept_connection();
    app.closes();
    stack.sends({.fin = true});
    peer.sends({.length = 10});
    stack.sends({.ack = 1, .rst = true});
    EXPECT_EQ(counted(tcp::Count::abort_on_data), 1U);
    EXPECT_EQ(counted(tcp::Count::estab_resets), 0U);  // it was in FIN-WAIT-1
}

}  // namespace
}  // namespace berth::harness
