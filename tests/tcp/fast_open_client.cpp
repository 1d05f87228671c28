// Fast Open, the client's side (RFC 7413 §4.2.1, §4.1.3).
#include "harness/script_fixture.hpp"
#include "harness/tcp_calls.hpp"

namespace berth::harness {
namespace {

using tcp::Count;

class FastOpenClient : public ScriptTest {
  protected:
    TcpCalls calls{script};
    tcp::Options options;
    static constexpr wire::TcpFastOpen request{};
    static constexpr wire::TcpFastOpen cookie{{1, 2, 3, 4, 5, 6, 7, 8}, 8};

    void SetUp() override { options.fast_open_connect = true; }

    void opens() { calls.opens(peer.endpoint, options); }
    // A first connection that brings the cookie home; then the peer begins anew.
    void learns(std::uint16_t mss = 1460) {
        opens();
        stack.sends({.syn = true, .fast_open = request});
        peer.sends({.syn = true, .mss = mss, .fast_open = cookie});
        stack.sends({});
        calls.forgets();
        peer.starts_over(0x1234);
    }
};

TEST_F(FastOpenClient, without_a_cookie_it_asks_for_one_rfc7413_4_2_1) {
    opens();
    EXPECT_FALSE(calls.connection->opens_with_data());
    stack.sends({.length = 0, .syn = true, .fast_open = request});
    peer.sends({.syn = true, .mss = 1460, .fast_open = cookie});
    stack.sends({});
    state_is(State::established);
    EXPECT_EQ(calls.tcp().fast_open_cache().size(), 1U);
    calls.forgets();
}

TEST_F(FastOpenClient, unasked_for_it_is_not_used_rfc7413_4_2_1) {
    options.fast_open_connect = false;
    opens();
    stack.sends({.syn = true, .no_fast_open = true});
    peer.sends({.syn = true, .mss = 1460, .fast_open = cookie});
    stack.sends({});
    EXPECT_EQ(calls.tcp().fast_open_cache().size(), 0U);
    calls.forgets();
}

TEST_F(FastOpenClient, it_can_be_switched_off_linux_tcp_fastopen) {
    config.fast_open = 2;
    opens();
    stack.sends({.syn = true, .no_fast_open = true});
}

TEST_F(FastOpenClient, with_a_cookie_the_syn_waits_for_data_and_takes_it_rfc7413_4_2_1) {
    learns();
    opens();
    stack.sends_nothing();
    EXPECT_TRUE(calls.connection->opens_with_data());
    EXPECT_GT(calls.connection->send_room(), 0U);
    calls.sends(100);
    stack.sends({.length = 100, .syn = true, .fast_open = cookie});
    peer.sends({.ack = 101, .syn = true, .mss = 1460});
    stack.sends({});
    state_is(State::established);
    EXPECT_EQ(calls.counted(Count::fast_open_active), 1U);
    calls.sends(10);
    stack.sends({.seq = 101, .length = 10});
    calls.forgets();
}

TEST_F(FastOpenClient, the_answer_may_come_with_the_syn_ack_rfc7413_4_2_1) {
    learns();
    opens();
    calls.sends(100);
    stack.sends({.length = 100, .syn = true});
    peer.sends({.length = 30, .ack = 101, .syn = true, .mss = 1460});
    stack.sends({.ack = 31});
    calls.reads(30);
    calls.forgets();
}

TEST_F(FastOpenClient, the_syn_takes_no_more_than_the_mss_seen_before_rfc7413_4_1_3) {
    learns(700);
    opens();
    calls.sends(5000);
    const Heard heard = stack.sends_something();
    const std::size_t options_bytes =
        wire::tcp_header_size(heard.header.options) - wire::tcp_header_bytes;
    EXPECT_EQ(heard.payload.size() + options_bytes, 700U);
    peer.sends(
        {.ack = static_cast<std::uint32_t>(1 + heard.payload.size()), .syn = true, .mss = 700});
    stack.sends_something();
    script.heard().clear();
    calls.forgets();
}

TEST_F(FastOpenClient, the_syn_fits_the_link_rfc7413_4_1_3) {
    learns(9000);
    opens();
    calls.sends(5000);
    EXPECT_EQ(stack.sends_something().packet.size(), 1500U);
}

TEST_F(FastOpenClient, data_that_was_not_taken_goes_again_at_once_rfc7413_4_2_1) {
    learns();
    opens();
    calls.sends(100);
    stack.sends({.length = 100, .syn = true});
    peer.sends({.ack = 1, .syn = true, .mss = 1460});
    stack.sends({.seq = 1, .length = 100});
    EXPECT_EQ(calls.counted(Count::fast_open_active_failed), 1U);
    peer.sends({});
    EXPECT_EQ(calls.connection->unacknowledged_bytes(), 0U);
    calls.forgets();
}

TEST_F(FastOpenClient, a_new_cookie_replaces_the_old_rfc7413_4_2_1) {
    learns();
    opens();
    calls.sends(100);
    stack.sends({.length = 100, .syn = true, .fast_open = cookie});
    constexpr wire::TcpFastOpen newer{{9, 9, 9, 9}, 4};
    peer.sends({.ack = 1, .syn = true, .mss = 1460, .fast_open = newer});
    stack.sends({.seq = 1, .length = 100});
    calls.forgets();
    peer.starts_over(0x777);
    opens();
    calls.sends(1);
    stack.sends({.length = 1, .syn = true, .fast_open = newer});
}

TEST_F(FastOpenClient, the_syn_again_is_plain_rfc7413_4_1_3_1) {
    learns();
    opens();
    calls.sends(100);
    stack.loses({.length = 100, .syn = true, .fast_open = cookie});
    stack.sends_within(seconds(1), {.seq = 0, .length = 0, .syn = true, .no_fast_open = true});
    peer.sends({.ack = 1, .syn = true, .mss = 1460});
    stack.sends({.seq = 1, .length = 100});
    peer.sends({});
    state_is(State::established);
    calls.forgets();
}

TEST_F(FastOpenClient, a_path_that_swallows_it_is_spared_for_a_while_rfc7413_4_1_3_1) {
    learns();
    opens();
    calls.sends(100);
    stack.loses({.length = 100, .syn = true});
    stack.sends_within(seconds(1), {.seq = 0, .syn = true});
    peer.sends({.ack = 1, .syn = true, .mss = 1460});
    stack.sends({.seq = 1, .length = 100});
    EXPECT_EQ(calls.counted(Count::fast_open_black_holes), 1U);
    calls.forgets();

    peer.starts_over(0x777);
    opens();
    stack.sends({.syn = true, .no_fast_open = true});
    calls.forgets();
    advance(tcp::FastOpenCache::first_pause);
    peer.starts_over(0x888);
    opens();
    calls.sends(10);
    stack.sends({.length = 10, .syn = true, .fast_open = cookie});
}

TEST_F(FastOpenClient, a_syn_ack_that_was_only_late_takes_the_data_rfc7413_4_2_1) {
    learns();
    opens();
    calls.sends(100);
    stack.sends({.length = 100, .syn = true});
    stack.sends_within(seconds(1), {.seq = 0, .syn = true});
    peer.sends({.seq = 0, .ack = 101, .syn = true, .mss = 1460});
    stack.sends({.seq = 101});
    EXPECT_EQ(calls.counted(Count::fast_open_active), 1U);
    EXPECT_EQ(calls.counted(Count::fast_open_black_holes), 0U);
    calls.forgets();
}

TEST_F(FastOpenClient, refused_is_refused_rfc9293_3_10_7_3) {
    learns();
    opens();
    calls.sends(100);
    stack.sends({.length = 100, .syn = true});
    peer.sends({.seq = 0, .ack = 101, .rst = true});
    state_is(State::closed);
    EXPECT_EQ(calls.connection->error(), std::errc::connection_refused);
    calls.forgets();
}

TEST_F(FastOpenClient, closed_before_it_spoke_nothing_was_ever_sent_rfc9293_3_10_4) {
    learns();
    opens();
    calls.connection->close_send();
    state_is(State::closed);
    advance(seconds(10));
    stack.sends_nothing();
}

TEST_F(FastOpenClient, crossing_syns_still_meet_rfc9293_must_10) {
    learns();
    opens();
    calls.sends(100);
    stack.sends({.length = 100, .syn = true});
    peer.sends({.syn = true, .no_ack = true, .mss = 1460});
    stack.sends({.seq = 0, .length = 0, .ack = 1, .syn = true});
    state_is(State::syn_received);
    peer.sends({.seq = 0, .ack = 1, .syn = true, .mss = 1460});
    state_is(State::established);
    stack.sends_within(seconds(2), {.seq = 1, .length = 100});
    calls.forgets();
}

TEST_F(FastOpenClient, a_syn_that_comes_before_ours_went_is_answered_rfc9293_must_10) {
    learns();
    opens();
    peer.sends({.syn = true, .no_ack = true, .mss = 1460});
    stack.sends({.seq = 0, .ack = 1, .syn = true});
    state_is(State::syn_received);
    peer.sends({});
    state_is(State::established);
    calls.forgets();
}

// --- the cache ---

TEST(FastOpenCacheBounds, the_oldest_goes_when_it_is_full_rfc7413_4_1_3) {
    tcp::FastOpenCache cache;
    const std::size_t limit = tcp::FastOpenCache::limit_entries;
    for (std::uint32_t i = 0; i <= limit; ++i)
        cache.learn(Ipv4Address(i), {{1, 2, 3, 4}, 4}, 1000, Time{} + seconds(i));
    EXPECT_EQ(cache.size(), limit);
    EXPECT_TRUE(cache.find(Ipv4Address(0), {})->cookie.is_request());
    EXPECT_EQ(cache.find(Ipv4Address(1), {})->cookie.size, 4U);
}

TEST(FastOpenCacheBounds, the_pause_doubles_with_each_loss_rfc7413_4_1_3_1) {
    tcp::FastOpenCache cache;
    Time now{};
    for (int loss = 0; loss < 20; ++loss) {
        cache.on_loss(Ipv4Address(7), now);
        const Duration pause =
            (std::int64_t{1} << std::min(loss, 11)) * tcp::FastOpenCache::first_pause;
        EXPECT_FALSE(cache.find(Ipv4Address(7), now + pause - milliseconds(1)));
        EXPECT_TRUE(cache.find(Ipv4Address(7), now + pause));
        now = now + pause;
    }
    cache.on_success(Ipv4Address(7));
    cache.on_loss(Ipv4Address(7), now);
    EXPECT_TRUE(cache.find(Ipv4Address(7), now + tcp::FastOpenCache::first_pause));
}

}  // namespace
}  // namespace berth::harness
