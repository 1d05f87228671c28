// What ICMP says about datagrams that we sent: RFC 1122 §4.1.3.3, IP_RECVERR, path MTUs.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
using udp::UdpPort;
using wire::IcmpType;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address router{192, 0, 2, 9};
constexpr Endpoint peer{{192, 0, 2, 1}, 4000};

class Counter final : public udp::Receiver {
  public:
    int events = 0;
    void on_udp_event() override { ++events; }
};

class UdpErrorTest : public testing::Test {
  protected:
    harness::LowerLayers host;
    Counter user;
    UdpPort& port;

    UdpErrorTest() : port(host.udp.open(&user)) {
        host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
        EXPECT_EQ(host.udp.bind(port, {our_ip, 7}), std::errc{});
    }
    // An ICMP error from the router about a datagram of ours.
    Fate error(wire::IcmpHeader header, Endpoint to = peer, Octets payload = {'a', 'b', 'c'}) {
        return host.feed(harness::icmp_packet(router, our_ip, header,
                                              harness::udp_packet({our_ip, 7}, to, payload)));
    }
    // Packet too big: what a router says about a datagram of that many bytes in all.
    Fate too_big(std::uint16_t mtu, std::uint16_t packet_bytes) {
        Octets quote = harness::udp_packet({our_ip, 7}, peer, Octets(20));
        store_be16(quote, 2, packet_bytes);
        return host.feed(harness::icmp_packet(router, our_ip,
                                              {IcmpType::destination_unreachable, 4, mtu}, quote));
    }
    std::errc send(std::size_t payload_bytes, std::optional<Endpoint> to = peer) {
        const Octets payload(payload_bytes);
        const std::array<Bytes, 1> parts{Bytes(payload)};
        return host.udp.send(port, parts, to, host.now);
    }
};

TEST_F(UdpErrorTest, Rfc1122_4_1_3_3_ErrorsReachAConnectedPort) {
    host.udp.connect(port, peer);
    const auto error_for = [&](IcmpType type, std::uint8_t code) {
        EXPECT_EQ(error({type, code, 0}).kind, FateKind::delivered);
        const std::errc told = port.inbox.take_error();
        EXPECT_EQ(port.inbox.take_error(), std::errc{}) << "handed out once";
        return told;
    };
    const auto unreachable = IcmpType::destination_unreachable;
    EXPECT_EQ(error_for(unreachable, 0), std::errc::network_unreachable);
    EXPECT_EQ(error_for(unreachable, 1), std::errc::host_unreachable);
    EXPECT_EQ(error_for(unreachable, 2), std::errc::no_protocol_option);
    EXPECT_EQ(error_for(unreachable, 3), std::errc::connection_refused);
    EXPECT_EQ(error_for(unreachable, 4), std::errc::message_size);
    EXPECT_EQ(error_for(unreachable, 5), std::errc::operation_not_supported);
    EXPECT_EQ(error_for(unreachable, 13), std::errc::host_unreachable);
    EXPECT_EQ(error_for(IcmpType::time_exceeded, 0), std::errc::host_unreachable);
    EXPECT_EQ(error_for(IcmpType::parameter_problem, 0), std::errc::protocol_error);
    EXPECT_EQ(user.events, 9);
    EXPECT_FALSE(port.inbox.has_queued_error()) << "nobody asked for the queue";
}

TEST_F(UdpErrorTest, ErrorsAboutAnUnconnectedPortAreNotReported) {
    const wire::IcmpHeader refused{IcmpType::destination_unreachable, 3, 0};
    EXPECT_EQ(error(refused).kind, FateKind::consumed);
    EXPECT_FALSE(port.inbox.has_error());
    EXPECT_EQ(user.events, 0);
    host.udp.connect(port, peer);
    EXPECT_EQ(error(refused, {peer.address, 9}).reason, DropReason::icmp_error_no_match);
    host.udp.close(port, host.now);
    EXPECT_EQ(error(refused).reason, DropReason::icmp_error_no_match);
}

TEST_F(UdpErrorTest, Rfc1122_4_1_3_3_TheQueueOfErrorsNamesThePeerOfAnUnconnectedPort) {
    port.receive_errors = true;
    EXPECT_EQ(error({IcmpType::destination_unreachable, 3, 0}).kind, FateKind::delivered);
    EXPECT_EQ(user.events, 1);
    EXPECT_EQ(port.inbox.take_error(), std::errc::connection_refused);
    const auto queued = port.inbox.pop_error();
    ASSERT_TRUE(queued);
    EXPECT_EQ(queued->error, std::errc::connection_refused);
    EXPECT_TRUE(queued->from_icmp);
    EXPECT_EQ(queued->type, 3);
    EXPECT_EQ(queued->code, 3);
    EXPECT_EQ(queued->info, 0u);
    EXPECT_EQ(queued->reporter, router);
    EXPECT_EQ(queued->destination, peer);
    EXPECT_EQ(queued->payload, (Octets{'a', 'b', 'c'}));
    EXPECT_FALSE(port.inbox.has_queued_error());
}

TEST_F(UdpErrorTest, TheQueueOfErrorsIsBounded) {
    port.receive_errors = true;
    for (std::size_t i = 0; i < 2 * ip::DatagramQueue::limit_errors; ++i)
        error({IcmpType::destination_unreachable, 3, 0}, peer,
              Octets(udp::Udp::limit_quoted_bytes + 9));
    std::size_t queued = 0;
    while (const auto each = port.inbox.pop_error()) {
        EXPECT_EQ(each->payload.size(), udp::Udp::limit_quoted_bytes);
        ++queued;
    }
    EXPECT_EQ(queued, ip::DatagramQueue::limit_errors);
}

TEST_F(UdpErrorTest, OurOwnLinkLayersErrorsGoTheSameWay) {
    host.udp.connect(port, peer);
    ip::ErrorReport report;
    report.code = wire::icmp_code::host_unreachable;
    report.protocol = 17;
    report.four_tuple = {{our_ip, 7}, peer};
    const Octets header{0, 7, 0x0f, 0xa0, 0, 8, 0, 0};
    report.quoted_transport = header;
    EXPECT_EQ(host.udp.on_icmp_error(report, host.now).kind, FateKind::delivered);
    EXPECT_EQ(port.inbox.take_error(), std::errc::host_unreachable);
}

TEST_F(UdpErrorTest, WithWantDatagramsCarryDfWhileTheyFitAndAreCutBeyond) {
    EXPECT_EQ(send(1472), std::errc{});
    EXPECT_EQ(host.transmit(), 1u);
    EXPECT_EQ(load_be16(host.device().take().bytes, 6), 0x4000) << "DF";
    EXPECT_EQ(send(1473), std::errc{});
    EXPECT_EQ(host.transmit(), 2u);
    EXPECT_EQ(load_be16(host.device().take().bytes, 6), 0x2000) << "MF";
    EXPECT_EQ(load_be16(host.device().take().bytes, 6), 1480 / 8);
}

TEST_F(UdpErrorTest, Rfc768_TheLargestDatagramLeavesInPieces) {
    EXPECT_EQ(send(udp::max_payload_bytes), std::errc{});
    EXPECT_EQ(host.transmit(), 45u);
    EXPECT_EQ(send(udp::max_payload_bytes + 1), std::errc::message_size);
}

TEST_F(UdpErrorTest, PiecesGoTogetherOrWait) {
    host.device().room = 0;
    for (std::size_t i = 0; i < link::Interface::queue_limit_packets - 1; ++i)
        ASSERT_EQ(send(1), std::errc{});
    EXPECT_EQ(send(2000), std::errc::operation_would_block) << "two pieces, one place";
    host.device().room = 1;
    host.transmit();
    EXPECT_EQ(user.events, 1);
    EXPECT_EQ(send(2000), std::errc{});
    EXPECT_EQ(host.drops.total(), 0u);
}

TEST_F(UdpErrorTest, Rfc1191_3_TheMtuOfThePathIsLearned) {
    host.udp.connect(port, peer);
    EXPECT_EQ(host.udp.path_mtu(port), 1500);
    EXPECT_EQ(too_big(1400, 1500).kind, FateKind::delivered);
    EXPECT_EQ(port.inbox.take_error(), std::errc::message_size);
    EXPECT_EQ(host.udp.path_mtu(port), 1400);
    EXPECT_EQ(send(1372), std::errc{});
    EXPECT_EQ(host.transmit(), 1u);
    EXPECT_EQ(send(1373), std::errc{}) << "from now on cut here";
    EXPECT_EQ(host.transmit(), 2u);
    port.mtu_discover = ip::MtuDiscover::always;
    EXPECT_EQ(send(1373), std::errc::message_size);
    port.mtu_discover = ip::MtuDiscover::probe;
    EXPECT_EQ(send(1472), std::errc{}) << "to see whether it still is so";
    EXPECT_EQ(host.transmit(), 1u);
}

TEST_F(UdpErrorTest, APathSaidToBeTooNarrowToBelieveGetsNoDf) {
    too_big(100, 1500);
    EXPECT_EQ(send(10), std::errc{});
    host.transmit();
    EXPECT_EQ(load_be16(host.device().take().bytes, 6), 0);
    EXPECT_EQ(send(552 - 27), std::errc{}) << "one more than fits the least that is believed";
    EXPECT_EQ(host.transmit(), 2u);
}

TEST_F(UdpErrorTest, APacketTooBigAboutAnUnconnectedPortIsBelievedToo) {
    EXPECT_EQ(too_big(1400, 1500).kind, FateKind::consumed);
    EXPECT_EQ(send(1373), std::errc{});
    EXPECT_EQ(host.transmit(), 2u);
    port.receive_errors = true;
    EXPECT_EQ(too_big(1300, 1400).kind, FateKind::delivered);
    EXPECT_EQ(port.inbox.pop_error()->info, 1300u);
}

TEST_F(UdpErrorTest, WithAlwaysATooLargeDatagramIsRefusedAndTheMtuIsTold) {
    port.mtu_discover = ip::MtuDiscover::always;
    port.receive_errors = true;
    EXPECT_EQ(send(1472), std::errc{});
    EXPECT_EQ(send(1473), std::errc::message_size);
    const auto queued = port.inbox.pop_error();
    ASSERT_TRUE(queued);
    EXPECT_EQ(queued->error, std::errc::message_size);
    EXPECT_FALSE(queued->from_icmp);
    EXPECT_EQ(queued->info, 1500u);
    EXPECT_EQ(queued->destination, peer);
    EXPECT_FALSE(port.inbox.has_error()) << "the call itself has said it";
    EXPECT_EQ(host.transmit(), 1u);
    const Octets sent = host.device().take().bytes;
    EXPECT_EQ(load_be16(sent, 6), 0x4000) << "DF";
    EXPECT_EQ(host.drops.total(), 0u);
}

TEST_F(UdpErrorTest, WithProbeTheLinksMtuCounts) {
    port.mtu_discover = ip::MtuDiscover::probe;
    EXPECT_EQ(send(1472), std::errc{});
    EXPECT_EQ(send(1473), std::errc::message_size);
}

TEST_F(UdpErrorTest, WithNeverDatagramsCarryNoDf) {
    port.mtu_discover = ip::MtuDiscover::never;
    EXPECT_EQ(send(100), std::errc{});
    host.transmit();
    EXPECT_EQ(load_be16(host.device().take().bytes, 6), 0);
}

TEST_F(UdpErrorTest, Rfc5927_7_2_APacketTooBigThatNobodyHadToSendIsForged) {
    host.udp.connect(port, peer);
    EXPECT_EQ(too_big(1400, 1400).reason, DropReason::icmp_error_bad_quote);
    EXPECT_FALSE(port.inbox.has_error());
    EXPECT_EQ(too_big(1400, 1500).kind, FateKind::delivered);
    EXPECT_EQ(port.inbox.take_error(), std::errc::message_size);
    port.mtu_discover = ip::MtuDiscover::never;
    EXPECT_EQ(too_big(1300, 1500).kind, FateKind::consumed) << "nobody has to, without DF";
    EXPECT_FALSE(port.inbox.has_error());
}

}  // namespace
}  // namespace berth
