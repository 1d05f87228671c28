// When data is acknowledged (RFC 9293 §3.8.6.3, RFC 5681 §4.2).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class DelayedAck : public ScriptTest {};

TEST_F(DelayedAck, a_single_segment_waits_but_not_long_rfc9293_3_8_6_3_must_58) {
    accept_connection();
    peer.sends({.length = 1460});
    stack.sends_nothing();
    advance(config.delayed_ack - microseconds(100));
    stack.sends_nothing();
    advance(microseconds(100));
    stack.sends({.ack = 1461});
    EXPECT_LE(config.delayed_ack, milliseconds(500));
}

TEST_F(DelayedAck, every_second_full_segment_is_acknowledged_rfc9293_3_8_6_3_must_59) {
    accept_connection();
    for (std::uint32_t i = 0; i < 5; ++i) {
        peer.sends({.length = 1460});
        stack.sends_nothing();
        peer.sends({.length = 1460});
        stack.sends({.ack = 2921 + 2920 * i});
    }
}

TEST_F(DelayedAck, the_delay_begins_with_the_first_unacknowledged_segment_rfc9293_3_8_6_3) {
    accept_connection();
    peer.sends({.length = 1000});
    advance(config.delayed_ack / 2);
    peer.sends({.length = 10});
    advance(config.delayed_ack / 2);
    stack.sends({.ack = 1011});
}

TEST_F(DelayedAck, a_fin_is_acknowledged_at_once_rfc9293_3_10_7_4_eighth) {
    accept_connection();
    peer.sends({.length = 10, .fin = true});
    stack.sends({.ack = 12});
}

TEST_F(DelayedAck, a_bare_ack_is_never_acknowledged_rfc9293_3_8_6_3) {
    accept_connection();
    peer.sends({});
    peer.sends({});
    advance(seconds(10));
    stack.sends_nothing();
}

}  // namespace
}  // namespace berth::harness
