// A four-tuple comes out of TIME-WAIT early: for a SYN of the peer (RFC 9293 §3.6.1 MAY-2, RFC 6191
// §2), and for an active OPEN of ours (net.ipv4.tcp_tw_reuse).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class TimeWaitReuse : public ScriptTest {
  protected:
    // The peer opens, we close first; the peer's clock shows 1000, and 1001 on its FIN.
    void wait_after_passive_open(bool timestamps) {
        Segment syn{.mss = 1460};
        if (timestamps) syn.ts = Timestamps{1000, 0};
        accept_connection(syn);
        app.closes();
        stack.sends({.fin = true});
        Segment fin{.fin = true};
        if (timestamps) fin.ts = Timestamps{1001, 0};
        peer.sends(fin);
        stack.sends({});
        state_is(State::time_wait);
        old_isn = peer.stack_isn();
    }
    // We open and close first.
    void wait_after_active_open(bool timestamps = true) {
        Segment syn_ack{.mss = 1460};
        if (timestamps) syn_ack.ts = Timestamps{1000, 0};
        open_connection(syn_ack);
        app.closes();
        stack.sends({.fin = true});
        peer.sends({.fin = true});
        stack.sends({});
        state_is(State::time_wait);
        old_isn = peer.stack_isn();
    }
    // A SYN whose number lies this far from the old connection's first, with such a timestamp.
    void comes_again(std::uint32_t distance, std::optional<std::uint32_t> timestamp = {}) {
        peer.starts_over(peer.isn + distance);
        Segment syn{.syn = true, .mss = 1460};
        if (timestamp) syn.ts = Timestamps{*timestamp, 0};
        peer.sends(syn);
    }
    void is_taken() {
        stack.sends({.syn = true});
        state_is(State::syn_received);
        EXPECT_EQ(script.core().tcp().counters()[tcp::Count::time_wait_reopened], 1U);
    }
    // Answered with an ACK of the old connection; nothing else has happened.
    void is_refused() {
        dropped(DropReason::tcp_time_wait);
        const Heard heard = stack.sends_something();
        EXPECT_TRUE(heard.header.flags.ack && !heard.header.flags.syn && !heard.header.flags.rst);
        EXPECT_EQ(heard.header.seq, old_isn + 2);
        state_is(State::time_wait);
    }
    std::errc opens_again() {
        peer.starts_over(peer.isn + 1'000'000);
        sockets.push_back(socket::open(script.core(), socket::Type::stream));
        sockets.back()->set_option(socket::Option::reuse_address, 1);
        EXPECT_EQ(sockets.back()->bind(script.local), std::errc{});
        const std::errc error = sockets.back()->connect(peer.endpoint);
        if (error != std::errc::operation_in_progress) sockets.pop_back();
        script.settle({});
        return error;
    }
    std::uint64_t recycled() {
        return script.core().tcp().counters()[tcp::Count::time_wait_recycled];
    }

    std::uint32_t old_isn = 0;
    std::vector<std::unique_ptr<socket::Socket>> sockets;
};

constexpr std::uint32_t lower = 0U - 100'000U;
constexpr std::uint32_t higher = 100'000;

// --- the peer opens anew: RFC 6191 §2, case by case ---

TEST_F(TimeWaitReuse, a_later_timestamp_passes_with_a_lower_number_rfc6191_2) {
    wait_after_passive_open(true);
    comes_again(lower, 1002);
    is_taken();
}

TEST_F(TimeWaitReuse, an_equal_timestamp_passes_with_a_higher_number_rfc6191_2) {
    wait_after_passive_open(true);
    comes_again(higher, 1001);
    is_taken();
}

TEST_F(TimeWaitReuse, an_equal_timestamp_with_a_lower_number_is_refused_rfc6191_2) {
    wait_after_passive_open(true);
    comes_again(lower, 1001);
    is_refused();
}

TEST_F(TimeWaitReuse, an_earlier_timestamp_is_refused_whatever_the_number_rfc6191_2) {
    wait_after_passive_open(true);
    comes_again(higher, 1000);
    is_refused();
}

TEST_F(TimeWaitReuse, timestamps_compare_on_their_circle_rfc6191_2) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{0xffff'fff0, 0}});
    stack.sends({.syn = true});
    peer.sends({.ts = Timestamps{0xffff'fff0, 0}});
    app.accepts();
    app.closes();
    stack.sends({.fin = true});
    peer.sends({.fin = true, .ts = Timestamps{0xffff'fff1, 0}});
    stack.sends({});
    comes_again(lower, 5);
    is_taken();
}

TEST_F(TimeWaitReuse, without_a_timestamp_now_the_number_decides_rfc6191_2) {
    wait_after_passive_open(true);
    comes_again(higher);
    is_taken();
}

TEST_F(TimeWaitReuse, without_a_timestamp_now_a_lower_number_is_refused_rfc6191_2) {
    wait_after_passive_open(true);
    comes_again(lower);
    is_refused();
}

TEST_F(TimeWaitReuse, a_timestamp_where_there_was_none_passes_rfc6191_2) {
    wait_after_passive_open(false);
    comes_again(lower, 7);
    is_taken();
}

TEST_F(TimeWaitReuse, a_timestamp_that_we_would_not_use_says_nothing_rfc6191_2) {
    config.timestamps = false;
    wait_after_passive_open(false);
    comes_again(lower, 7);
    is_refused();
}

TEST_F(TimeWaitReuse, without_timestamps_the_number_after_the_fin_passes_rfc9293_3_6_1_may_2) {
    wait_after_passive_open(false);
    comes_again(2);
    is_taken();
}

TEST_F(TimeWaitReuse, without_timestamps_the_fins_number_is_refused_rfc9293_3_6_1_may_2) {
    wait_after_passive_open(false);
    comes_again(1);
    is_refused();
}

TEST_F(TimeWaitReuse, a_syn_with_an_ack_or_a_fin_never_passes_rfc6191_2) {
    wait_after_passive_open(false);
    peer.sends({.seq = higher, .ack = 2, .syn = true});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.ack = 2});
    advance(config.challenge_interval);
    peer.sends({.seq = higher, .syn = true, .fin = true, .no_ack = true});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.ack = 2});
    state_is(State::time_wait);
}

TEST_F(TimeWaitReuse, our_number_lies_above_all_that_was_sent_rfc9293_3_6_1_may_2_1) {
    wait_after_passive_open(true);
    // No time has passed, so the clock of §3.4.1 alone would give the same number again.
    comes_again(higher, 1002);
    is_taken();
    EXPECT_GT(static_cast<std::int32_t>(peer.stack_isn() - (old_isn + 2)), 0);
}

TEST_F(TimeWaitReuse, an_attempt_that_is_reset_returns_to_time_wait_rfc9293_3_6_1_may_2_2) {
    wait_after_passive_open(true);
    comes_again(higher, 1002);
    is_taken();
    peer.sends({.rst = true});  // its sender knows nothing of it: an old duplicate
    state_is(State::time_wait);
    // It remembers the attempt: the same SYN does not pass again.
    peer.sends({.seq = 0, .syn = true, .no_ack = true, .ts = Timestamps{1002, 0}});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.seq = 1, .ack = 1});
    advance(2 * config.msl);
    state_is(State::closed);
}

TEST_F(TimeWaitReuse, a_syn_that_the_listener_refuses_leaves_the_record_rfc9293_3_6_1) {
    config.max_connections = 1;
    wait_after_passive_open(true);
    Peer other(script, {peer.endpoint.address, 40001}, "other");
    other.sends({.syn = true});
    stack.sends_to(other, {.syn = true});
    comes_again(higher, 1002);
    dropped(DropReason::tcp_no_memory);
    stack.sends_nothing();
    state_is(State::time_wait);
}

TEST_F(TimeWaitReuse, the_new_connection_works_rfc6191_2) {
    wait_after_passive_open(true);
    comes_again(lower, 1002);
    is_taken();
    peer.sends({.ts = Timestamps{1003, 0}});
    app.accepts();
    peer.sends({.length = 10, .ts = Timestamps{1003, 0}});
    advance(config.delayed_ack);
    stack.sends({.ack = 11});
    app.reads(10);
    // The old record's time comes and goes.
    advance(2 * config.msl);
    state_is(State::established);
}

// --- we open anew ---

TEST_F(TimeWaitReuse, an_open_takes_it_after_a_second_rfc6191_linux_tcp_tw_reuse) {
    wait_after_active_open();
    advance(milliseconds(999));
    EXPECT_EQ(opens_again(), std::errc::address_not_available);
    advance(milliseconds(1));
    EXPECT_EQ(opens_again(), std::errc::operation_in_progress);
    stack.sends({.syn = true});
    state_is(State::syn_sent);
    EXPECT_GT(static_cast<std::int32_t>(peer.stack_isn() - (old_isn + 2)), 0);
    EXPECT_EQ(recycled(), 1U);
}

TEST_F(TimeWaitReuse, the_second_counts_from_the_last_word_rfc9293_3_10_7_4_eighth) {
    wait_after_active_open();
    advance(milliseconds(900));
    peer.sends({.seq = 1, .fin = true});
    stack.sends({});
    advance(milliseconds(900));
    EXPECT_EQ(opens_again(), std::errc::address_not_available);
    advance(milliseconds(100));
    EXPECT_EQ(opens_again(), std::errc::operation_in_progress);
    stack.sends({.syn = true});
}

TEST_F(TimeWaitReuse, without_timestamps_the_peer_could_not_tell_so_it_waits_rfc6191_2) {
    wait_after_active_open(false);
    advance(2 * config.msl - milliseconds(1));
    EXPECT_EQ(opens_again(), std::errc::address_not_available);
    advance(milliseconds(1));
    EXPECT_EQ(opens_again(), std::errc::operation_in_progress);
    stack.sends({.syn = true});
    EXPECT_EQ(recycled(), 0U);
}

TEST_F(TimeWaitReuse, it_can_be_forbidden_linux_tcp_tw_reuse_0) {
    config.time_wait_reuse = 0;
    wait_after_active_open();
    advance(2 * config.msl - milliseconds(1));
    EXPECT_EQ(opens_again(), std::errc::address_not_available);
}

TEST_F(TimeWaitReuse, it_can_be_left_to_loopback_linux_tcp_tw_reuse_2) {
    config.time_wait_reuse = 2;
    wait_after_active_open();
    advance(2 * config.msl - milliseconds(1));
    EXPECT_EQ(opens_again(), std::errc::address_not_available);
}

TEST_F(TimeWaitReuse, over_loopback_then_linux_tcp_tw_reuse_2) {
    config.time_wait_reuse = 2;
    app.listens();
    constexpr Endpoint client{Ipv4Address(127, 0, 0, 1), 5000};
    const Endpoint server{client.address, script.local.port};
    const auto connect = [&] {
        sockets.push_back(socket::open(script.core(), socket::Type::stream));
        sockets.back()->set_option(socket::Option::reuse_address, 1);
        EXPECT_EQ(sockets.back()->bind(client), std::errc{});
        const std::errc error = sockets.back()->connect(server);
        script.settle({});
        return error;
    };
    ASSERT_EQ(connect(), std::errc::operation_in_progress);
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    sockets.clear();
    script.settle({});
    accepted->reset();
    script.settle({});
    ASSERT_EQ(script.state_of({client, server}), State::time_wait);
    EXPECT_EQ(connect(), std::errc::address_not_available);
    sockets.clear();
    advance(seconds(1));
    EXPECT_EQ(connect(), std::errc::operation_in_progress);
    EXPECT_EQ(script.state_of({client, server}), State::established);
    EXPECT_EQ(recycled(), 1U);
}

// Our last ACK was lost, so the peer is still in LAST-ACK: it challenges, we reset, our SYN goes
// again (RFC 9293 §3.5.1, figure 9, with RFC 5961 §4.2).
TEST_F(TimeWaitReuse, a_peer_that_still_waits_for_our_last_ack_lets_go_rfc5961_4_2) {
    wait_after_active_open();
    const std::uint32_t old_peer_isn = peer.isn;
    advance(seconds(1));
    ASSERT_EQ(opens_again(), std::errc::operation_in_progress);
    stack.sends({.syn = true});
    const std::uint32_t old_ack = old_isn + 2 - peer.stack_isn();
    peer.sends({.seq = old_peer_isn + 1 - peer.isn, .ack = old_ack, .ts = Timestamps{2500, 0}});
    stack.sends({.seq = old_ack, .rst = true, .no_ack = true});
    stack.sends_within(seconds(2), {.seq = 0, .syn = true, .no_ack = true});
    peer.sends({.seq = 0, .syn = true, .mss = 1460, .ts = Timestamps{3500, 0}});
    stack.sends({});
    state_is(State::established);
}

}  // namespace
}  // namespace berth::harness
