// ICMP errors sent and received, by the clauses of RFC 1122 §3.2.2.
#include <gtest/gtest.h>

#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "wire/checksum.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};
constexpr Ipv4Address far_ip{203, 0, 113, 9};
constexpr auto unreachable = wire::IcmpType::destination_unreachable;

class IcmpErrorTest : public testing::Test {
  protected:
    harness::LowerLayers host;

    IcmpErrorTest() {
        host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
        host.ip.routes().add({{{}, 0}, peer_ip, 0, 0});
    }
    // Sends an error about the packet; returns whether one went out.
    bool error_about(Bytes packet, bool to_link_group = false) {
        const auto view = wire::Ipv4View::parse(packet);
        EXPECT_TRUE(view);
        host.icmp.send_error(unreachable, wire::icmp_code::port_unreachable, *view, to_link_group,
                             host.now);
        return host.transmit() == 1;
    }
    static Octets datagram(Ipv4Address source, Ipv4Address destination, std::size_t bytes = 4) {
        return harness::udp_packet({source, 1000}, {destination, 2000}, Octets(bytes, 0x33));
    }
    static Octets icmp_from_peer(wire::IcmpType type) {
        return harness::icmp_packet(peer_ip, our_ip, {type, 0, 0}, datagram(our_ip, far_ip));
    }
};

TEST_F(IcmpErrorTest, Rfc1122_3_2_2_1_PortUnreachableQuotesTheDatagram) {
    const Octets offending = datagram(peer_ip, our_ip);
    EXPECT_EQ(host.feed(offending).reason, DropReason::udp_no_socket);
    ASSERT_EQ(host.transmit(), 1u);
    const Octets bytes = host.device().take().bytes;
    const auto packet = wire::Ipv4View::parse(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->source(), our_ip);
    EXPECT_EQ(packet->destination(), peer_ip);
    const auto error = wire::IcmpView::parse(packet->payload());
    ASSERT_TRUE(error);
    EXPECT_EQ(error->header(),
              (wire::IcmpHeader{unreachable, wire::icmp_code::port_unreachable, 0}));
    EXPECT_EQ(Octets(error->payload().begin(), error->payload().end()), offending);
}

TEST_F(IcmpErrorTest, Rfc1122_3_2_2_1_ProtocolUnreachable) {
    EXPECT_EQ(host.feed(harness::ipv4_packet(peer_ip, our_ip, 132, Octets(20))).reason,
              DropReason::ip_unknown_protocol);
    ASSERT_EQ(host.transmit(), 1u);
    const Octets bytes = host.device().take().bytes;
    EXPECT_EQ(bytes[20], 3);
    EXPECT_EQ(bytes[21], 2);
}

TEST_F(IcmpErrorTest, Rfc1812_4_3_2_3_TheQuoteEndsAt576Bytes) {
    EXPECT_TRUE(error_about(datagram(peer_ip, our_ip, 1400)));
    EXPECT_EQ(host.device().take().bytes.size(), 576u);
}

TEST_F(IcmpErrorTest, Rfc1122_3_2_2_NeverAboutAnIcmpError) {
    for (const auto type : {unreachable, wire::IcmpType::source_quench, wire::IcmpType::redirect,
                            wire::IcmpType::time_exceeded, wire::IcmpType::parameter_problem}) {
        EXPECT_FALSE(error_about(icmp_from_peer(type))) << static_cast<int>(type);
    }
    EXPECT_FALSE(error_about(harness::ipv4_packet(peer_ip, our_ip, 1, {})))
        << "what kind of ICMP it is cannot be seen";
    EXPECT_TRUE(error_about(icmp_from_peer(wire::IcmpType::echo_request)));
    EXPECT_EQ(host.icmp.errors_suppressed(), 6u);
    EXPECT_EQ(host.icmp.errors_sent(), 1u);
}

TEST_F(IcmpErrorTest, Rfc1122_3_2_2_NeverAboutABroadcastOrGroup) {
    for (const Ipv4Address group : {Ipv4Address(255, 255, 255, 255), Ipv4Address(192, 0, 2, 255),
                                    Ipv4Address(224, 0, 0, 1)}) {
        EXPECT_FALSE(error_about(datagram(peer_ip, group))) << to_string(group);
    }
    EXPECT_FALSE(error_about(datagram(peer_ip, our_ip), true)) << "a link broadcast";
}

TEST_F(IcmpErrorTest, Rfc1122_3_2_2_NeverAboutALaterFragment) {
    const auto fragment = [](std::uint16_t field) {
        Octets packet = datagram(peer_ip, our_ip);
        store_be16(packet, 6, field);
        store_be16(packet, 10, 0);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(20)));
        return packet;
    };
    EXPECT_FALSE(error_about(fragment(0x0001)));
    EXPECT_FALSE(error_about(fragment(0x3fff)));
    EXPECT_TRUE(error_about(fragment(0x2000))) << "the first one";
}

TEST_F(IcmpErrorTest, Rfc1122_3_2_2_NeverToASourceThatIsNoSingleHost) {
    for (const Ipv4Address bad :
         {Ipv4Address(0, 0, 0, 0), Ipv4Address(0, 0, 0, 1), Ipv4Address(127, 0, 0, 1),
          Ipv4Address(255, 255, 255, 255), Ipv4Address(192, 0, 2, 255), Ipv4Address(224, 0, 0, 1),
          Ipv4Address(240, 0, 0, 1)}) {
        EXPECT_FALSE(error_about(datagram(bad, our_ip))) << to_string(bad);
    }
}

TEST_F(IcmpErrorTest, Rfc1812_4_3_2_8_OnePeerHasItsShare) {
    using Limits = icmp::ErrorLimiter;
    std::uint32_t sent = 0;
    for (int i = 0; i < 1000; ++i)
        sent += error_about(datagram(peer_ip, our_ip));
    EXPECT_LE(sent, Limits::peer_burst);
    EXPECT_GE(sent, Limits::peer_burst / 2 - 1);
    EXPECT_EQ(host.icmp.counters().peer_limit, 1000 - sent);
    EXPECT_TRUE(error_about(datagram({192, 0, 2, 77}, our_ip))) << "another has its own";
    // Over ten seconds of a storm.
    sent = 0;
    for (int i = 0; i < 100'000; ++i) {
        host.now = host.now + microseconds(100);
        sent += error_about(datagram(peer_ip, our_ip));
        host.device().sent.clear();
    }
    EXPECT_LE(sent, 10 * Limits::peer_per_second + Limits::peer_burst);
    EXPECT_GE(sent, 10 * Limits::peer_per_second / 2);
    EXPECT_EQ(host.icmp.errors_sent() + host.icmp.errors_suppressed(), 101'001u);
}

TEST_F(IcmpErrorTest, Rfc1812_4_3_2_8_AllTogetherHaveTheirs) {
    using Limits = icmp::ErrorLimiter;
    std::uint32_t sent = 0;
    for (std::uint32_t i = 0; i < 1000; ++i)
        sent += error_about(datagram(Ipv4Address(Ipv4Address(198, 18, 0, 1).value + i), our_ip));
    EXPECT_LE(sent, Limits::burst);
    EXPECT_GE(sent, Limits::burst / 2 - 1);
    sent = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        host.now = host.now + microseconds(100);
        sent += error_about(
            datagram(Ipv4Address(Ipv4Address(198, 18, 0, 1).value + i % 50'000), our_ip));
        host.device().sent.clear();
    }
    EXPECT_LE(sent, 10 * Limits::per_second + Limits::burst);
    EXPECT_GE(sent, 10 * Limits::per_second / 2);
    EXPECT_GT(host.icmp.counters().total_limit, 0u);
}

TEST_F(IcmpErrorTest, Rfc1812_4_3_2_8_ASilentSecondFillsTheBucketAgain) {
    while (error_about(datagram(peer_ip, our_ip)))
        continue;
    host.now = host.now + seconds(1);
    std::uint32_t sent = 0;
    while (error_about(datagram(peer_ip, our_ip)))
        ++sent;
    EXPECT_GE(sent, icmp::ErrorLimiter::peer_burst / 2 - 1);
}

TEST_F(IcmpErrorTest, WhatIsNotSentIsCountedByItsReason) {
    EXPECT_FALSE(error_about(icmp_from_peer(unreachable)));
    EXPECT_FALSE(error_about(datagram(peer_ip, {255, 255, 255, 255})));
    EXPECT_FALSE(error_about(datagram({240, 0, 0, 1}, our_ip)));
    const auto& counters = host.icmp.counters();
    EXPECT_EQ(counters.about_error, 1u);
    EXPECT_EQ(counters.about_group, 1u);
    EXPECT_EQ(counters.to_bad_source, 1u);
    EXPECT_EQ(counters.about_fragment, 0u);
    EXPECT_EQ(counters.peer_limit + counters.total_limit, 0u);
}

// RFC 1122 §3.2.2: a host's errors have a TOS of zero; RFC 1812 §4.3.2.5: a router's precedence 6.
TEST_F(IcmpErrorTest, Rfc1812_4_3_2_5_PrecedenceOfErrors) {
    EXPECT_TRUE(error_about(datagram(peer_ip, our_ip)));
    EXPECT_EQ(host.device().take().bytes[1], 0);
    EXPECT_TRUE(error_about(datagram(peer_ip, far_ip)));
    EXPECT_EQ(host.device().take().bytes[1], 0xc0);
}

// RFC 1812 §4.3.2.4: from the interface that it leaves by, when the packet was in transit.
TEST_F(IcmpErrorTest, Rfc1812_4_3_2_4_SourceOfErrorsAboutTransit) {
    host.add_interface(link::LinkKind::raw_ip);
    host.ip.add_address(1, {{198, 51, 100, 2}, 24});
    const Octets packet = datagram({198, 51, 100, 7}, far_ip);
    host.icmp.send_error(wire::IcmpType::time_exceeded, 0, *wire::Ipv4View::parse(packet), false,
                         host.now);
    ASSERT_EQ(host.transmit(1), 1u);
    const Octets bytes = host.device(1).take().bytes;
    EXPECT_EQ(wire::Ipv4View::parse(bytes)->source(), Ipv4Address(198, 51, 100, 2));
}

TEST_F(IcmpErrorTest, TheSecondWordIsTheCallers) {
    const Octets packet = datagram(peer_ip, our_ip);
    host.icmp.send_error(wire::IcmpType::parameter_problem, 0, *wire::Ipv4View::parse(packet),
                         false, host.now, wire::icmp_pointer(20));
    host.transmit();
    EXPECT_EQ(load_be32(host.device().take().bytes, 24), 0x14000000u);
}

class IcmpErrorReceivedTest : public IcmpErrorTest {
  protected:
    std::variant<Fate, ip::ErrorReport> receive(Bytes packet) {
        const auto view = wire::Ipv4View::parse(packet);
        EXPECT_TRUE(view);
        link::Frame frame;
        return host.icmp.receive(frame, *view, 0, host.now);
    }
    DropReason reason(Bytes packet) {
        const auto result = receive(packet);
        const Fate* fate = std::get_if<Fate>(&result);
        return fate == nullptr ? DropReason::none : fate->reason;
    }
    static Octets error_quoting(Bytes quote, Ipv4Address to = our_ip) {
        return harness::icmp_packet(peer_ip, to, {unreachable, 3, 0x0000'0540}, quote);
    }
    static Octets ours(std::uint8_t protocol = 17) {
        Octets packet = datagram(our_ip, far_ip);
        packet[9] = protocol;
        return packet;
    }
};

TEST_F(IcmpErrorReceivedTest, TheReportNamesTheAssociationSeenFromHere) {
    for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
        const Octets packet = error_quoting(ours(protocol));
        const auto result = receive(packet);
        const auto* report = std::get_if<ip::ErrorReport>(&result);
        ASSERT_NE(report, nullptr);
        EXPECT_EQ(report->type, unreachable);
        EXPECT_EQ(report->code, 3);
        EXPECT_EQ(report->rest, 0x540u);
        EXPECT_EQ(report->protocol, protocol);
        EXPECT_EQ(report->four_tuple, (FourTuple{{our_ip, 1000}, {far_ip, 2000}}));
        EXPECT_EQ(report->quoted_transport.size(), 12u);
    }
}

TEST_F(IcmpErrorReceivedTest, Rfc792_TheQuoteHoldsEightBytesOfTransport) {
    const Octets whole = ours();
    for (std::size_t length = 0; length < 28; ++length) {
        EXPECT_EQ(reason(error_quoting(Bytes(whole).first(length))),
                  DropReason::icmp_error_bad_quote)
            << length;
    }
    EXPECT_EQ(reason(error_quoting(Bytes(whole).first(28))), DropReason::none)
        << "its total length lies beyond the quote";
}

TEST_F(IcmpErrorReceivedTest, RoutersMayHaveChangedTtlAndChecksum) {
    Octets quote = ours();
    quote[8] = 1;
    EXPECT_EQ(reason(error_quoting(quote)), DropReason::none);
}

TEST_F(IcmpErrorReceivedTest, QuotesThatCannotBeOurs) {
    Octets other = ours();
    store_be32(other, 12, Ipv4Address(192, 0, 2, 3).value);
    EXPECT_EQ(reason(error_quoting(other)), DropReason::icmp_error_bad_quote);
    host.ip.add_address(0, {{198, 51, 100, 2}, 24});
    EXPECT_EQ(reason(error_quoting(ours(), {198, 51, 100, 2})), DropReason::icmp_error_bad_quote)
        << "sent to another of our addresses than the one it quotes";
    EXPECT_EQ(reason(error_quoting(ours(), {192, 0, 2, 255})), DropReason::icmp_error_bad_quote);
}

TEST_F(IcmpErrorReceivedTest, MalformedQuotes) {
    Octets version = ours();
    version[0] = 0x65;
    EXPECT_EQ(reason(error_quoting(version)), DropReason::icmp_error_bad_quote);
    Octets short_header = ours();
    short_header[0] = 0x44;
    EXPECT_EQ(reason(error_quoting(short_header)), DropReason::icmp_error_bad_quote);
    Octets long_header = ours();
    long_header[0] = 0x4f;
    EXPECT_EQ(reason(error_quoting(long_header)), DropReason::icmp_error_bad_quote);
    Octets later_fragment = ours();
    later_fragment[7] = 1;
    EXPECT_EQ(reason(error_quoting(later_fragment)), DropReason::icmp_error_bad_quote);
}

TEST_F(IcmpErrorReceivedTest, ProtocolsWithoutPortsAreReportedByTheirNumber) {
    const Octets packet = error_quoting(ours(132));
    const auto result = receive(packet);
    const auto* report = std::get_if<ip::ErrorReport>(&result);
    ASSERT_NE(report, nullptr);
    EXPECT_EQ(report->protocol, 132);
    EXPECT_EQ(report->four_tuple, (FourTuple{{our_ip, 0}, {far_ip, 0}}));
    EXPECT_EQ(report->reporter, peer_ip);
    EXPECT_EQ(report->quoted_total_length, 32);
}

TEST_F(IcmpErrorReceivedTest, AnEchoRequestIsReportedByItsIdentifier) {
    const Octets quote = harness::icmp_packet(
        our_ip, far_ip, {wire::IcmpType::echo_request, 0, 0x1234'0001}, Octets(8));
    const auto packet = error_quoting(quote);
    const auto result = receive(packet);
    const auto* report = std::get_if<ip::ErrorReport>(&result);
    ASSERT_NE(report, nullptr);
    EXPECT_EQ(report->four_tuple, (FourTuple{{our_ip, 0x1234}, {far_ip, 0}}));
}

}  // namespace
}  // namespace berth
