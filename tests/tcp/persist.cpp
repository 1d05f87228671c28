// A window that stays closed, and one that shrinks (RFC 9293 §3.8.6, §3.8.6.1; RFC 6429).
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class Persist : public SendingTest {
  protected:
    void SetUp() override { config.rto_min = seconds(1); }
    // The peer closes its window, and there is something to say.
    void close_window(std::size_t bytes = 1000) {
        accept_connection();
        peer.sends({.win = 0});
        writes(bytes);
        stack.sends_nothing();
    }
    void answered_probe(Duration wait, Where where = {}) {
        advance(wait - milliseconds(1), where);
        stack.sends_nothing(where);
        advance(milliseconds(1), where);
        stack.sends({.seq = 1, .length = 1}, where);
        peer.sends({.ack = 1, .win = 0}, where);
    }
};

TEST_F(Persist, the_first_probe_goes_after_one_timeout_rfc9293_3_8_6_1_shld_29) {
    close_window();
    advance(seconds(1) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 1, .length = 1});
    EXPECT_EQ(counted(tcp::Count::win_probe), 1U);
    EXPECT_EQ(counted(tcp::Count::timeouts), 0U);
}

TEST_F(Persist, the_interval_doubles_up_to_the_largest_timeout_rfc9293_3_8_6_1_shld_30) {
    config.rto_max = seconds(10);
    close_window();
    for (const int wait : {1, 2, 4, 8, 10, 10, 10})
        answered_probe(seconds(wait));
}

TEST_F(Persist, it_lasts_as_long_as_the_peer_answers_rfc9293_3_8_6_1_must_37) {
    config.rto_max = seconds(2);
    config.data_retries = 2;
    close_window();
    answered_probe(seconds(1));
    for (int probe = 0; probe < 500; ++probe)
        answered_probe(seconds(2));
    state_is(State::established);
    EXPECT_EQ(counted(tcp::Count::win_probe), 501U);
}

TEST_F(Persist, nobody_answering_ends_it_rfc9293_3_8_3_must_20) {
    config.data_retries = 2;
    close_window();
    for (const int wait : {1, 2}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1});
    }
    advance(seconds(4));
    stack.sends({.seq = 2, .ack = 1, .rst = true});
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
}

TEST_F(Persist, the_user_may_abort_rfc6429) {
    close_window();
    answered_probe(seconds(1));
    app.aborts();
    stack.sends({.seq = 2, .ack = 1, .rst = true});
    state_is(State::closed);
}

TEST_F(Persist, without_a_user_it_ends_though_the_peer_answers_rfc6429) {
    config.orphan_retries = 3;
    close_window();
    app.closes();
    for (const int wait : {1, 2, 4})
        answered_probe(seconds(wait));
    advance(seconds(8));
    stack.sends({.seq = 2, .ack = 1, .rst = true});
    state_is(State::closed);
    EXPECT_EQ(script.core().tcp().connection_count(), 0U);
}

TEST_F(Persist, without_a_user_an_open_window_is_still_served_rfc6429) {
    config.orphan_retries = 3;
    close_window();
    app.closes();
    answered_probe(seconds(1));
    answered_probe(seconds(2));
    peer.sends({.ack = 1});
    stack.sends({.seq = 1, .length = 1000});
    stack.sends({.fin = true});
    peer.sends({});
    state_is(State::fin_wait_2);
}

TEST_F(Persist, a_window_that_shrinks_to_nothing_is_probed_rfc9293_3_8_6_must_35) {
    accept_connection();
    writes(2920);
    stack.loses({.length = 1460});
    stack.loses({.length = 1460});
    peer.sends({.ack = 1, .win = 0});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1});
    peer.sends({.ack = 2, .win = 0});
    advance(seconds(2));
    stack.sends({.seq = 2, .length = 1});
    state_is(State::established);
}

TEST_F(Persist, what_the_shrunk_window_still_allows_goes_again_rfc9293_3_8_6_shld_15_shld_16) {
    accept_connection();
    writes(2920);
    stack.loses({.length = 1460});
    stack.loses({.length = 1460});
    peer.sends({.ack = 1, .win = 1000});
    writes(500);
    stack.sends_nothing();
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1000});
    peer.sends({.ack = 1001, .win = 1000});
    const Heard next = stack.sends_something();
    EXPECT_EQ(next.header.seq - peer.stack_isn(), 1001U);
    EXPECT_LE(next.payload.size(), 1000U);
}

TEST_F(Persist, what_lies_beyond_the_shrunk_edge_does_not_end_it_rfc9293_3_8_6_shld_17) {
    config.data_retries = 2;
    accept_connection();
    writes(2920);
    stack.loses({.length = 1460});
    stack.loses({.length = 1460});
    peer.sends({.ack = 1461, .win = 0});
    for (int probe = 0; probe < 10; ++probe) {
        stack.sends_within(seconds(121), {.seq = 1461, .length = 1});
        peer.sends({.ack = 1461, .win = 0});
    }
    state_is(State::established);
}

}  // namespace
}  // namespace berth::harness
