// When to send: the sender's silly window avoidance (RFC 9293 §3.8.6.2.1), rule by rule.
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class SillyWindow : public SendingTest {};

TEST_F(SillyWindow, rule_1_a_full_segment_goes_rfc9293_3_8_6_2_1_must_38) {
    peer.window = 10'000;
    accept_connection();
    writes(3000);
    stack.sends_run(2, 1460);
}

TEST_F(SillyWindow, rule_2_all_there_is_goes_when_nothing_is_in_flight_rfc9293_3_8_6_2_1) {
    peer.window = 10'000;
    accept_connection();
    writes(7);
    stack.sends({.length = 7});
}

TEST_F(SillyWindow, rule_3_half_of_the_largest_window_goes_rfc9293_3_8_6_2_1) {
    peer.window = 1000;
    accept_connection();
    writes(5000);
    stack.sends({.length = 1000});
    peer.sends({.win = 500});
    stack.sends({.length = 500});
}

TEST_F(SillyWindow, rule_3_asks_for_idleness_only_with_nagle_rfc9293_3_8_6_2_1) {
    peer.window = 1000;
    accept_connection();
    writes(400);
    stack.sends({.length = 400});
    writes(5000);
    stack.sends_nothing();
    chooses([](tcp::Options& options) { options.no_delay = true; });
    stack.sends({.length = 600});
}

TEST_F(SillyWindow, small_pieces_of_window_are_left_alone_rfc9293_3_8_6_2_1_must_38) {
    peer.window = 5840;
    accept_connection();
    chooses([](tcp::Options& options) { options.no_delay = true; });
    writes(20'000);
    stack.sends_run(4, 1460);
    for (std::uint16_t room = 0; room < 1460; room = static_cast<std::uint16_t>(room + 365)) {
        peer.sends({.ack = 1461, .win = static_cast<std::uint16_t>(4380 + room)});
        stack.sends_nothing();
    }
    peer.sends({.ack = 1461, .win = 5840});
    stack.sends({.length = 1460});
}

TEST_F(SillyWindow, rule_4_the_override_timeout_is_a_fifth_of_a_second_rfc9293_3_8_6_2_1) {
    config.rto_min = seconds(10);
    peer.window = 1000;
    accept_connection();
    writes(3000);
    stack.sends({.length = 1000});
    peer.sends({.win = 100});
    advance(milliseconds(199));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.length = 100});
    EXPECT_EQ(counted(tcp::Count::win_probe), 0U);
    EXPECT_EQ(counted(tcp::Count::timeouts), 0U);
}

TEST_F(SillyWindow, the_override_is_no_sign_of_failure_rfc9293_3_8_3) {
    config.data_retries = 1;
    peer.window = 1000;
    accept_connection();
    writes(3000);
    stack.sends({.length = 1000});
    for (int i = 0; i < 10; ++i) {
        peer.sends({.win = 100});
        advance(milliseconds(200));
        stack.sends({.length = 100});
    }
    state_is(State::established);
}

}  // namespace
}  // namespace berth::harness
