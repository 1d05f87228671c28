// Paths that swallow large packets without a word (RFC 4821 in spirit; Linux's tcp_mtu_probing).
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "harness/script_fixture.hpp"
#include "tcp/sender.hpp"

namespace berth::harness {
namespace {

class BlackHole : public ScriptTest {
  protected:
    void SetUp() override {
        config.rto_min = seconds(1);
        config.mtu_probing = true;
    }
    ip::PathMtuCache& cache() { return script.core().ip().path_mtus(); }
    // A segment of 1460 bytes vanishes, and its first two retransmissions.
    void three_losses() {
        app.sends(1460);
        stack.loses({.length = 1460});
        for (const int wait : {1, 2}) {
            advance(seconds(wait));
            stack.loses({.seq = 1, .length = 1460});
        }
    }
};

TEST_F(BlackHole, after_three_timeouts_a_smaller_segment_gets_through_rfc4821_7_7) {
    accept_connection();
    three_losses();
    EXPECT_EQ(cache().size(), 0u);
    advance(seconds(4));
    stack.sends({.seq = 1, .length = 984});  // an MTU of 1024
    EXPECT_EQ(cache().size(), 0u) << "nothing is known yet";
    peer.sends({});
    stack.sends({.seq = 985, .length = 476});
    peer.sends({});
    EXPECT_EQ(cache().find(peer.endpoint.address), 1024);
    app.sends(2 * 984);
    stack.sends({.length = 984});
    stack.sends({.length = 984});
    peer.sends({});
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::black_holes_suspected], 1u);
}

TEST_F(BlackHole, then_the_smallest_that_is_believed_rfc4821_7_7) {
    accept_connection();
    three_losses();
    advance(seconds(4));
    stack.loses({.seq = 1, .length = 984});
    advance(seconds(8));
    const Heard smallest = stack.sends({.seq = 1, .length = 512});
    EXPECT_EQ(smallest.packet.size(), std::size_t{ip::PathMtuCache::min_mtu});
    peer.sends({});
    EXPECT_EQ(cache().find(peer.endpoint.address), 552);
    EXPECT_FALSE(cache().is_locked(peer.endpoint.address));
    stack.sends({.seq = 513, .length = 512});
    stack.sends({.seq = 1025, .length = 436});
}

TEST_F(BlackHole, it_gets_no_smaller_than_that_rfc4821_7_7) {
    accept_connection();
    three_losses();
    advance(seconds(4));
    stack.loses({.seq = 1, .length = 984});
    for (const int wait : {8, 16, 32}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 512});
    }
    advance(seconds(64));
    stack.sends({.seq = 1, .length = 512});
}

TEST_F(BlackHole, the_next_connection_profits_until_it_ages_rfc1191_6_3) {
    accept_connection();
    three_losses();
    advance(seconds(4));
    stack.sends({.seq = 1, .length = 984});
    peer.sends({});
    stack.sends({.seq = 985, .length = 476});
    peer.sends({});
    Peer other(script, {peer.endpoint.address, 40001}, "other");
    StackSide to_other(script, other);
    other.sends({.syn = true, .mss = 1460});
    to_other.sends_to(other, {.syn = true, .mss = 984});
    other.sends({});
    advance(minutes(10));
    app.sends(1460);
    stack.sends({.length = 1460});
    peer.sends({});
}

TEST_F(BlackHole, a_dead_path_teaches_nothing_rfc4821_7_7) {
    config.data_retries = 4;
    accept_connection();
    three_losses();
    advance(seconds(4));
    stack.loses({.seq = 1, .length = 984});
    advance(seconds(8));
    stack.loses({.seq = 1, .length = 512});
    advance(seconds(16));
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
    EXPECT_EQ(cache().size(), 0u);
}

TEST_F(BlackHole, a_segment_that_is_not_full_is_not_made_smaller_rfc4821_7_7) {
    accept_connection();
    app.sends(1459);
    stack.loses({.length = 1459});
    for (const int wait : {1, 2, 4, 8, 16}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1459});
    }
}

TEST_F(BlackHole, two_timeouts_are_no_sign_of_it_rfc4821_7_7) {
    accept_connection();
    three_losses();
    peer.sends({.ack = 1461});  // slow, not lost
    app.sends(1460);
    stack.loses({.length = 1460});
    stack.sends_within(seconds(60), {.seq = 1461, .length = 1460});
}

TEST_F(BlackHole, a_small_mss_is_halved_from_what_it_is_rfc4821_7_7) {
    accept_connection({.mss = 860});  // packets of 900 bytes
    app.sends(860);
    stack.loses({.length = 860});
    for (const int wait : {1, 2}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 860});
    }
    advance(seconds(4));
    stack.sends({.seq = 1, .length = 512});
}

TEST_F(BlackHole, a_closed_window_is_none_rfc9293_3_8_6_1) {
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1460);
    for (int i = 0; i < 6; ++i)
        stack.sends_within(seconds(120), {.seq = 1, .length = 1});
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::black_holes_suspected], 0u);
}

TEST_F(BlackHole, it_is_off_unless_asked_for_as_in_linux) {
    config.mtu_probing = tcp::Config{}.mtu_probing;
    accept_connection();
    three_losses();
    for (const int wait : {4, 8, 16}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1460});
    }
}

// SND.UNA overtakes RFC 6582's "recover" that lies where the connection began: after 2 GB it would
// otherwise lie ahead, and neither duplicates nor reports of too big packets would count.
TEST(SenderTest, AfterTwoGigabytesWithoutALossDuplicatesStillCount_Rfc6582_3_2) {
    constexpr std::uint16_t mss = 65'000;
    const tcp::Config config;
    tcp::Sender sender(config, tcp::SequenceNumber(7));
    sender.set_handshake(mss, 14, false);
    sender.syn_was_sent(false);
    Time now = Time{} + seconds(1);
    sender.start_window(1U << 30, tcp::SequenceNumber(1), tcp::SequenceNumber(7));
    sender.on_ack(tcp::SequenceNumber(8), false, {}, now);
    const std::vector<std::uint8_t> text(mss);
    const std::array<Bytes, 1> parts{Bytes(text)};
    const auto send_one = [&] {
        sender.append(parts, 1 << 20, {});
        tcp::Sender::Cursor cursor = sender.cursor();
        tcp::SegmentPlan plan;
        ASSERT_TRUE(sender.next_segment(cursor, plan));
        ASSERT_EQ(plan.length, mss);
        sender.commit(plan, now);
    };
    for (std::uint64_t sent = 0; sent < (std::uint64_t{9} << 28); sent += mss) {
        send_one();
        sender.on_ack(sender.snd().nxt, false, {}, now);
        if (::testing::Test::HasFatalFailure()) return;
    }
    for (int i = 0; i < 4; ++i)
        send_one();
    EXPECT_TRUE(sender.is_fresh(sender.snd().una));
    for (int i = 0; i < 3; ++i)
        sender.on_ack(sender.snd().una, true, {}, now);
    tcp::Sender::Cursor cursor = sender.cursor();
    tcp::SegmentPlan plan;
    ASSERT_TRUE(sender.next_segment(cursor, plan));
    EXPECT_TRUE(plan.retransmission) << "fast retransmit";
}

}  // namespace
}  // namespace berth::harness
