// Keep-alives (RFC 9293 §3.8.4).
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class KeepAlive : public SendingTest {
  protected:
    void SetUp() override { config.rto_min = seconds(1); }
    void turn_on(std::uint16_t idle_s = 0, std::uint16_t interval_s = 0, std::uint8_t count = 0) {
        chooses([&](tcp::Options& options) {
            options.keep_alive = true;
            options.keep_idle_s = idle_s;
            options.keep_interval_s = interval_s;
            options.keep_count = count;
        });
    }
};

TEST_F(KeepAlive, it_is_off_by_default_rfc9293_3_8_4_must_25) {
    accept_connection();
    advance(seconds(3 * 24 * 3600));
    stack.sends_nothing();
    EXPECT_TRUE(script.core().next_deadline().is_never());
}

TEST_F(KeepAlive, the_first_goes_after_two_hours_without_data_rfc9293_3_8_4_must_28_shld_12) {
    accept_connection();
    turn_on();
    advance(seconds(7200) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 0});  // SND.NXT-1
    peer.sends({});
    advance(seconds(7200) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 0});
    EXPECT_EQ(counted(tcp::Count::keep_alive), 2U);
}

TEST_F(KeepAlive, it_can_be_switched_on_and_off_for_each_connection_rfc9293_3_8_4_must_24) {
    accept_connection();
    turn_on(10);
    advance(seconds(10));
    stack.sends({.seq = 0});
    peer.sends({});
    chooses([](tcp::Options& options) { options.keep_alive = false; });
    advance(seconds(3600));
    stack.sends_nothing();
}

TEST_F(KeepAlive, the_interval_can_be_chosen_rfc9293_3_8_4_must_27) {
    config.keep_idle = seconds(100);
    config.keep_interval = seconds(7);
    accept_connection();
    turn_on();
    advance(seconds(100));
    stack.loses({.seq = 0});
    advance(seconds(7) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.loses({.seq = 0});
    turn_on(50, 3);  // counted from when the peer was last heard, long ago
    stack.loses({.seq = 0});
    advance(seconds(3));
    stack.loses({.seq = 0});
}

TEST_F(KeepAlive, one_lost_answer_is_no_dead_connection_rfc9293_3_8_4_must_29) {
    accept_connection();
    turn_on(10, 2, 3);
    advance(seconds(10));
    stack.loses({.seq = 0});
    advance(seconds(2));
    stack.loses({.seq = 0});
    advance(seconds(2));
    stack.sends({.seq = 0});
    peer.sends({});
    advance(seconds(10));
    state_is(State::established);
    stack.sends({.seq = 0});
    // And all of the probes are there again.
    advance(seconds(2));
    stack.sends({.seq = 0});
    advance(seconds(2));
    stack.sends({.seq = 0});
    state_is(State::established);
}

TEST_F(KeepAlive, after_the_last_probe_the_connection_ends_rfc9293_3_8_4) {
    accept_connection();
    turn_on();
    advance(seconds(7200));
    stack.loses({.seq = 0});
    for (int probe = 1; probe < 9; ++probe) {
        advance(seconds(75));
        stack.loses({.seq = 0});
    }
    advance(seconds(75));
    stack.sends({.seq = 1, .ack = 1, .rst = true});
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
    EXPECT_EQ(counted(tcp::Count::keep_alive), 9U);
    EXPECT_EQ(counted(tcp::Count::abort_on_timeout), 1U);
}

TEST_F(KeepAlive, data_from_the_peer_starts_the_time_anew_rfc9293_3_8_4_must_26) {
    accept_connection();
    turn_on(10);
    advance(seconds(9));
    peer.sends({.length = 100});
    advance(config.delayed_ack);
    stack.sends({});
    advance(seconds(10) - config.delayed_ack - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 0});
}

TEST_F(KeepAlive, none_goes_while_data_is_outstanding_rfc9293_3_8_4_must_26) {
    accept_connection();
    turn_on(5, 1);
    writes(100);
    stack.loses({.length = 100});
    for (const int wait : {1, 2, 4, 8, 16}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.seq = 1, .length = 100});
    }
    EXPECT_EQ(counted(tcp::Count::keep_alive), 0U);
}

TEST_F(KeepAlive, nor_while_the_window_is_closed_on_data_rfc9293_3_8_4_must_26) {
    accept_connection();
    turn_on(5, 1);
    peer.sends({.win = 0});
    writes(100);
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1});
    }
    EXPECT_EQ(counted(tcp::Count::keep_alive), 0U);
}

TEST_F(KeepAlive, segments_out_of_the_window_do_not_count_as_life_rfc9293_3_8_4_must_26) {
    accept_connection();
    turn_on(10);
    advance(seconds(5));
    peer.sends({.seq = 200'000'000, .length = 10, .ack = 1});
    stack.sends({});
    advance(seconds(5));
    stack.sends({.seq = 0});
}

TEST_F(KeepAlive, the_user_timeout_stands_in_place_of_the_count_rfc5482) {
    accept_connection();
    turn_on(10, 10, 2);
    chooses([](tcp::Options& options) { options.user_timeout = seconds(35); });
    for (int probe = 0; probe < 3; ++probe) {
        advance(seconds(10));
        stack.loses({.seq = 0});
    }
    advance(seconds(10));
    stack.sends({.seq = 1, .ack = 1, .rst = true});
    app.error_is(std::errc::timed_out);
}

TEST_F(KeepAlive, it_goes_on_when_the_peer_has_closed_rfc9293_3_8_4) {
    reach(State::close_wait);
    turn_on(10);
    advance(seconds(10));
    stack.sends({.seq = 0});
}

}  // namespace
}  // namespace berth::harness
