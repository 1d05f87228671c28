// R1 and R2 (RFC 9293 §3.8.3).
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class RetryLimits : public SendingTest {
  protected:
    // Everything is lost until the connection ends; how long after its first loss.
    Duration patience() {
        const Time first = script.now();
        while (script.goes_on() && script.core().tcp().connection_count() > 0) {
            advance(milliseconds(100));
            script.heard().clear();
        }
        return script.now() - first;
    }
};

TEST_F(RetryLimits, a_syn_is_given_three_minutes_rfc9293_3_8_3_must_23) {
    app.connects();
    stack.loses({.syn = true});
    for (const int wait : {1, 2, 4, 8, 16, 32, 64}) {
        advance(seconds(wait));
        stack.loses({.syn = true});
    }
    at(seconds(180));
    state_is(State::syn_sent);
    at(seconds(127) + config.rto_max - milliseconds(1));
    state_is(State::syn_sent);
    advance(milliseconds(1));
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
    EXPECT_EQ(counted(tcp::Count::syn_retrans), 7U);
    EXPECT_EQ(counted(tcp::Count::attempt_fails), 1U);
    EXPECT_EQ(counted(tcp::Count::abort_on_timeout), 1U);
}

TEST_F(RetryLimits, the_user_may_choose_how_often_a_syn_goes_again_tcp7) {
    app.connects();
    stack.loses({.syn = true});
    chooses([](tcp::Options& options) { options.syn_count = 1; });
    advance(seconds(1));
    stack.loses({.syn = true});
    advance(seconds(2));
    state_is(State::closed);
}

TEST_F(RetryLimits, data_is_given_a_hundred_seconds_and_more_rfc9293_3_8_3_shld_11) {
    accept_connection();
    writes(100);
    stack.loses({.length = 100});
    const Duration waited = patience();
    EXPECT_GE(waited, seconds(100));
    EXPECT_EQ(counted(tcp::Count::timeouts), 16U);  // the last one ends it
    EXPECT_EQ(counted(tcp::Count::retrans_segs), 15U);
    EXPECT_EQ(counted(tcp::Count::estab_resets), 1U);
}

TEST_F(RetryLimits, at_r1_the_user_hears_of_it_and_all_goes_on_rfc9293_3_8_3_shld_9_shld_10) {
    config.rto_min = seconds(1);
    accept_connection();
    writes(100);
    stack.loses({.length = 100});
    for (const int wait : {1, 2}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 100});
    }
    app.error_is({});
    advance(seconds(4));
    stack.sends({.seq = 1, .length = 100});
    state_is(State::established);
    app.error_is(std::errc::timed_out);
    peer.sends({});
    app.error_is({});
    writes(10);
    stack.sends({.length = 10});
}

TEST_F(RetryLimits, an_answer_takes_the_warning_back_rfc9293_3_8_3_shld_9) {
    config.rto_min = seconds(1);
    accept_connection();
    writes(100);
    stack.loses({.length = 100});
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait));
        stack.sends({.seq = 1, .length = 100});
    }
    peer.sends({});
    app.error_is({});
}

TEST_F(RetryLimits, nobodys_connection_is_given_less_rfc9293_3_8_3) {
    config.rto_min = seconds(1);
    config.orphan_retries = 2;
    accept_connection();
    app.closes();
    stack.loses({.fin = true});
    for (const int wait : {1, 2}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .fin = true});
    }
    advance(seconds(4) - milliseconds(1));
    state_is(State::fin_wait_1);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(RetryLimits, timeouts_are_told_apart_from_what_follows_rfc4022) {
    config.rto_min = seconds(1);
    accept_connection();
    writes(5840);
    for (int i = 0; i < 4; ++i)
        stack.loses({.length = 1460});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1460});
    peer.sends({.ack = 1461});
    stack.sends({.seq = 1461, .length = 1460});
    stack.sends({.seq = 2921, .length = 1460});
    EXPECT_EQ(counted(tcp::Count::timeouts), 1U);
    EXPECT_EQ(counted(tcp::Count::orig_data_sent), 4U);
    EXPECT_EQ(counted(tcp::Count::slow_start_retrans), 1U);  // the one behind the oldest
    EXPECT_EQ(counted(tcp::Count::fast_retrans), 0U);
}

TEST_F(RetryLimits, a_fast_recovery_is_counted_as_one_rfc5681_3_2) {
    accept_connection();
    writes(7300);
    stack.loses({.length = 1460});
    stack.sends_run(4, 1460);
    for (int i = 0; i < 3; ++i)
        peer.sends({.ack = 1});
    stack.sends({.seq = 1, .length = 1460});
    EXPECT_EQ(counted(tcp::Count::reno_recovery), 1U);
    EXPECT_EQ(counted(tcp::Count::fast_retrans), 1U);
    EXPECT_EQ(counted(tcp::Count::timeouts), 0U);
}

}  // namespace
}  // namespace berth::harness
