// When a segment is acknowledged at once although it is the first (TCP_QUICKACK; as Linux does at
// the beginning of a connection), and when an ACK waits for data to go with.
#include "harness/inside.hpp"
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class QuickAck : public ScriptTest {
  protected:
    void SetUp() override { config.quick_ack_segments = 16; }
    tcp::Connection& connection() { return connection_of(script, peer); }
};

TEST_F(QuickAck, the_first_segments_are_acknowledged_at_once_rfc5681_4_2) {
    accept_connection();
    EXPECT_TRUE(connection().quick_ack());
    for (std::uint32_t i = 1; i <= 16; ++i) {
        peer.sends({.length = 100});
        stack.sends({.ack = 1 + 100 * i});
    }
    EXPECT_FALSE(connection().quick_ack());
    peer.sends({.length = 100});
    stack.sends_nothing();
    peer.sends({.length = 100});
    stack.sends({.ack = 1801});
}

TEST_F(QuickAck, a_small_buffer_has_fewer_of_them) {
    config.receive_buffer_bytes = 4 * 1460;
    accept_connection();
    for (int i = 0; i < 2; ++i) {
        peer.sends({.length = 100});
        stack.sends({});
    }
    peer.sends({.length = 100});
    stack.sends_nothing();
    advance(config.delayed_ack);
    stack.sends({});
}

TEST_F(QuickAck, who_answers_lets_its_acks_wait_for_the_answers_rfc9293_3_8_6_3_shld_18) {
    accept_connection();
    script.device().room = 0;
    peer.sends({.length = 100});
    app.sends(50);
    script.device().room = FakeDevice::without_limit;
    stack.sends({.length = 50, .ack = 101});  // one segment, not two (MUST-58)
    EXPECT_FALSE(connection().quick_ack());
    peer.sends({.length = 100});
    stack.sends_nothing();
    app.sends(50);
    stack.sends({.length = 50, .ack = 201});
    advance(seconds(1) / 10);
    stack.sends_nothing();
}

TEST_F(QuickAck, the_user_can_ask_for_it_tcp_quickack) {
    config.quick_ack_segments = 0;
    accept_connection();
    peer.sends({.length = 100});
    stack.sends_nothing();
    connection().set_quick_ack(true);
    script.settle({});
    stack.sends({.ack = 101});
    peer.sends({.length = 100});
    stack.sends({.ack = 201});
    EXPECT_TRUE(connection().quick_ack());
}

TEST_F(QuickAck, the_user_can_do_without_it_tcp_quickack) {
    accept_connection();
    connection().set_quick_ack(false);
    EXPECT_FALSE(connection().quick_ack());
    peer.sends({.length = 100});
    stack.sends_nothing();
    advance(config.delayed_ack);
    stack.sends({.ack = 101});
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::delayed_acks], 1U);
}

TEST_F(QuickAck, the_delay_is_less_than_200_ms_rfc9293_3_8_6_3_must_40) {
    EXPECT_LE(config.delayed_ack, milliseconds(200));
}

}  // namespace
}  // namespace berth::harness
