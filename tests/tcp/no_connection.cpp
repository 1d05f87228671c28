// Segments for nobody (RFC 9293 §3.10.7.1, §3.5.2 group 1).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class NoConnection : public ScriptTest {};

TEST_F(NoConnection, a_syn_is_reset_with_seq_0_and_its_ack_rfc9293_3_10_7_1) {
    peer.sends({.syn = true});
    dropped(DropReason::tcp_no_connection);
    stack.sends({.seq = 0, .ack = 1, .rst = true});
}

TEST_F(NoConnection, data_without_ack_is_counted_in_the_resets_ack_rfc9293_3_10_7_1) {
    peer.sends({.seq = 100, .length = 50, .fin = true, .no_ack = true});
    dropped(DropReason::tcp_no_connection);
    stack.sends({.seq = 0, .ack = 151, .rst = true});
}

TEST_F(NoConnection, a_segment_with_ack_is_reset_with_that_number_rfc9293_3_10_7_1) {
    peer.sends({.seq = 100, .length = 50, .ack = 12345});
    dropped(DropReason::tcp_no_connection);
    const Heard reset = stack.sends({.seq = 12345, .rst = true});
    EXPECT_FALSE(reset.header.flags.ack);
}

TEST_F(NoConnection, a_syn_ack_is_reset_rfc9293_3_10_7_1) {
    peer.sends({.ack = 99, .syn = true});
    stack.sends({.seq = 99, .rst = true});
}

TEST_F(NoConnection, a_reset_is_never_answered_rfc9293_3_10_7_1) {
    peer.sends({.rst = true, .no_ack = true});
    dropped(DropReason::tcp_no_connection);
    peer.sends({.ack = 5, .rst = true});
    dropped(DropReason::tcp_no_connection);
    stack.sends_nothing();
}

TEST_F(NoConnection, a_reset_carries_no_payload_and_no_options_rfc9293_3_5_2) {
    peer.sends({.length = 1000, .syn = true, .mss = 1460, .ts = Timestamps{1, 0}});
    const Heard reset = stack.sends({.seq = 0, .ack = 1001, .rst = true});
    EXPECT_EQ(reset.header.options, wire::TcpOptions{});
}

TEST_F(NoConnection, a_segment_to_the_broadcast_address_is_never_answered_rfc9293_3_9_2_3_must_57) {
    app.listens();
    peer.stack_endpoint.address = Ipv4Address(192, 0, 2, 255);
    peer.sends({.syn = true});
    dropped(DropReason::tcp_to_group);
    stack.sends_nothing();
}

TEST_F(NoConnection, a_segment_from_a_broadcast_address_is_never_answered_rfc9293_3_9_2_3_must_63) {
    app.listens();
    Peer liar(script, {Ipv4Address(192, 0, 2, 255), 40000}, "liar");
    liar.sends({.syn = true});
    EXPECT_EQ(script.last_fate().kind, FateKind::dropped);
    Peer group(script, {Ipv4Address(224, 0, 0, 1), 40000}, "group");
    group.sends({.syn = true});
    EXPECT_EQ(script.last_fate().kind, FateKind::dropped);
    stack.sends_nothing();
}

TEST_F(NoConnection, port_zero_is_nobodys_rfc6335_6) {
    Peer zero(script, {Peer::default_endpoint.address, 0}, "port zero");
    app.listens();
    zero.sends({.syn = true});
    dropped(DropReason::tcp_port_zero);
    stack.sends_nothing();
}

TEST_F(NoConnection, resets_are_bounded_by_the_reply_queue_design_3) {
    script.device().room = 0;
    for (std::uint32_t i = 0; i < link::Interface::queue_limit_packets + 10; ++i)
        peer.sends({.seq = i, .syn = true});
    EXPECT_EQ(script.core().drops()[DropReason::reply_queue_overflow], 10U);
    script.device().room = FakeDevice::without_limit;
    script.settle({});
    EXPECT_EQ(script.heard().size(), link::Interface::queue_limit_packets);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
