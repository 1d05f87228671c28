// Fast retransmit and fast recovery (RFC 5681 §3.2, RFC 6582).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

constexpr std::size_t mss = 1000;

class FastRetransmit : public ScriptTest {
  protected:
    void SetUp() override {
        config.rto_min = seconds(1);
        accept_connection({.mss = 1000});
        app.sends(100'000);
        // Ten in flight; the first is lost.
        stack.loses({.length = mss});
        for (int i = 0; i < 9; ++i)
            stack.sends({.length = mss});
    }
    void duplicate_acks(int count) {
        for (int i = 0; i < count; ++i)
            peer.sends({.ack = 1});
    }
};

TEST_F(FastRetransmit, two_duplicates_are_not_enough_rfc5681_3_2) {
    duplicate_acks(2);
    stack.sends_nothing();
}

TEST_F(FastRetransmit, the_third_duplicate_sends_the_missing_segment_rfc5681_3_2_step_2) {
    duplicate_acks(3);
    stack.sends({.seq = 1, .length = mss});
    stack.sends_nothing();
}

TEST_F(FastRetransmit, an_ack_with_data_is_no_duplicate_rfc5681_2) {
    for (std::uint32_t i = 0; i < 4; ++i) {
        peer.sends({.length = 10, .ack = 1});
        while (script.goes_on() && !script.heard().empty())
            EXPECT_EQ(stack.sends_something().payload.size(), 0U);
    }
    app.reads(40);
}

TEST_F(FastRetransmit, an_ack_that_changes_the_window_is_no_duplicate_rfc5681_2) {
    for (std::uint16_t i = 1; i <= 4; ++i)
        peer.sends({.ack = 1, .win = static_cast<std::uint16_t>(60000 + i)});
    stack.sends_nothing();
}

TEST_F(FastRetransmit, an_ack_between_begins_the_count_again_rfc5681_3_2) {
    duplicate_acks(2);
    peer.sends({.ack = 1001});
    script.heard().clear();  // new data in slow start
    for (int i = 0; i < 2; ++i)
        peer.sends({.ack = 1001});
    stack.sends_nothing();
}

TEST_F(FastRetransmit, further_duplicates_let_new_data_go_rfc5681_3_2_step_4) {
    duplicate_acks(3);
    stack.sends({.seq = 1, .length = mss});
    // ssthresh 5, cwnd 8; ten in flight: the third of these opens the eleventh.
    duplicate_acks(2);
    stack.sends_nothing();
    duplicate_acks(1);
    stack.sends({.seq = 10'001, .length = mss});
    duplicate_acks(1);
    stack.sends({.seq = 11'001, .length = mss});
}

TEST_F(FastRetransmit, a_full_ack_ends_recovery_with_half_the_window_rfc6582_3_2_step_3) {
    duplicate_acks(3);
    stack.sends({.seq = 1, .length = mss});
    peer.sends({.ack = 10'001});
    // cwnd = min(ssthresh, max(FlightSize, SMSS) + SMSS): nothing is in flight, so two segments.
    stack.sends_run(2, mss);
    stack.sends_nothing();
}

TEST_F(FastRetransmit, a_partial_ack_sends_the_next_hole_rfc6582_3_2_step_3) {
    duplicate_acks(3);
    stack.sends({.seq = 1, .length = mss});
    peer.sends({.ack = 4001});  // the fifth segment was lost as well
    stack.sends({.seq = 4001, .length = mss});
    script.heard().clear();
    peer.sends({.ack = 7001});
    stack.sends({.seq = 7001, .length = mss});
    script.heard().clear();
}

TEST_F(FastRetransmit, old_duplicates_after_a_timeout_mean_nothing_rfc6582_3_2_step_2) {
    advance(seconds(1));
    stack.sends({.seq = 1, .length = mss});
    duplicate_acks(5);
    stack.sends_nothing();
}

TEST_F(FastRetransmit, a_lost_retransmission_is_repeated_by_the_timer_rfc6582_3_2) {
    duplicate_acks(3);
    stack.loses({.seq = 1, .length = mss});
    stack.sends_within(seconds(2), {.seq = 1, .length = mss});
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
