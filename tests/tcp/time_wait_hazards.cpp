// What may go wrong in TIME-WAIT (RFC 1337), and how much an onlooker can make us say there (RFC
// 5961 §10).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class TimeWaitHazards : public ScriptTest {
  protected:
    // Ten bytes have come before both sides closed.
    void wait(bool timestamps = false) {
        Segment syn{.mss = 1460};
        if (timestamps) syn.ts = Timestamps{1000, 0};
        accept_connection(syn);
        peer.sends({.length = 10});
        advance(config.delayed_ack);
        stack.sends({.ack = 11});
        app.reads(10);
        app.shuts_down();
        stack.sends({.fin = true});
        Segment fin{.fin = true};
        if (timestamps) fin.ts = Timestamps{2000, 0};
        peer.sends(fin);
        stack.sends({.seq = 2, .ack = 12});
        state_is(State::time_wait);
    }
    std::uint64_t suppressed() {
        return script.core().tcp().counters()[tcp::Count::challenge_acks_suppressed];
    }
};

// Hazard 1: old data is accepted by the next incarnation. 2 MSL and RFC 6191's conditions keep the
// next one away from it; here it is answered and thrown away.
TEST_F(TimeWaitHazards, old_data_is_answered_and_not_taken_rfc1337_2_h1) {
    wait();
    peer.sends({.seq = 1, .length = 10});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.seq = 2, .ack = 12});
    state_is(State::time_wait);
}

// Hazards 2 and 3 begin with the assassination: old data is answered, the other side has forgotten
// the connection and resets it.
TEST_F(TimeWaitHazards, the_reset_that_answers_our_ack_ends_nothing_rfc1337_3_fix_1) {
    wait();
    peer.sends({.seq = 1, .length = 10});
    stack.sends({.seq = 2, .ack = 12});
    peer.sends({.seq = 12, .rst = true, .no_ack = true});
    dropped(DropReason::tcp_time_wait);
    stack.sends_nothing();
    state_is(State::time_wait);
    advance(2 * config.msl);
    state_is(State::closed);
}

TEST_F(TimeWaitHazards, without_the_fix_the_exact_reset_ends_it_rfc9293_3_10_7_4_second) {
    config.rfc1337 = false;
    wait();
    peer.sends({.seq = 12, .rst = true, .no_ack = true});
    consumed();
    stack.sends_nothing();
    state_is(State::closed);
    advance(2 * config.msl);
    stack.sends_nothing();
}

TEST_F(TimeWaitHazards, without_the_fix_another_reset_is_challenged_rfc5961_3_2) {
    config.rfc1337 = false;
    wait();
    peer.sends({.seq = 13, .rst = true, .no_ack = true});
    dropped(DropReason::tcp_reset_not_exact);
    stack.sends({.seq = 2, .ack = 12});
    state_is(State::time_wait);
    advance(config.challenge_interval);
    peer.sends({.seq = 0x4000'0000, .rst = true, .no_ack = true});
    dropped(DropReason::tcp_reset_not_exact);
    stack.sends_nothing();
    state_is(State::time_wait);
}

TEST_F(TimeWaitHazards, an_old_fin_does_not_pass_for_the_last_one_rfc7323_5_3) {
    wait(true);
    advance(config.msl);
    peer.sends({.seq = 11, .fin = true, .ts = Timestamps{1999, 0}});
    dropped(DropReason::tcp_paws);
    stack.sends({.seq = 2, .ack = 12});
    advance(config.msl);
    state_is(State::closed);  // it has not begun to wait anew
}

TEST_F(TimeWaitHazards, the_last_fin_with_a_later_timestamp_does_rfc9293_3_10_7_4_eighth) {
    wait(true);
    advance(config.msl);
    peer.sends({.seq = 11, .fin = true, .ts = Timestamps{2600, 0}});
    consumed();
    EXPECT_EQ(stack.sends({.seq = 2, .ack = 12}).header.options.timestamps->echo, 2600U);
    advance(2 * config.msl - milliseconds(1));
    state_is(State::time_wait);
    // RFC 6191 §2 compares with the last timestamp seen.
    peer.sends({.seq = 100'000, .syn = true, .no_ack = true, .ts = Timestamps{2599, 0}});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.seq = 2, .ack = 12});
}

TEST_F(TimeWaitHazards, a_segment_without_the_agreed_timestamp_is_dropped_rfc7323_3_2) {
    wait(true);
    peer.sends({.seq = 11, .fin = true, .no_ts = true});
    dropped(DropReason::tcp_missing_timestamp);
    stack.sends_nothing();
    state_is(State::time_wait);
}

TEST_F(TimeWaitHazards, a_reset_needs_no_timestamp_rfc7323_3_2) {
    config.rfc1337 = false;
    wait(true);
    peer.sends({.seq = 12, .rst = true, .no_ack = true});
    state_is(State::closed);
}

TEST_F(TimeWaitHazards, a_fin_that_acknowledges_what_was_never_sent_begins_nothing_rfc5961_5_2) {
    wait();
    advance(config.msl);
    peer.sends({.seq = 11, .ack = 3, .fin = true});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.seq = 2, .ack = 12});
    advance(config.msl);
    state_is(State::closed);
}

TEST_F(TimeWaitHazards, one_record_answers_so_often_and_no_more_rfc5961_10) {
    wait();
    peer.sends({.seq = 1, .length = 10});
    stack.sends({.seq = 2, .ack = 12});
    peer.sends({.seq = 1, .length = 10});
    stack.sends_nothing();
    EXPECT_EQ(suppressed(), 1U);
    advance(config.challenge_interval - milliseconds(1));
    peer.sends({.seq = 0x1000'0000});
    stack.sends_nothing();
    advance(milliseconds(1));
    peer.sends({.seq = 0x1000'0000});
    stack.sends({.seq = 2, .ack = 12});
}

TEST_F(TimeWaitHazards, the_repeated_fin_is_always_answered_rfc9293_3_10_7_4_fifth) {
    wait();
    for (int i = 0; i < 5; ++i) {
        peer.sends({.seq = 11, .fin = true});
        consumed();
        stack.sends({.seq = 2, .ack = 12});
    }
    EXPECT_EQ(suppressed(), 0U);
}

TEST_F(TimeWaitHazards, all_records_together_keep_to_the_stacks_rate_rfc5961_10) {
    config.challenge_acks_per_second = 1;  // half of it, and a random part of the rest
    config.challenge_interval = {};
    wait();
    for (int i = 0; i < 5; ++i)
        peer.sends({.seq = 1, .length = 10});
    const std::size_t answers = script.heard().size();
    EXPECT_LE(answers, 1U);
    EXPECT_EQ(suppressed(), 5 - answers);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
