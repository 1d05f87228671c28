// How the receive buffer follows the application, and what bounds the window beside it.
#include "harness/inside.hpp"
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

constexpr Duration rtt = milliseconds(20);

class ReceiveTuning : public ScriptTest {
  protected:
    std::uint32_t limit() { return connection_of(script, peer).receiver().limit_bytes; }

    void hear() {
        while (script.goes_on() && !script.heard().empty()) {
            const Heard heard = script.heard().front();
            script.heard().pop_front();
            peer.takes(heard, {__FILE__, __LINE__});
        }
    }
    // The peer sends a window's worth, and the application reads `share` percent of it, once in a
    // round trip.
    void round(std::uint32_t share = 100) {
        const auto& receiver = connection_of(script, peer).receiver();
        std::uint32_t left = receiver.wnd();
        while (left > 0 && script.goes_on()) {
            const std::uint32_t length = std::min(left, 1448U);
            peer.sends({.length = length});
            hear();
            left -= length;
        }
        app.reads(receiver.queued_bytes() * share / 100);
        hear();
        advance(rtt);
        hear();
    }
    void accept_scaling() {
        config.receive_buffer_bytes = 64 * 1024;
        config.receive_buffer_max_bytes = 512 * 1024;
        accept_connection({.mss = 1460, .wscale = 7, .ts = Timestamps{1000, 0}});
    }
};

TEST_F(ReceiveTuning, the_buffer_of_a_fast_reader_doubles_with_each_round_trip) {
    accept_scaling();
    const std::uint32_t first = limit();
    EXPECT_EQ(first, config.receive_buffer_bytes);
    round();
    round();
    EXPECT_GT(limit(), first);
    for (int i = 0; i < 5; ++i)
        round();
    EXPECT_EQ(limit(), config.receive_buffer_max_bytes);
    round();
    EXPECT_GE(peer.stack_window(), config.receive_buffer_max_bytes / 2);
}

TEST_F(ReceiveTuning, without_timestamps_a_windows_worth_tells_the_round_trip) {
    config.receive_buffer_bytes = 64 * 1024;
    config.receive_buffer_max_bytes = 256 * 1024;
    accept_connection({.mss = 1460, .wscale = 7});
    for (int i = 0; i < 6; ++i)
        round();
    EXPECT_EQ(limit(), config.receive_buffer_max_bytes);
}

TEST_F(ReceiveTuning, the_buffer_of_a_slow_reader_never_grows) {
    accept_scaling();
    for (int i = 0; i < 20; ++i)
        round(10);
    EXPECT_EQ(limit(), config.receive_buffer_bytes);
}

TEST_F(ReceiveTuning, a_trickle_does_not_make_it_grow) {
    accept_scaling();
    for (int i = 0; i < 100 && script.goes_on(); ++i) {
        peer.sends({.length = 1000});
        hear();
        advance(rtt);
        hear();
        app.reads(1000);
        hear();
    }
    EXPECT_EQ(limit(), config.receive_buffer_bytes);
}

TEST_F(ReceiveTuning, what_the_user_chose_is_not_tuned_so_rcvbuf) {
    accept_scaling();
    app.sets(socket::Option::receive_buffer, 50'000);
    for (int i = 0; i < 6; ++i)
        round();
    EXPECT_EQ(limit(), 50'000U);
}

TEST_F(ReceiveTuning, it_can_be_switched_off_net_ipv4_tcp_moderate_rcvbuf) {
    config.moderate_receive_buffer = false;
    accept_scaling();
    for (int i = 0; i < 6; ++i)
        round();
    EXPECT_EQ(limit(), config.receive_buffer_bytes);
}

TEST_F(ReceiveTuning, a_chosen_buffer_shrinks_as_its_promises_are_used_up_rfc9293_shld_14) {
    accept_scaling();
    round();
    hear();
    app.sets(socket::Option::receive_buffer, 10'000);
    hear();
    EXPECT_GT(limit(), 60'000U);  // Peer::overhear() checks that the edge stays
    for (int i = 0; i < 5; ++i)
        round();
    EXPECT_LE(limit(), 10'200U);
    EXPECT_LE(peer.stack_window(), 10'200U);
}

TEST_F(ReceiveTuning, the_scale_is_that_of_the_largest_buffer_rfc7323_2_3) {
    config.receive_buffer_bytes = 10'000;
    app.connects();
    stack.sends({.win = 10'000, .syn = true, .wscale = 7});  // 6 MB
}

TEST_F(ReceiveTuning, a_listener_offers_the_same_scale_rfc7323_2_3) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .wscale = 2});
    stack.sends({.win = 65'535, .syn = true, .wscale = 7});
}

TEST_F(ReceiveTuning, the_window_does_not_depend_on_the_mtu_rfc9293_3_8_6) {
    script.mtu = 576;
    accept_connection({.mss = 536, .wscale = 7});
    peer.sends({.length = 536});
    peer.sends({.length = 536});
    stack.sends({});
    EXPECT_GE(peer.stack_window(), config.receive_buffer_bytes - 3 * 536);
    EXPECT_EQ(limit(), config.receive_buffer_bytes);
}

TEST_F(ReceiveTuning, a_clamp_bounds_the_window_tcp_window_clamp) {
    accept_connection({.mss = 1460});
    change_options(script, peer, [](tcp::Options& o) { o.window_clamp = 5000; });
    round();  // what was promised before
    round();
    EXPECT_LE(peer.stack_window(), 5000U);
    EXPECT_GE(peer.stack_window(), 5000U - 1460U);
}

TEST_F(ReceiveTuning, what_a_reader_waits_for_fits_the_window_so_rcvlowat) {
    accept_scaling();
    change_options(script, peer, [](tcp::Options& o) { o.receive_low_water = 500'000; });
    EXPECT_EQ(limit(), 500'000U);
    change_options(script, peer, [](tcp::Options& o) { o.receive_low_water = 0x7fff'ffff; });
    EXPECT_EQ(limit(), config.receive_buffer_max_bytes);
}

TEST_F(ReceiveTuning, a_promise_that_creeps_by_rounding_is_bounded_rfc7323_2_3) {
    // A full scaled window, one byte at a time: each ACK rounds the window up, never down.
    config.receive_buffer_bytes = 8000;
    config.receive_buffer_max_bytes = 64 * 1024 * 1024;  // a shift of 11
    config.moderate_receive_buffer = false;
    config.delayed_ack_segments = 1;
    accept_connection({.mss = 1460, .wscale = 10});
    auto& connection = connection_of(script, peer);
    for (int i = 0; i < 5; ++i) {
        peer.sends({.length = 1460});
        script.heard().clear();
    }
    for (int i = 0; i < 10'000 && script.goes_on(); ++i) {
        if (connection.receiver().wnd() > 0) peer.sends({.length = 1});
        script.heard().clear();
        if (script.last_fate().reason == DropReason::tcp_receive_buffer_full) break;
    }
    EXPECT_LE(connection.receiver().queued_bytes(), 8000U + 2000U + 2048U);
}

TEST_F(ReceiveTuning, an_idle_connection_holds_nothing_design_6) {
    accept_scaling();
    EXPECT_EQ(connection_of(script, peer).receiver().memory_bytes(), 0U);
    round();
    EXPECT_EQ(connection_of(script, peer).receiver().memory_bytes(), 0U);
    EXPECT_LE(sizeof(tcp::Receiver), 72U);
}

}  // namespace
}  // namespace berth::harness
