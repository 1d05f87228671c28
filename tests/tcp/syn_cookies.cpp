// SYN cookies: when the half-open table is full, or always (RFC 4987 §3.6).
#include "tcp/syn_cookies.hpp"

#include "harness/script_fixture.hpp"
#include "harness/tcp_calls.hpp"
#include "tcp/connection.hpp"

namespace berth::harness {
namespace {

using tcp::Count;

class SynCookies : public ScriptTest {
  protected:
    void SetUp() override { config.syn_cookies = 2; }
    std::uint64_t counted(Count what) { return script.core().tcp().counters()[what]; }
    std::size_t held() {
        return script.core().tcp().half_open_count() + script.core().tcp().connection_count();
    }
};

TEST_F(SynCookies, a_syn_leaves_no_state_rfc4987_3_6) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460});
    delivered();
    stack.sends({.syn = true});
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(counted(Count::syn_cookies_sent), 1U);
    state_is(State::closed);
    // Nor is it repeated.
    advance(seconds(100));
    stack.sends_nothing();
}

TEST_F(SynCookies, the_ack_makes_the_connection_rfc4987_3_6) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({.syn = true});
    peer.sends({});
    delivered();
    stack.sends_nothing();
    state_is(State::established);
    EXPECT_EQ(counted(Count::syn_cookies_received), 1U);
    app.accepts();
    app.sends(10);
    stack.sends({.length = 10});
}

TEST_F(SynCookies, data_on_the_ack_is_taken_rfc4987_3_6) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({.syn = true});
    peer.sends({.length = 100});
    app.accepts();
    app.reads(100);
    advance(config.delayed_ack);
    stack.sends({.ack = 101});
}

TEST_F(SynCookies, the_mss_survives_without_timestamps_rfc4987_3_6) {
    app.listens();
    peer.sends({.syn = true, .mss = 1400, .wscale = 7, .sack_ok = true});
    const Heard heard = stack.sends({.syn = true, .sack_ok = false});
    EXPECT_FALSE(heard.header.options.window_scale.has_value());
    peer.sends({});
    app.accepts();
    app.sends(3000);
    stack.sends_run(2, 1380);  // the largest of the table that is not above 1400
    stack.sends_nothing();     // (240 bytes wait for Nagle)
}

TEST_F(SynCookies, an_mss_below_every_table_entry_is_not_exceeded_rfc9293_3_7_1_must_16) {
    app.listens();
    peer.sends({.syn = true, .mss = 100});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    app.sends(300);
    const Heard heard = stack.sends_something();
    EXPECT_LE(heard.payload.size(), 100U);
    script.heard().clear();
}

TEST_F(SynCookies, without_an_mss_536_is_assumed_rfc9293_3_7_1_must_15) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    app.sends(1000);
    stack.sends({.length = 536});
}

TEST_F(SynCookies, scale_and_sack_survive_in_the_timestamp_linux) {
    app.listens();
    peer.window = 10;
    peer.sends({.syn = true, .mss = 1460, .wscale = 9, .sack_ok = true, .ts = Timestamps{77, 0}});
    const Heard heard = stack.sends({.syn = true, .sack_ok = true});
    EXPECT_TRUE(heard.header.options.window_scale.has_value());
    peer.sends({});  // 10 << 9 is 5120
    app.accepts();
    app.sends(20000);
    stack.sends_run(3, 1448);
    stack.sends_nothing();  // a fourth does not fit
}

TEST_F(SynCookies, ecn_survives_in_the_timestamp_rfc3168_6_1_1) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{77, 0}, .ece = true, .cwr = true});
    stack.sends({.syn = true, .ece = true, .cwr = false});
    peer.sends({});
    state_is(State::established);
}

TEST_F(SynCookies, ecn_is_not_granted_without_timestamps_rfc3168_6_1_1) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .ece = true, .cwr = true});
    stack.sends({.syn = true, .ece = false, .cwr = false});
}

TEST_F(SynCookies, a_bent_timestamp_is_no_round_trip_time_rfc6298_2) {
    app.listens();
    advance(milliseconds(63));
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{77, 0}});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    // No sample yet: the first timeout is the initial one.
    app.sends(10);
    stack.loses({.length = 10});
    advance(config.rto_initial - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 1, .length = 10});
}

TEST_F(SynCookies, a_cookie_is_good_for_two_minutes_at_most_rfc4987_3_6) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    advance(seconds(121));
    // Another one keeps the listener listening for cookies.
    Peer other(script, {Peer::default_endpoint.address, 40001}, "other");
    other.sends({.syn = true});
    stack.sends_to(other, {.syn = true});
    peer.sends({});
    dropped(DropReason::tcp_ack_in_listen);
    stack.sends({.rst = true});
    EXPECT_EQ(counted(Count::syn_cookies_failed), 1U);
}

TEST_F(SynCookies, a_minute_is_not_too_late_rfc4987_3_6) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    advance(seconds(60));
    peer.sends({});
    state_is(State::established);
}

TEST_F(SynCookies, a_forged_one_is_reset_rfc9293_3_10_7_2_second) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    peer.sends({.ack = 100});
    dropped(DropReason::tcp_ack_in_listen);
    stack.sends({.seq = 100, .rst = true});
    peer.sends({.seq = 2});  // the right cookie of another ISN
    dropped(DropReason::tcp_ack_in_listen);
    stack.sends({.seq = 1, .rst = true});
    EXPECT_EQ(held(), 0U);
}

TEST_F(SynCookies, another_four_tuple_cannot_use_it_rfc4987_3_6) {
    app.listens();
    peer.sends({.syn = true});
    const Heard heard = stack.sends({.syn = true});
    Peer thief(script, {Peer::default_endpoint.address, 40001}, "thief");
    thief.isn = peer.isn;
    thief.sends({.seq = 1, .ack = heard.header.seq + 1});
    dropped(DropReason::tcp_ack_in_listen);
    script.heard().clear();
    EXPECT_EQ(held(), 0U);
}

TEST_F(SynCookies, an_idle_listener_believes_no_cookie_rfc4987_3_6) {
    app.listens();
    // Even a right guess is of no use: none has been handed out.
    peer.sends({.seq = 1, .ack = 12345});
    dropped(DropReason::tcp_ack_in_listen);
    stack.sends({.seq = 12345, .rst = true});
    EXPECT_EQ(counted(Count::syn_cookies_failed), 0U);
    EXPECT_EQ(counted(Count::syn_cookies_received), 0U);
}

TEST_F(SynCookies, a_full_accept_queue_ignores_the_ack_posix_listen) {
    app.listens(1);
    std::vector<std::unique_ptr<Peer>> clients;
    for (Port port = 40001; port <= 40003; ++port) {
        clients.push_back(std::make_unique<Peer>(
            script, Endpoint{Peer::default_endpoint.address, port}, "client"));
        clients.back()->sends({.syn = true});
        stack.sends_to(*clients.back(), {.syn = true});
    }
    for (auto& client : clients)
        client->sends({});
    dropped(DropReason::tcp_accept_queue_full);
    EXPECT_EQ(counted(Count::listen_overflows), 1U);
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    clients[2]->sends({.seq = 1, .length = 5});  // it says so again, with its request
    EXPECT_EQ(script.state_of(clients[2]->four_tuple()), State::established);
    accepted->reset();
    advance(milliseconds(100));
    script.heard().clear();
}

class SynCookiesUnderPressure : public SynCookies {
  protected:
    void SetUp() override {
        config.syn_cookies = 1;
        config.max_half_open = 2;
    }
    std::vector<std::unique_ptr<Peer>> crowd;
    void fill() {
        app.listens();
        for (Port port = 40001; port <= 40002; ++port) {
            crowd.push_back(std::make_unique<Peer>(
                script, Endpoint{Peer::default_endpoint.address, port}, "one"));
            crowd.back()->sends({.syn = true});
            stack.sends_to(*crowd.back(), {.syn = true});
        }
    }
};

TEST_F(SynCookiesUnderPressure, the_table_full_the_next_syn_gets_a_cookie_rfc4987_3_6) {
    fill();
    EXPECT_EQ(held(), 2U);
    EXPECT_EQ(counted(Count::syn_cookies_sent), 0U);
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({.syn = true});
    EXPECT_EQ(held(), 2U);
    EXPECT_EQ(counted(Count::syn_cookies_sent), 1U);
    EXPECT_EQ(counted(Count::request_queue_full_cookies), 1U);
    peer.sends({});
    state_is(State::established);
}

TEST_F(SynCookiesUnderPressure, a_listeners_backlog_bounds_its_half_open_records_too_rfc4987_3_1) {
    config.max_half_open = 1000;
    app.listens(3);
    std::vector<std::unique_ptr<Peer>> many;
    for (Port port = 40001; port <= 40012; ++port) {
        many.push_back(
            std::make_unique<Peer>(script, Endpoint{Peer::default_endpoint.address, port}, "one"));
        many.back()->sends({.syn = true});
        stack.sends_to(*many.back(), {.syn = true});
    }
    EXPECT_EQ(held(), tcp::Listener::least_half_open);
    EXPECT_EQ(counted(Count::syn_cookies_sent), 12 - tcp::Listener::least_half_open);
}

TEST_F(SynCookiesUnderPressure, without_cookies_the_syn_is_dropped_rfc4987_3_1) {
    config.syn_cookies = 0;
    fill();
    peer.sends({.syn = true});
    dropped(DropReason::tcp_half_open_full);
    stack.sends_nothing();
    EXPECT_EQ(counted(Count::request_queue_full_drops), 1U);
    EXPECT_EQ(counted(Count::listen_drops), 1U);
}

// --- the value itself ---

constexpr FourTuple tuple{{Ipv4Address(192, 0, 2, 2), 80}, {Ipv4Address(192, 0, 2, 1), 40000}};

TEST(SynCookieValues, the_mss_is_never_rounded_up_rfc4987_3_6) {
    const tcp::SynCookies cookies({1, 2});
    for (std::uint32_t mss = 64; mss <= 65535; mss += 7) {
        const auto cookie =
            cookies.make(tuple, tcp::SequenceNumber(mss), static_cast<std::uint16_t>(mss), {});
        const auto back = cookies.check(tuple, tcp::SequenceNumber(mss), cookie, {});
        ASSERT_TRUE(back);
        ASSERT_LE(*back, mss);
    }
}

TEST(SynCookieValues, it_grows_with_the_peers_isn_rfc6528_3) {
    const tcp::SynCookies cookies({1, 2});
    const auto first = cookies.make(tuple, tcp::SequenceNumber(1000), 1460, {});
    const auto later = cookies.make(tuple, tcp::SequenceNumber(0x3000'0000), 1460, {});
    EXPECT_TRUE(tcp::before(first, later));
}

TEST(SynCookieValues, guesses_fail_rfc4987_3_6) {
    const tcp::SynCookies cookies({1, 2});
    const auto good = cookies.make(tuple, tcp::SequenceNumber(9), 1460, {});
    int accepted = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i)
        accepted +=
            cookies.check(tuple, tcp::SequenceNumber(9), good + (i * 4099 + 64), {}) ? 1 : 0;
    EXPECT_EQ(accepted, 0);
}

TEST(SynCookieValues, every_offer_survives_and_the_clock_never_runs_ahead_rfc7323_5_4) {
    for (std::uint32_t now = 0xffff'ff00; now != 0x200; ++now) {
        for (int shift = -1; shift <= 14; ++shift) {
            for (const bool flag : {false, true}) {
                tcp::CookieOffer offer;
                if (shift >= 0) offer.peer_window_shift = static_cast<std::uint8_t>(shift);
                offer.sack = flag;
                offer.ecn = !flag;
                const std::uint32_t bent = tcp::timestamp_with(offer, now);
                ASSERT_LT(now - bent, 64U);
                ASSERT_EQ(tcp::offer_in(bent), offer);
            }
        }
    }
}

}  // namespace
}  // namespace berth::harness
