// The retransmission timer (RFC 6298, RFC 9293 §3.8.1 and §3.8.3).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class Retransmission : public ScriptTest {
  protected:
    // The script's round trips take no time, so the timeout is its minimum.
    void SetUp() override { config.rto_min = seconds(1); }
};

TEST_F(Retransmission, unacknowledged_data_goes_again_rfc6298_5_4) {
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    advance(seconds(1) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 1, .length = 1000});
    peer.sends({});
    advance(seconds(300));
    stack.sends_nothing();
}

TEST_F(Retransmission, the_timeout_doubles_rfc6298_5_5) {
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    for (const int wait : {1, 2, 4, 8, 16}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.seq = 1, .length = 1000});
    }
}

TEST_F(Retransmission, the_timeout_has_a_maximum_rfc6298_2_5) {
    config.rto_max = seconds(60);
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.seq = 1, .length = 1000});
    }
}

TEST_F(Retransmission, an_ack_starts_the_timer_anew_rfc6298_5_3) {
    accept_connection();
    app.sends(2920);
    stack.loses({.length = 1460});
    stack.loses({.length = 1460});
    advance(milliseconds(900));
    peer.sends({.ack = 1461});
    advance(milliseconds(999));
    stack.sends_nothing();
    // The ack took 0.9 s: SRTT 0.9 s or more, so the timeout is beyond a second now.
    stack.sends_within(seconds(5), {.seq = 1461, .length = 1460});
}

TEST_F(Retransmission, when_all_is_acknowledged_the_timer_is_off_rfc6298_5_2) {
    accept_connection();
    app.sends(1000);
    stack.sends({.length = 1000});
    peer.sends({});
    advance(seconds(300));
    stack.sends_nothing();
    EXPECT_TRUE(script.core().next_deadline().is_never());
}

TEST_F(Retransmission, a_measured_round_trip_sets_the_timeout_rfc6298_2_2) {
    accept_connection();
    app.sends(1000);
    stack.sends({.length = 1000});
    advance(seconds(1) - milliseconds(200));  // R = 0.8 s
    peer.sends({});
    // The handshake gave a sample of zero or none at all, so this one is blended in or counts
    // fully; in both cases the timeout is more than R and less than R + 4 R/2 + what doubles it.
    app.sends(1000);
    stack.loses({.length = 1000});
    advance(milliseconds(800));
    stack.sends_nothing();
    stack.sends_within(milliseconds(1700), {.seq = 1001, .length = 1000});
}

TEST_F(Retransmission, a_retransmitted_segment_gives_no_sample_rfc6298_3_karn) {
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1000});
    // Were the ack, 0.9 s later, taken for a sample of 1.9 s, the next timeout would be 5.7 s.
    // Without a sample the backed-off one stands (Karn).
    advance(milliseconds(900));
    peer.sends({});
    app.sends(10);
    stack.loses({.length = 10});
    stack.sends_within(seconds(2), {.seq = 1001, .length = 10});
}

TEST_F(Retransmission, the_minimum_is_200_ms_unless_configured) {
    config.rto_min = tcp::Config{}.rto_min;
    ASSERT_EQ(config.rto_min, milliseconds(200));
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends({});
    app.sends(100);
    stack.loses({.length = 100});
    advance(milliseconds(199));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 101, .length = 100});
}

TEST_F(Retransmission, after_a_lost_syn_the_data_begins_with_three_seconds_rfc6298_5_7) {
    app.connects();
    stack.loses({.syn = true});
    advance(seconds(1));
    stack.sends({.syn = true});
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({});
    app.sends(100);
    stack.loses({.length = 100});
    advance(seconds(3) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 1, .length = 100});
}

TEST_F(Retransmission, what_was_lost_behind_goes_as_acks_come_in_rfc5681_3_1) {
    accept_connection();
    app.sends(5840);
    for (int i = 0; i < 4; ++i)
        stack.loses({.length = 1460});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1460});  // one segment: the loss window
    stack.sends_nothing();
    peer.sends({.ack = 1461});
    stack.sends({.seq = 1461, .length = 1460});
    stack.sends({.seq = 2921, .length = 1460});
    stack.sends_nothing();
    peer.sends({.ack = 4381});
    stack.sends({.seq = 4381, .length = 1460});
    peer.sends({.ack = 5841});
    EXPECT_FALSE(app.socket().has_unacknowledged());
}

TEST_F(Retransmission, what_arrived_after_all_is_not_sent_again_rfc9293_3_8_1) {
    accept_connection();
    app.sends(5840);
    stack.sends_run(4, 1460);
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1460});
    peer.sends({.ack = 5841});  // everything had arrived; only the acks were lost
    stack.sends_nothing();
    app.sends(10);
    stack.sends({.seq = 5841, .length = 10});
}

TEST_F(Retransmission, a_fin_is_retransmitted_rfc9293_3_10_4) {
    accept_connection();
    app.shuts_down();
    stack.loses({.fin = true});
    advance(seconds(1));
    stack.loses({.seq = 1, .fin = true});
    advance(seconds(2));
    stack.sends({.seq = 1, .fin = true});
    peer.sends({});
    state_is(State::fin_wait_2);
}

TEST_F(Retransmission, data_and_fin_go_again_together_rfc9293_3_10_4) {
    accept_connection();
    app.sends(100);
    stack.loses({.length = 100});
    app.shuts_down();
    stack.loses({.seq = 101, .fin = true});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 100, .fin = true});
    peer.sends({});
    state_is(State::fin_wait_2);
}

TEST_F(Retransmission, a_retransmission_carries_the_current_ack_rfc9293_3_8) {
    accept_connection();
    app.sends(100);
    stack.loses({.length = 100});
    peer.sends({.length = 500, .ack = 1});
    advance(config.delayed_ack);
    stack.sends({.seq = 101, .ack = 501});
    advance(seconds(1) - config.delayed_ack);
    stack.sends({.seq = 1, .length = 100, .ack = 501});
}

TEST_F(Retransmission, the_connection_ends_after_the_retries_rfc9293_3_8_3_must_20) {
    config.data_retries = 3;
    accept_connection();
    app.sends(100);
    stack.loses({.length = 100});
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 100});
    }
    advance(seconds(8));
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
}

TEST_F(Retransmission, an_answer_gives_all_retries_back_rfc9293_3_8_3) {
    config.data_retries = 3;
    accept_connection();
    for (std::uint32_t round = 0; round < 3; ++round) {
        app.sends(100);
        stack.loses({.length = 100});
        for (int timeout = 0; timeout < 3; ++timeout)
            stack.sends_within(config.rto_max, {.seq = 1 + 100 * round, .length = 100});
        peer.sends({.ack = 101 + 100 * round});
    }
    state_is(State::established);
}

}  // namespace
}  // namespace berth::harness
