// The stack as its host sees it: bursts in, frames pulled, deadlines, determinism, fates.
#include <gtest/gtest.h>

#include <numeric>

#include "harness/script_fixture.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

class WholeStack : public ScriptTest {};

TEST_F(WholeStack, an_idle_stack_has_no_deadline_and_no_output) {
    EXPECT_TRUE(script.core().next_deadline().is_never());
    EXPECT_FALSE(script.core().has_output(0));
    EXPECT_FALSE(script.core().poll(script.now()));
}

TEST_F(WholeStack, an_idle_connection_has_no_deadline) {
    accept_connection();
    EXPECT_TRUE(script.core().next_deadline().is_never());
}

TEST_F(WholeStack, nothing_is_sent_from_inside_receive_design_3) {
    accept_connection();
    Stack& stack_under_test = script.core();
    wire::TcpHeader header;
    header.source_port = peer.endpoint.port;
    header.destination_port = script.local.port;
    header.seq = peer.isn + 1000;  // ahead of a gap: an ACK is owed at once
    header.ack = peer.stack_isn() + 1;
    header.flags.ack = true;
    header.window = 1000;
    const std::vector<std::uint8_t> payload(10, 'x');
    const Packet packet = tcp_packet(header, peer.endpoint.address, script.local.address, payload);
    std::array<link::Frame, 1> burst{
        link::Frame::copy_of(packet, stack_under_test.buffers(), script.now())};
    stack_under_test.receive(0, burst, script.now());
    EXPECT_TRUE(script.device().sent.empty());
    EXPECT_TRUE(stack_under_test.has_output(0));
    EXPECT_EQ(stack_under_test.transmit(0, script.now(), 10), 1U);
    EXPECT_EQ(script.device().sent.size(), 1U);
    EXPECT_FALSE(stack_under_test.has_output(0));
    script.device().sent.clear();
}

TEST_F(WholeStack, transmit_keeps_to_its_budget) {
    accept_connection();
    const auto data = std::vector<std::uint8_t>(14'600, 'x');
    const std::array<Bytes, 1> parts{Bytes(data)};
    ASSERT_TRUE(app.socket().send(parts, std::nullopt));
    EXPECT_EQ(script.core().transmit(0, script.now(), 3), 3U);
    EXPECT_EQ(script.device().sent.size(), 3U);
    EXPECT_TRUE(script.core().has_output(0));
    EXPECT_EQ(script.core().transmit(0, script.now(), 100), 7U);
    EXPECT_FALSE(script.core().has_output(0));
    script.device().sent.clear();
}

TEST_F(WholeStack, a_burst_of_segments_is_delivered_and_acknowledged_once) {
    accept_connection();
    std::vector<link::Frame> burst;
    for (std::uint32_t i = 0; i < 4; ++i) {
        wire::TcpHeader header;
        header.source_port = peer.endpoint.port;
        header.destination_port = script.local.port;
        header.seq = peer.isn + 1 + 1000 * i;
        header.ack = peer.stack_isn() + 1;
        header.flags.ack = true;
        header.window = 1000;
        const auto payload = std::vector<std::uint8_t>(1000, static_cast<std::uint8_t>('a' + i));
        burst.push_back(link::Frame::copy_of(
            tcp_packet(header, peer.endpoint.address, script.local.address, payload),
            script.core().buffers(), script.now()));
    }
    const std::uint64_t frames_before = script.core().interface_at(0).counters().frames_in;
    script.core().receive(0, burst, script.now());
    EXPECT_EQ(script.core().interface_at(0).counters().frames_in - frames_before, 4U);
    script.core().transmit(0, script.now(), 100);
    EXPECT_EQ(script.device().sent.size(), 1U);  // RFC 9293 §3.8.6.3: an in-order run
    script.device().sent.clear();
    std::vector<std::uint8_t> data(4000);
    const std::array<MutableBytes, 1> into{MutableBytes(data)};
    const auto received = app.socket().receive(into, {});
    ASSERT_TRUE(received);
    EXPECT_EQ(received->bytes, 4000U);
    EXPECT_EQ(data[0], 'a');
    EXPECT_EQ(data[3999], 'd');
    script.device().sent.clear();
}

TEST_F(WholeStack, buffers_come_back_design_3) {
    accept_connection();
    for (int i = 0; i < 20; ++i) {
        peer.sends({.length = 1460});
        script.heard().clear();
    }
    peer.sends({.seq = 50'000, .length = 100});
    script.heard().clear();
    EXPECT_GT(script.core().buffers().outstanding(), 0U);
    peer.sends({.seq = 29'201, .rst = true});  // exactly RCV.NXT
    app.closes();
    script.heard().clear();
    EXPECT_EQ(script.core().buffers().outstanding(), 0U);
}

TEST_F(WholeStack, every_frame_has_one_fate_and_every_drop_is_counted_design_4) {
    // Script::put() fails when the number of fates differs; here the counters are compared as well.
    app.listens();
    Random random(Seed::from(1));
    const std::uint64_t frames = 2000;
    std::uint64_t dropped_packets = 0;
    for (std::uint64_t i = 0; i < frames; ++i) {
        std::vector<std::uint8_t> packet(random.below(80));
        for (std::uint8_t& octet : packet)
            octet = static_cast<std::uint8_t>(random.next_u32());
        if (!packet.empty() && random.below(2) == 0) packet[0] = 0x45;
        script.put(packet, {});
        if (script.last_fate().kind == FateKind::dropped) ++dropped_packets;
        script.heard().clear();
    }
    EXPECT_TRUE(script.goes_on());
    EXPECT_EQ(script.core().drops().total(), dropped_packets);
    EXPECT_EQ(script.core().interface_at(0).counters().frames_in, frames);
    EXPECT_EQ(script.core().interface_at(0).counters().dropped_in, dropped_packets);
}

TEST_F(WholeStack, a_stack_goes_with_everything_in_it) {
    // Nothing to compare: the sanitizers and the buffer pool's own checks judge.
    accept_connection();
    peer.sends({.length = 100});
    peer.sends({.seq = 5000, .length = 100});
    script.heard().clear();
    app.sends(100'000);
    script.heard().clear();
    Peer other(script, {peer.endpoint.address, 40001}, "other");
    other.sends({.syn = true});
    script.heard().clear();
    EXPECT_GT(script.core().buffers().outstanding(), 0U);
}

TEST(WholeStackPairs, many_stacks_live_in_one_process) {
    TwoHosts one;
    TwoHosts two;
    auto first = one.listener(one.server(), {{}, 80});
    auto second = two.listener(two.server(), {{}, 80});
    EXPECT_NE(first, nullptr);
    EXPECT_NE(second, nullptr);
    auto client = two.connected({TwoHosts::server_address, 80});
    EXPECT_TRUE(second->accept());
    EXPECT_FALSE(first->accept());
}

TEST(WholeStackPairs, rows_show_what_there_is) {
    TwoHosts hosts;
    auto listener = hosts.listener(hosts.server(), {{}, 80}, 7);
    auto client = hosts.connected({TwoHosts::server_address, 80});
    auto udp = hosts.datagram(hosts.server());
    ASSERT_EQ(udp->bind({{}, 53}), std::errc{});
    const auto listening = hosts.rows(hosts.server(), "LISTEN");
    ASSERT_EQ(listening.size(), 1U);
    EXPECT_EQ(listening[0].receive_queue, 1U);  // not yet accepted
    EXPECT_EQ(listening[0].send_queue, 7U);     // its backlog
    const auto unconnected = hosts.rows(hosts.server(), "UNCONN");
    ASSERT_EQ(unconnected.size(), 1U);
    EXPECT_EQ(unconnected[0].protocol, Protocol::udp);
    EXPECT_EQ(unconnected[0].local.port, 53);
    hosts.send(*client, "twelve bytes");
    hosts.settle();
    const auto established = hosts.rows(hosts.server(), "ESTAB");
    ASSERT_EQ(established.size(), 1U);
    EXPECT_EQ(established[0].receive_queue, 12U);
}

}  // namespace
}  // namespace berth::harness
