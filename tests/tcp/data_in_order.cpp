// Data as it should be (RFC 9293 §3.10.2, §3.10.3, §3.10.7.4 seventh).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class DataInOrder : public ScriptTest {};

TEST_F(DataInOrder, what_the_peer_sends_is_read_in_order_rfc9293_3_10_7_4_seventh) {
    accept_connection();
    peer.sends({.length = 1000});
    delivered();
    peer.sends({.length = 460});
    peer.sends({.length = 540});
    stack.sends({.ack = 2001});
    app.reads(2000);
    app.read_fails(std::errc::operation_would_block);
}

TEST_F(DataInOrder, a_read_may_take_parts_of_a_segment_rfc9293_3_10_3) {
    accept_connection();
    peer.sends({.length = 100});
    app.reads(1);
    app.reads(98);
    app.is_readable();
    app.reads(1);
    app.is_readable(false);
    advance(config.delayed_ack);
    stack.sends({});
}

TEST_F(DataInOrder, peeking_leaves_the_data_posix) {
    accept_connection();
    peer.sends({.length = 100});
    std::array<std::uint8_t, 100> data{};
    const std::array<MutableBytes, 1> parts{MutableBytes(data)};
    const auto peeked = app.socket().receive(parts, {.peek = true});
    ASSERT_TRUE(peeked);
    EXPECT_EQ(peeked->bytes, 100U);
    app.reads(100);
    advance(config.delayed_ack);
    stack.sends({});
}

TEST_F(DataInOrder, what_the_app_sends_goes_in_full_segments_rfc9293_3_7_1) {
    accept_connection();
    app.sends(2920);
    stack.sends_run(2, 1460);
    peer.sends({});
    EXPECT_FALSE(app.socket().has_unacknowledged());
}

TEST_F(DataInOrder, the_last_segment_of_a_send_has_psh_rfc9293_3_9_1_2_must_61) {
    accept_connection();
    app.sends(2000);
    stack.sends({.length = 1460});
    peer.sends({});
    stack.sends({.length = 540, .psh = true});
}

TEST_F(DataInOrder, data_is_acknowledged_on_what_goes_the_other_way_rfc9293_3_8_6_3) {
    accept_connection();
    peer.sends({.length = 100});
    app.sends(50);
    stack.sends({.length = 50, .ack = 101});
    advance(seconds(1) / 10);
    stack.sends_nothing();
}

TEST_F(DataInOrder, data_is_kept_until_it_is_acknowledged_rfc9293_3_8) {
    accept_connection();
    app.sends(1000);
    stack.sends({.length = 1000});
    EXPECT_TRUE(app.socket().has_unacknowledged());
    peer.sends({.ack = 501});
    EXPECT_TRUE(app.socket().has_unacknowledged());
    peer.sends({.ack = 1001});
    EXPECT_FALSE(app.socket().has_unacknowledged());
}

TEST_F(DataInOrder, ack_of_what_was_never_sent_is_answered_and_dropped_rfc9293_3_10_7_4_fifth) {
    accept_connection();
    peer.sends({.ack = 2});
    dropped(DropReason::tcp_ack_of_unsent);
    stack.sends({.seq = 1, .ack = 1});
    state_is(State::established);
}

TEST_F(DataInOrder, a_repeated_ack_of_the_past_is_harmless_rfc9293_3_10_7_4_fifth) {
    accept_connection();
    app.sends(1000);
    stack.sends({.length = 1000});
    peer.sends({});
    peer.sends({.ack = 1});
    stack.sends_nothing();
    state_is(State::established);
}

TEST_F(DataInOrder, segment_without_ack_is_dropped_rfc9293_3_10_7_4_fifth) {
    accept_connection();
    peer.sends({.length = 10, .no_ack = true});
    dropped(DropReason::tcp_no_ack);
    app.is_readable(false);
}

TEST_F(DataInOrder, the_send_buffer_is_bounded_and_opens_again_posix) {
    config.send_buffer_bytes = config.send_buffer_max_bytes = 4000;
    accept_connection();
    EXPECT_EQ(app.sends_some(10000), 4000U);
    stack.sends_run(2, 1460);
    EXPECT_EQ(app.sends_some(1), 0U);
    app.is_writable(false);
    peer.sends({});
    stack.sends({.length = 1080});
    app.is_writable();
    EXPECT_EQ(app.sends_some(10000), 2920U);
    script.heard().clear();
}

TEST_F(DataInOrder, a_frame_the_device_refuses_is_sent_when_there_is_room_design_3) {
    accept_connection();
    script.device().room = 0;
    app.sends(1000);
    stack.sends_nothing();
    script.device().room = FakeDevice::without_limit;
    stack.sends({.length = 1000});
}

TEST_F(DataInOrder, a_device_with_room_for_one_gets_one_at_a_time_design_3) {
    accept_connection();
    script.device().room = 1;
    app.sends(2920);
    stack.sends({.length = 1460});
    stack.sends_nothing();
    script.device().room = 1;
    stack.sends({.length = 1460});
    stack.sends_nothing();
}

}  // namespace
}  // namespace berth::harness
