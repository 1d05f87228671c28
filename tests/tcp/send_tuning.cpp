// How much may be queued: the tuned send buffer, SO_SNDBUF and TCP_NOTSENT_LOWAT; and the
// congestion window after silence.
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

constexpr std::size_t mss = 1000;

class SendTuning : public SendingTest {
  protected:
    void SetUp() override {
        config.send_buffer_bytes = 10'000;
        config.send_buffer_max_bytes = 50'000;
    }
    // The peer acknowledges what it has, segment by segment, until the stack falls silent.
    void drain() {
        for (int rounds = 0; rounds < 1000 && connection().unacknowledged_bytes() > 0; ++rounds) {
            peer.sends({});
            while (script.goes_on() && !script.heard().empty())
                peer.takes(stack.sends_something(), {});
        }
    }
    void send_all(std::size_t bytes) {
        for (int rounds = 0; script.goes_on() && bytes > 0 && rounds < 1000; ++rounds) {
            bytes -= writes(bytes);
            while (script.goes_on() && !script.heard().empty())
                peer.takes(stack.sends_something(), {});
            drain();
        }
    }
};

TEST_F(SendTuning, the_buffer_grows_to_two_congestion_windows_linux_tcp_wmem) {
    accept_connection({.mss = mss});
    EXPECT_EQ(connection().send_room(), 20'000U);
    EXPECT_EQ(writes(50'000), 20'000U);
    stack.sends_run(10, mss);
    peer.sends({.ack = 1001});
    stack.sends_run(2, mss);
    EXPECT_EQ(connection().sender().congestion().cwnd(), 11'000U);
    EXPECT_EQ(connection().send_room(), 22'000U - 19'000U);
}

TEST_F(SendTuning, but_not_beyond_the_bound_linux_tcp_wmem) {
    accept_connection({.mss = mss});
    send_all(1'000'000);
    EXPECT_EQ(connection().unacknowledged_bytes(), 0U);
    EXPECT_GT(connection().sender().congestion().cwnd(), 25'000U);
    EXPECT_EQ(connection().send_room(), 50'000U);
}

TEST_F(SendTuning, what_the_user_has_set_stays_socket7) {
    accept_connection({.mss = mss});
    chooses([](tcp::Options& options) { options.send_buffer_bytes = 7'000; });
    send_all(200'000);
    EXPECT_GT(connection().sender().congestion().cwnd(), 7'000U);
    EXPECT_EQ(connection().send_room(), 7'000U);
}

TEST_F(SendTuning, only_so_much_may_be_unsent_tcp7_notsent_lowat) {
    config.send_buffer_bytes = config.send_buffer_max_bytes = 50'000;
    accept_connection({.mss = mss});
    chooses([](tcp::Options& options) { options.notsent_low_water = 3'000; });
    EXPECT_EQ(connection().send_room(), 3'000U);
    // While the congestion window takes it, it is sent and so not unsent.
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(writes(mss), mss);
        stack.sends({.length = mss});
    }
    EXPECT_EQ(writes(50'000), 3'000U);
    stack.sends_nothing();
    EXPECT_EQ(connection().unsent_bytes(), 3'000U);
    EXPECT_EQ(connection().send_room(), 0U);
    app.is_writable(false);
    peer.sends({.ack = 1001});
    stack.sends_run(2, mss);
    EXPECT_EQ(connection().unsent_bytes(), 1'000U);
    app.is_writable();
}

TEST_F(SendTuning, the_stack_has_a_knob_for_it_linux_tcp_notsent_lowat) {
    config.notsent_low_water = 2'000;
    accept_connection({.mss = mss});
    EXPECT_EQ(connection().send_room(), 2'000U);
    chooses([](tcp::Options& options) { options.notsent_low_water = 4'000; });
    EXPECT_EQ(connection().send_room(), 4'000U);
}

TEST_F(SendTuning, a_third_of_the_buffer_must_be_free_for_a_writer_posix) {
    config.send_buffer_max_bytes = 10'000;  // less than two initial windows
    accept_connection({.mss = mss});
    EXPECT_EQ(writes(6'666), 6'666U);
    stack.sends_run(6, mss);
    app.is_writable();
    EXPECT_EQ(writes(1), 1U);
    app.is_writable(false);
}

TEST_F(SendTuning, the_window_may_be_kept_over_silence_linux_tcp_slow_start_after_idle) {
    config.send_buffer_bytes = config.send_buffer_max_bytes = 200'000;
    config.slow_start_after_idle = false;
    accept_connection({.mss = mss});
    send_all(80'000);
    const std::uint32_t cwnd = connection().sender().congestion().cwnd();
    EXPECT_GT(cwnd, 20'000U);
    advance(seconds(60));
    writes(20'000);
    stack.sends_run(20, mss);
    EXPECT_EQ(connection().sender().congestion().cwnd(), cwnd);
}

}  // namespace
}  // namespace berth::harness
