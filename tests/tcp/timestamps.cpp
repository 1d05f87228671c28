// Timestamps at work: what is echoed (RFC 7323 §4.3), PAWS (§5), round trips (§4.1).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class TimestampsOption : public ScriptTest {
  protected:
    void SetUp() override { config.rto_min = seconds(1); }
    // Agreed, the peer's clock at 1000.
    void accept_with_timestamps() { accept_connection({.mss = 1460, .ts = Timestamps{1000, 0}}); }
    static std::uint32_t echo_of(const Heard& heard) {
        return heard.header.options.timestamps ? heard.header.options.timestamps->echo : 0;
    }
};

TEST_F(TimestampsOption, the_latest_in_order_segment_is_echoed_rfc7323_4_3) {
    accept_with_timestamps();
    peer.sends({.length = 10, .ts = Timestamps{2000, 0}});
    advance(config.delayed_ack);
    EXPECT_EQ(echo_of(stack.sends({})), 2000U);
}

TEST_F(TimestampsOption, with_delayed_acks_the_earlier_segment_is_echoed_rfc7323_4_3_a) {
    accept_with_timestamps();
    peer.sends({.length = 1448, .ts = Timestamps{2000, 0}});
    peer.sends({.length = 1448, .ts = Timestamps{2010, 0}});
    EXPECT_EQ(echo_of(stack.sends({})), 2000U);
}

TEST_F(TimestampsOption, a_segment_beyond_a_gap_is_not_echoed_rfc7323_4_3_b) {
    accept_with_timestamps();
    peer.sends({.length = 10, .ts = Timestamps{2000, 0}});
    advance(config.delayed_ack);
    stack.sends({});
    peer.sends({.seq = 111, .length = 10, .ts = Timestamps{3000, 0}});
    EXPECT_EQ(echo_of(stack.sends({.ack = 11})), 2000U);
    peer.sends({.seq = 11, .length = 100, .ts = Timestamps{2500, 0}});
    EXPECT_EQ(echo_of(stack.sends({.ack = 121})), 2500U);
}

TEST_F(TimestampsOption, an_older_timestamp_is_a_segment_from_the_past_rfc7323_5_3_paws) {
    accept_with_timestamps();
    peer.sends({.length = 10, .ts = Timestamps{2000, 0}});
    peer.sends({.length = 10, .ts = Timestamps{1999, 0}});
    dropped(DropReason::tcp_paws);
    stack.sends({.ack = 11});
    app.reads(10);
}

TEST_F(TimestampsOption, an_equal_timestamp_is_fine_rfc7323_5_3) {
    accept_with_timestamps();
    peer.sends({.length = 10, .ts = Timestamps{2000, 0}});
    peer.sends({.length = 10, .ts = Timestamps{2000, 0}});
    delivered();
    stack.sends({.ack = 21});
    app.reads(20);
}

TEST_F(TimestampsOption, the_clock_may_wrap_rfc7323_5_2) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{0xffff'fff0, 0}});
    stack.sends({.syn = true});
    peer.sends({.ts = Timestamps{0xffff'fff8, 0}});
    app.accepts();
    peer.sends({.length = 10, .ts = Timestamps{5, 0}});
    delivered();
    app.reads(10);
    advance(config.delayed_ack);
    stack.sends({});
}

TEST_F(TimestampsOption, in_syn_received_a_refused_segment_leaves_the_record_as_it_is_rfc7323_5_3) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{1000, 0}});
    stack.loses({.syn = true});
    peer.sends({.ack = 1, .ts = Timestamps{999, 0}});
    dropped(DropReason::tcp_paws);
    stack.loses({.seq = 1, .ack = 1});
    peer.sends({.ack = 1, .no_ts = true});
    dropped(DropReason::tcp_missing_timestamp);
    app.accept_fails(std::errc::operation_would_block);
    state_is(State::syn_received);
    // Its timer still runs.
    advance(seconds(1));
    stack.sends({.seq = 0, .syn = true});
    peer.sends({.ts = Timestamps{1001, 0}});
    app.accepts();
    state_is(State::established);
}

TEST_F(TimestampsOption, a_reset_is_not_subject_to_paws_rfc7323_5_3) {
    accept_with_timestamps();
    peer.sends({.rst = true, .ts = Timestamps{1, 0}});
    state_is(State::closed);
}

TEST_F(TimestampsOption, a_segment_without_one_is_dropped_rfc7323_3_2) {
    accept_with_timestamps();
    peer.sends({.length = 10, .no_ts = true});
    dropped(DropReason::tcp_missing_timestamp);
    stack.sends_nothing();
    state_is(State::established);
}

TEST_F(TimestampsOption, a_retransmission_gives_a_sample_all_the_same_rfc7323_4_1) {
    accept_with_timestamps();
    app.sends(1000);
    stack.loses({.length = 1000});
    advance(seconds(1));
    const Heard again = stack.sends({.seq = 1, .length = 1000});
    // The ack says by its echo that the round trip of the second one took 1.5 s.
    advance(milliseconds(1500));
    peer.sends({.ts = Timestamps{5000, again.header.options.timestamps->value}});
    app.sends(10);
    stack.loses({.length = 10});
    advance(milliseconds(1500));
    stack.sends_nothing();
    stack.sends_within(seconds(4), {.seq = 1001, .length = 10});
}

TEST_F(TimestampsOption, the_clock_ticks_in_milliseconds_rfc7323_5_4) {
    app.connects();
    const std::uint32_t first = stack.loses({.syn = true}).header.options.timestamps->value;
    advance(seconds(1));
    EXPECT_EQ(stack.loses({.syn = true}).header.options.timestamps->value - first, 1000U);
}

}  // namespace
}  // namespace berth::harness
