// TCP_USER_TIMEOUT: the user's R2 for one connection (RFC 9293 §3.8.3 MUST-21, RFC 5482 §1).
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class UserTimeout : public SendingTest {
  protected:
    void SetUp() override { config.rto_min = seconds(1); }
    void choose(Duration limit) {
        chooses([&](tcp::Options& options) { options.user_timeout = limit; });
    }
    void lose_again(std::initializer_list<int> waits, std::uint32_t seq = 1) {
        for (const int wait : waits) {
            advance(seconds(wait));
            stack.loses({.seq = seq, .length = 100});
        }
    }
};

TEST_F(UserTimeout, it_ends_the_connection_to_the_millisecond_rfc9293_3_8_3_must_21) {
    accept_connection();
    choose(milliseconds(4500));
    writes(100);
    stack.loses({.length = 100});
    lose_again({1, 2});
    advance(milliseconds(1499));
    state_is(State::established);
    advance(milliseconds(1));
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
    EXPECT_EQ(counted(tcp::Count::abort_on_timeout), 1U);
}

TEST_F(UserTimeout, it_may_be_longer_than_the_count_of_retries_rfc9293_3_8_3_must_21) {
    config.data_retries = 3;
    accept_connection();
    choose(seconds(100));
    writes(100);
    stack.loses({.length = 100});
    lose_again({1, 2, 4, 8, 16, 32});
    state_is(State::established);
    advance(seconds(37) - milliseconds(1));
    state_is(State::established);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(UserTimeout, progress_starts_it_anew_rfc5482_1) {
    accept_connection();
    choose(seconds(5));
    writes(100);
    stack.loses({.length = 100});
    lose_again({1, 2});
    peer.sends({.ack = 101});
    advance(seconds(60));
    writes(100);
    stack.loses({.length = 100});
    advance(milliseconds(4999));
    EXPECT_FALSE(script.heard().empty());
    script.heard().clear();
    state_is(State::established);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(UserTimeout, it_limits_a_closed_window_that_is_acknowledged_as_linux_does) {
    accept_connection();
    choose(seconds(10));
    peer.sends({.win = 0});
    writes(100);
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait));
        stack.sends({.seq = 1, .length = 1});
        peer.sends({.ack = 1, .win = 0});
    }
    advance(seconds(3));
    stack.sends({.seq = 2, .ack = 1, .rst = true});
    app.error_is(std::errc::timed_out);
}

TEST_F(UserTimeout, it_limits_the_attempt_to_connect_rfc9293_3_8_3) {
    app.connects();
    stack.loses({.syn = true});
    choose(milliseconds(2500));
    advance(seconds(1));
    stack.loses({.syn = true});
    advance(milliseconds(1499));
    state_is(State::syn_sent);
    advance(milliseconds(1));
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
}

TEST_F(UserTimeout, silence_without_anything_outstanding_is_none_rfc5482_1) {
    accept_connection();
    choose(seconds(1));
    advance(seconds(3600));
    state_is(State::established);
}

TEST_F(UserTimeout, a_cork_is_not_the_peers_fault) {
    accept_connection();
    choose(milliseconds(50));
    writes(100, {.more = true});
    advance(milliseconds(200));
    stack.sends({.length = 100});
    state_is(State::established);
}

}  // namespace
}  // namespace berth::harness
