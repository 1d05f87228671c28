// What a connection says of itself: TCP_INFO's numbers and ss's timers (Linux tcp(7), ss(8)).
#include <algorithm>

#include "harness/script_fixture.hpp"
#include "socket/sockets.hpp"
#include "tcp/wrap_count.hpp"

namespace berth::harness {
namespace {

class ConnectionInfo : public ScriptTest {
  protected:
    // Of the one entry in the four-tuple table.
    tcp::Info info() {
        for (const socket::Row& row : socket::detailed_rows(script.core(), script.now()))
            if (row.details) return row.details->info;
        ADD_FAILURE() << "there is no connection";
        return {};
    }
    using Kind = tcp::TimerInfo::Kind;
};

TEST_F(ConnectionInfo, neither_syn_nor_fin_is_a_byte) {
    accept_connection();
    EXPECT_EQ(info().bytes_acked, 0U);
    EXPECT_EQ(info().bytes_received, 0U);
    EXPECT_EQ(info().timer.kind, Kind::none);
    app.sends(100);
    stack.sends({.length = 100});
    EXPECT_EQ(info().flight, 100U);
    peer.sends({.length = 30});
    peer.sends({.ack = 101});
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({.ack = 102, .fin = true});
    stack.sends({});
    EXPECT_EQ(info().state, State::time_wait);
    EXPECT_EQ(info().timer.kind, Kind::time_wait);
    EXPECT_EQ(info().timer.left, seconds(60));
}

TEST_F(ConnectionInfo, bytes_and_segments_are_counted_both_ways) {
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends({.length = 30, .ack = 101});
    advance(milliseconds(40));
    stack.sends({});
    const tcp::Info now = info();
    EXPECT_EQ(now.state, State::established);
    EXPECT_EQ(now.bytes_acked, 100U);
    EXPECT_EQ(now.bytes_received, 30U);
    EXPECT_EQ(now.rcv_mss, 30U);
    EXPECT_EQ(now.flight, 0U);
    EXPECT_EQ(now.segs_out, 2U);  // the SYN,ACK was the half-open record's
    EXPECT_EQ(now.segs_in, 2U);   // the handshake's last, and the data
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({.ack = 102});
    EXPECT_EQ(info().bytes_acked, 100U);
    EXPECT_EQ(info().state, State::fin_wait_2);
}

TEST_F(ConnectionInfo, the_retransmission_timer_counts_its_tries) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sends(100);
    stack.loses({.length = 100});
    EXPECT_EQ(info().timer.kind, Kind::on);
    EXPECT_EQ(info().timer.left, seconds(1));
    EXPECT_EQ(info().timer.tries, 0);
    advance(seconds(1));
    stack.loses({.seq = 1, .length = 100});
    const tcp::Info now = info();
    EXPECT_EQ(now.timer.kind, Kind::on);
    EXPECT_EQ(now.timer.left, seconds(2));
    EXPECT_EQ(now.timer.tries, 1);
    EXPECT_EQ(now.backoff, 1);
    EXPECT_EQ(now.rto, seconds(2));
    EXPECT_TRUE(now.in_loss);
    EXPECT_EQ(now.retransmissions, 1U);
}

TEST_F(ConnectionInfo, a_closed_window_has_the_persist_timer) {
    accept_connection();
    peer.sends({.win = 0});
    app.sends(100);
    stack.sends_nothing();
    const tcp::Info now = info();
    EXPECT_EQ(now.timer.kind, Kind::persist);
    EXPECT_TRUE(now.is_probing);
    EXPECT_FALSE(now.in_loss);
    EXPECT_EQ(now.snd_wnd, 0U);
    EXPECT_EQ(now.notsent_bytes, 100U);
}

TEST_F(ConnectionInfo, the_handshake_is_told_as_agreed) {
    accept_connection({.mss = 1400, .wscale = 9, .sack_ok = true});
    const tcp::Info now = info();
    EXPECT_EQ(now.snd_wscale, 9);
    EXPECT_TRUE(now.window_scaling);
    EXPECT_TRUE(now.sack);
    EXPECT_FALSE(now.timestamps);
    EXPECT_EQ(now.snd_mss, 1400U);
    EXPECT_EQ(now.advmss, 1460U);
    EXPECT_EQ(now.pmtu, 1500U);
    EXPECT_TRUE(now.ssthresh_is_infinite);
}

TEST(WrapCount, a_count_goes_on_beyond_its_lower_half) {
    tcp::WrapCount count;
    EXPECT_EQ(count.whole(7), 7U);
    count.follow(7, 0xffff'fff0);
    EXPECT_EQ(count.whole(0xffff'fff0), 0xffff'fff0U);
    count.follow(0xffff'fff0, 10);
    EXPECT_EQ(count.whole(10), 0x1'0000'000aULL);
    count.follow(10, 10);
    EXPECT_EQ(count.whole(10), 0x1'0000'000aULL);
}

}  // namespace
}  // namespace berth::harness
