// Slow start and congestion avoidance (RFC 5681 §3.1, RFC 6928, RFC 3465).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

constexpr std::size_t mss = 1000;

class Congestion : public ScriptTest {
  protected:
    void SetUp() override {
        config.send_buffer_bytes = 1'000'000;
        config.rto_min = seconds(1);
        accept_connection({.mss = 1000});
    }
    // The network loses this many full segments.
    void lose_run(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            stack.loses({.length = mss});
    }
};

TEST_F(Congestion, the_initial_window_is_ten_segments_rfc6928_2) {
    app.sends(100'000);
    stack.sends_run(10, mss);
    stack.sends_nothing();
}

TEST_F(Congestion, each_ack_of_a_segment_lets_two_go_in_slow_start_rfc5681_3_1) {
    app.sends(100'000);
    stack.sends_run(10, mss);
    for (std::uint32_t i = 1; i <= 5; ++i) {
        peer.sends({.ack = 1 + 1000 * i});
        stack.sends_run(2, mss);
        stack.sends_nothing();
    }
}

TEST_F(Congestion, a_stretch_ack_counts_for_two_segments_at_most_rfc3465_2_2) {
    app.sends(100'000);
    stack.sends_run(10, mss);
    peer.sends({.ack = 8001});
    stack.sends_run(10, mss);  // eight have left, and the window grew by two
    stack.sends_nothing();
}

TEST_F(Congestion, an_ack_of_nothing_opens_nothing_rfc5681_3_1) {
    app.sends(100'000);
    stack.sends_run(10, mss);
    peer.sends({.ack = 1});
    peer.sends({.ack = 1});
    stack.sends_nothing();
}

TEST_F(Congestion, a_timeout_leaves_one_segment_rfc5681_3_1) {
    app.sends(100'000);
    lose_run(10);
    advance(seconds(1));
    stack.sends({.seq = 1, .length = mss});
    stack.sends_nothing();
}

TEST_F(Congestion, after_a_timeout_slow_start_goes_to_half_the_flight_rfc5681_3_1_equation_4) {
    app.sends(100'000);
    lose_run(10);
    advance(seconds(1));
    stack.sends({.seq = 1, .length = mss});
    // cwnd 1 → 2 → 3 → 4 → 5: ssthresh is half of ten segments in flight.
    std::uint32_t acked = 1;
    std::uint32_t next = 1001;
    for (int cwnd = 2; cwnd <= 5; ++cwnd) {
        acked += 1000;
        peer.sends({.ack = acked});
        while (script.goes_on() && next < acked + 1000 * static_cast<std::uint32_t>(cwnd)) {
            stack.sends({.seq = next, .length = mss});
            next += 1000;
        }
        stack.sends_nothing();
    }
    // From here a whole window must be acknowledged for one more segment (congestion avoidance).
    for (int i = 0; i < 4; ++i) {
        acked += 1000;
        peer.sends({.ack = acked});
        stack.sends({.seq = next, .length = mss});
        next += 1000;
        stack.sends_nothing();
    }
    acked += 1000;
    peer.sends({.ack = acked});
    stack.sends({.seq = next, .length = mss});
    stack.sends({.seq = next + 1000, .length = mss});
    stack.sends_nothing();
}

TEST_F(Congestion, after_an_idle_timeout_the_window_restarts_rfc5681_4_1) {
    app.sends(40'000);
    stack.sends_run(10, mss);
    std::uint32_t acked = 1;
    std::uint32_t sent = 10'001;
    while (acked < 40'001 && script.goes_on()) {
        acked = sent;
        peer.sends({.ack = acked});
        while (script.goes_on() && !script.heard().empty()) {
            stack.sends({.length = mss});
            sent += 1000;
        }
    }
    advance(seconds(10));
    app.sends(100'000);
    stack.sends_run(10, mss);  // not the larger window from before
    stack.sends_nothing();
}

TEST_F(Congestion, the_peers_window_bounds_it_too_rfc5681_3_1) {
    peer.sends({.win = 3000});
    app.sends(100'000);
    stack.sends_run(3, mss);
    stack.sends_nothing();
}

}  // namespace
}  // namespace berth::harness
