// Path MTU discovery by what routers say (RFC 1191, RFC 9293 §3.7.2), with the checks of RFC 5927.
#include "harness/pattern.hpp"
#include "harness/script_fixture.hpp"
#include "tcp/sender.hpp"
#include "wire/ipv4.hpp"

namespace berth::harness {
namespace {

constexpr std::uint8_t too_big = wire::icmp_code::fragmentation_needed;

class PathMtu : public ScriptTest {
  protected:
    void too_big_says(std::uint16_t mtu, Where where = {}) {
        peer.sends_icmp(IcmpType::destination_unreachable, too_big, mtu, where);
    }
    void too_big_says_about(std::uint32_t seq, std::uint16_t mtu, Where where = {}) {
        peer.sends_icmp_about(seq, IcmpType::destination_unreachable, too_big, mtu, where);
    }
    ip::PathMtuCache& cache() { return script.core().ip().path_mtus(); }
    // The congestion window and slow start threshold of the one connection.
    std::pair<std::uint32_t, std::uint32_t> window() {
        std::pair<std::uint32_t, std::uint32_t> result{};
        script.core().tcp().table().for_each([&](demux::Entry& entry) {
            if (entry.kind != demux::EntryKind::connection) return;
            const auto& congestion = static_cast<tcp::Connection&>(entry).sender().congestion();
            result = {congestion.cwnd(), congestion.ssthresh()};
        });
        return result;
    }
    // A quote of the stack's making with another sequence number, length or claim.
    void forged(std::uint32_t seq, std::uint16_t quoted_bytes, std::uint16_t mtu) {
        wire::TcpHeader header;
        header.source_port = script.local.port;
        header.destination_port = peer.endpoint.port;
        header.seq = peer.stack_isn() + seq;
        header.flags.ack = true;
        const std::vector<std::uint8_t> text(quoted_bytes - 40U);
        const Packet quoted = tcp_packet(header, script.local.address, peer.endpoint.address, text);
        script.put(
            icmp_packet({192, 0, 2, 254}, script.local.address,
                        {IcmpType::destination_unreachable, too_big, mtu}, Bytes(quoted).first(28)),
            {});
    }
};

TEST_F(PathMtu, a_smaller_mtu_sends_the_segment_again_in_pieces_rfc1191_3) {
    accept_connection();
    app.sends(1460);
    const Heard first = stack.loses({.length = 1460});
    EXPECT_TRUE(first.dont_fragment);
    too_big_says(1000);
    stack.sends({.seq = 1, .length = 960});
    stack.sends({.seq = 961, .length = 500});
    delivered();
    peer.sends({});
    app.sends(1920);
    stack.sends({.length = 960});
    const Heard last = stack.sends({.length = 960});
    EXPECT_TRUE(last.dont_fragment) << "discovery goes on (RFC 1191 §3)";
    EXPECT_EQ(cache().find(peer.endpoint.address), 1000);
}

TEST_F(PathMtu, a_whole_flight_goes_again_at_once_and_once_rfc1191_6_5) {
    accept_connection();
    app.sends(4 * 1460);
    for (int i = 0; i < 4; ++i)
        stack.loses({.length = 1460});
    too_big_says_about(1, 1400);
    std::uint32_t seq = 1;
    for (; seq + 1360 <= 5841; seq += 1360)
        stack.sends({.seq = seq, .length = 1360});
    stack.sends({.seq = seq, .length = 5841 - seq});
    // Three more packets of the flight met the same router.
    for (const std::uint32_t other : {1461U, 2921U, 4381U}) {
        forged(other, 1500, 1400);
        delivered();
        stack.sends_nothing();
    }
    peer.sends({.ack = 5841});
    EXPECT_FALSE(app.socket().has_unacknowledged());
}

TEST_F(PathMtu, what_lies_before_the_quoted_segment_is_not_sent_again_rfc1191_6_5) {
    accept_connection();
    app.sets(socket::Option::no_delay, 1);
    app.sends(100);
    stack.sends({.length = 100});
    app.sends(1460);
    stack.loses({.length = 1460});
    too_big_says(1200);
    stack.sends({.seq = 101, .length = 1160});
    stack.sends({.seq = 1261, .length = 300});
}

TEST_F(PathMtu, it_is_no_sign_of_congestion_rfc1191_6_5) {
    accept_connection();
    app.sends(10 * 1460);
    for (int i = 0; i < 10; ++i)
        stack.loses({.length = 1460});
    const auto before = window();
    too_big_says_about(1, 1400);
    EXPECT_EQ(window(), before);
    while (!script.heard().empty())
        peer.takes(stack.sends_something(), {});
    EXPECT_EQ(window(), before);
}

TEST_F(PathMtu, duplicates_of_that_flight_mean_no_further_loss_rfc6582_3_2) {
    accept_connection();
    app.sends(5 * 1460);
    stack.loses({.length = 1460});
    for (int i = 0; i < 4; ++i)
        stack.sends({.length = 1460});
    const auto before = window();
    too_big_says_about(1, 1400);
    while (!script.heard().empty())
        stack.sends_something();
    for (int i = 0; i < 4; ++i)
        peer.sends({.ack = 1});
    stack.sends_nothing();
    EXPECT_EQ(window(), before);
    peer.sends({.ack = 7301});
}

TEST_F(PathMtu, the_timer_starts_anew_rfc6298_5_1) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sends(1460);
    stack.loses({.length = 1460});
    advance(milliseconds(900));
    too_big_says(1300);
    stack.loses({.seq = 1, .length = 1260});
    stack.loses({.seq = 1261, .length = 200});
    advance(milliseconds(999));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 1, .length = 1260});
    peer.sends({});
    stack.sends({.seq = 1261, .length = 200});
}

TEST_F(PathMtu, timestamps_take_their_place_in_the_packet_rfc9293_3_7_1_must_16) {
    accept_connection({.mss = 1460, .ts = Timestamps{7, 0}});
    app.sends(1448);
    stack.loses({.length = 1448});
    too_big_says(1000);
    const Heard again = stack.sends({.seq = 1, .length = 948});
    EXPECT_EQ(again.packet.size(), 1000u);
    stack.sends({.seq = 949, .length = 500});
}

TEST_F(PathMtu, an_older_router_means_the_next_plateau_rfc1191_7_1) {
    accept_connection();
    app.sends(2 * 1460);
    stack.loses({.length = 1460});
    stack.loses({.length = 1460});
    too_big_says_about(1, 0);
    stack.sends({.seq = 1, .length = 1452});
    stack.loses({.seq = 1453, .length = 1452});
    stack.loses({.seq = 2905, .length = 16});
    // The other packet of that flight: it had 1500 bytes, so that this says nothing new.
    forged(1461, 1500, 0);
    stack.sends_nothing();
    EXPECT_EQ(cache().find(peer.endpoint.address), 1492);
    // One of those that went again was too big as well.
    peer.sends({.ack = 1453});
    too_big_says_about(1453, 0);
    stack.sends({.seq = 1453, .length = 966});
    stack.sends({.seq = 2419, .length = 502});
    EXPECT_EQ(cache().find(peer.endpoint.address), 1006);
}

TEST_F(PathMtu, two_routers_one_behind_the_other_rfc1191_3) {
    accept_connection();
    app.sends(1460);
    stack.loses({.length = 1460});
    too_big_says(1400);
    stack.loses({.seq = 1, .length = 1360});
    stack.sends({.seq = 1361, .length = 100});
    too_big_says_about(1, 1300);
    stack.sends({.seq = 1, .length = 1260});
    stack.sends({.seq = 1261, .length = 200});
}

// --- what is not believed ---

TEST_F(PathMtu, a_quote_of_what_is_not_in_flight_is_ignored_rfc5927_7_2) {
    accept_connection();
    app.sends(1460);
    stack.sends({.length = 1460});
    peer.sends({});
    app.sends(1460);
    stack.sends({.length = 1460});
    for (const std::uint32_t seq : {1U, 1460U, 2921U, 0x8000'0000U}) {
        forged(seq, 1500, 1000);
        dropped(DropReason::icmp_error_no_match);
    }
    stack.sends_nothing();
    EXPECT_EQ(cache().size(), 0u);
}

TEST_F(PathMtu, a_claim_that_the_packet_would_have_met_is_ignored_rfc5927_7_2) {
    accept_connection();
    app.sends(1460);
    stack.sends({.length = 1460});
    for (const std::uint16_t mtu :
         {std::uint16_t{1500}, std::uint16_t{1501}, std::uint16_t{65535}}) {
        too_big_says(mtu);
        dropped(DropReason::icmp_mtu_refuted);
    }
    stack.sends_nothing();
    EXPECT_EQ(cache().size(), 0u);
}

TEST_F(PathMtu, a_quote_longer_than_what_is_in_flight_is_ignored_rfc5927_7_2) {
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    forged(1, 1500, 600);
    dropped(DropReason::icmp_mtu_refuted);
    too_big_says(600);
    dropped(DropReason::icmp_mtu_refuted);
    stack.sends_nothing();
    EXPECT_EQ(cache().size(), 0u);
}

TEST_F(PathMtu, no_message_raises_it_rfc1191_3) {
    accept_connection();
    app.sends(1460);
    stack.loses({.length = 1460});
    too_big_says(1000);
    stack.sends({.seq = 1, .length = 960});
    stack.sends({.seq = 961, .length = 500});
    forged(1, 1500, 1400);
    stack.sends_nothing();
    peer.sends({});
    app.sends(960);
    stack.sends({.length = 960});
    EXPECT_EQ(cache().find(peer.endpoint.address), 1000);
}

TEST_F(PathMtu, an_absurd_mtu_is_clamped_and_df_goes_off_rfc1191_3) {
    accept_connection();
    app.sends(1460);
    stack.loses({.length = 1460});
    too_big_says(68);
    const Heard again = stack.sends({.seq = 1, .length = 512});
    EXPECT_EQ(again.packet.size(), std::size_t{ip::PathMtuCache::min_mtu});
    EXPECT_FALSE(again.dont_fragment) << "a narrower path may cut it";
    EXPECT_NE(wire::Ipv4View::parse(again.packet)->header().identification, 0);
    stack.sends({.seq = 513, .length = 512});
    stack.sends({.seq = 1025, .length = 436});
}

TEST_F(PathMtu, a_syn_in_flight_is_too_small_to_be_too_big_rfc5927_7_2) {
    app.connects();
    stack.sends({.syn = true});
    too_big_says(68);
    dropped(DropReason::icmp_mtu_refuted);
    state_is(State::syn_sent);
    EXPECT_EQ(cache().size(), 0u);
}

// --- others, and later ---

TEST_F(PathMtu, another_connection_to_the_same_destination_learns_of_it_rfc1191_6_1) {
    accept_connection();
    Peer other(script, {peer.endpoint.address, 40001}, "other");
    StackSide to_other(script, other);
    App other_app(script, other);
    other.sends({.syn = true, .mss = 1460});
    to_other.sends({.syn = true});
    other.sends({});
    // The listener is the first app's.
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted.has_value());
    app.sends(1460);
    stack.loses({.length = 1460});
    too_big_says(1000);
    stack.sends({.seq = 1, .length = 960});
    stack.sends({.seq = 961, .length = 500});
    const auto text = pattern(Source::app, 0, 1460);
    const Bytes part(text);
    ASSERT_TRUE((*accepted)->send({&part, 1}, std::nullopt).has_value());
    script.settle({});
    to_other.sends({.length = 960});
    EXPECT_TRUE(script.heard().empty()) << "the rest waits by Nagle's rule";
    other.sends({});
    to_other.sends({.length = 500});
}

TEST_F(PathMtu, a_new_connection_begins_with_what_is_known_rfc1191_6_1) {
    script.core().ip().path_mtus().lower(peer.endpoint.address, 1000, 1500, 1500, script.now());
    accept_connection();
    app.sends(1920);
    stack.sends({.length = 960});
    stack.sends({.length = 960});
}

TEST_F(PathMtu, after_ten_minutes_a_larger_segment_is_tried_rfc1191_6_3) {
    accept_connection();
    app.sends(1460);
    stack.loses({.length = 1460});
    too_big_says(1000);
    stack.sends({.seq = 1, .length = 960});
    stack.sends({.seq = 961, .length = 500});
    peer.sends({});
    advance(minutes(10) - seconds(1));
    app.sends(960);
    stack.sends({.length = 960});
    peer.sends({});
    advance(seconds(1));
    app.sends(1460);
    stack.loses({.length = 1460});
    // And if it is still too much, it is said again.
    too_big_says(1000);
    stack.sends({.seq = 2421, .length = 960});
    stack.sends({.seq = 3381, .length = 500});
}

}  // namespace
}  // namespace berth::harness
