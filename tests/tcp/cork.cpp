// TCP_CORK and MSG_MORE (tcp(7), send(2)): only full segments, for a while.
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class Cork : public SendingTest {
  protected:
    void cork(bool on) {
        chooses([&](tcp::Options& options) { options.cork = on; });
    }
    void no_delay() {
        chooses([](tcp::Options& options) { options.no_delay = true; });
    }
};

TEST_F(Cork, small_segments_wait_though_nothing_is_in_flight_tcp7) {
    accept_connection();
    cork(true);
    writes(100);
    writes(200);
    stack.sends_nothing();
    cork(false);
    stack.sends({.length = 300, .psh = true});
}

TEST_F(Cork, full_segments_go_tcp7) {
    accept_connection();
    cork(true);
    writes(3000);
    stack.sends_run(2, 1460);
    stack.sends_nothing();
    peer.sends({});
    stack.sends_nothing();
    writes(1380);
    stack.sends({.length = 1460});
}

TEST_F(Cork, after_200_ms_what_is_there_goes_tcp7) {
    accept_connection();
    cork(true);
    writes(100);
    advance(milliseconds(150));
    writes(50);
    advance(milliseconds(49));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.length = 150, .psh = true});
    // The cork is still there.
    peer.sends({});
    writes(10);
    stack.sends_nothing();
    advance(milliseconds(200));
    stack.sends({.length = 10});
    EXPECT_EQ(counted(tcp::Count::win_probe), 0U);
    EXPECT_EQ(counted(tcp::Count::timeouts), 0U);
}

TEST_F(Cork, the_200_ms_are_no_retransmission_timeout_rfc6298_5_1) {
    config.rto_min = seconds(1);
    accept_connection();
    cork(true);
    writes(100);
    advance(milliseconds(200));
    stack.loses({.length = 100});
    advance(seconds(1) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 1, .length = 100});
}

TEST_F(Cork, filling_the_segment_in_time_starts_the_timer_of_a_sent_one_rfc6298_5_1) {
    config.rto_min = seconds(1);
    accept_connection();
    cork(true);
    writes(100);
    advance(milliseconds(199));
    writes(1360);
    stack.loses({.length = 1460});
    advance(seconds(1) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 1, .length = 1460});
}

TEST_F(Cork, switching_nagle_off_flushes_once_in_spite_of_it_tcp7) {
    accept_connection();
    cork(true);
    writes(100);
    no_delay();
    stack.sends({.length = 100});
    writes(50);
    stack.sends_nothing();
    cork(false);
    stack.sends({.length = 50});
}

TEST_F(Cork, pulling_it_leaves_nagle_in_force_rfc9293_3_7_4) {
    accept_connection();
    writes(10);
    stack.sends({.length = 10});
    cork(true);
    writes(20);
    cork(false);
    stack.sends_nothing();
    peer.sends({});
    stack.sends({.length = 20});
}

TEST_F(Cork, closing_sends_everything_rfc9293_3_10_4) {
    accept_connection();
    cork(true);
    writes(100);
    app.shuts_down();
    stack.sends({.length = 100, .fin = true});
}

TEST_F(Cork, more_holds_a_small_segment_until_the_call_that_ends_it_send2) {
    accept_connection();
    writes(100, {.more = true});
    writes(200, {.more = true});
    stack.sends_nothing();
    writes(300);
    stack.sends({.length = 600, .psh = true});
}

TEST_F(Cork, more_holds_no_full_segment_send2) {
    accept_connection();
    writes(1500, {.more = true});
    stack.sends({.length = 1460});
    stack.sends_nothing();
}

TEST_F(Cork, more_that_does_not_come_is_waited_for_200_ms_rfc9293_3_9_1_2_must_60) {
    accept_connection();
    writes(100, {.more = true});
    advance(milliseconds(199));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.length = 100});
}

TEST_F(Cork, putting_it_in_and_out_ends_more_as_well_tcp7) {
    accept_connection();
    writes(100, {.more = true});
    cork(true);
    stack.sends_nothing();
    cork(false);
    stack.sends({.length = 100});
}

TEST_F(Cork, a_device_that_takes_nothing_is_no_cork_design_3) {
    accept_connection();
    script.device().room = 0;
    writes(100);
    stack.sends_nothing();
    // Nothing to time: the segment waits for the device alone.
    EXPECT_TRUE(script.core().next_deadline().is_never());
    script.device().room = FakeDevice::without_limit;
    stack.sends({.length = 100});
}

}  // namespace
}  // namespace berth::harness
