// Echo, and the messages that a host does nothing with (RFC 1122 §3.2.2).
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

class EchoTest : public testing::Test {
  protected:
    harness::LowerLayers host;

    EchoTest() {
        host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
    }
    static Octets message(wire::IcmpType type, std::size_t bytes = 56,
                          Ipv4Address destination = our_ip) {
        Octets payload(bytes);
        for (std::size_t i = 0; i < bytes; ++i)
            payload[i] = static_cast<std::uint8_t>(i);
        return harness::icmp_packet(peer_ip, destination, {type, 0, 0x12340007}, payload);
    }
    static Octets request(std::size_t bytes = 56, Ipv4Address destination = our_ip) {
        return message(wire::IcmpType::echo_request, bytes, destination);
    }
};

TEST_F(EchoTest, Rfc1122_3_2_2_6_TheReplyBringsAllTheDataBack) {
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, std::size_t{56}, std::size_t{1472}}) {
        const Octets asked = request(bytes);
        const Fate fate = host.feed(asked);
        EXPECT_EQ(fate.kind, FateKind::consumed);
        EXPECT_STREQ(fate.note, "echo reply sent");
        ASSERT_EQ(host.transmit(), 1u);
        const Octets answer = host.device().take().bytes;
        const auto packet = wire::Ipv4View::parse(answer);
        ASSERT_TRUE(packet);
        EXPECT_EQ(packet->source(), our_ip);
        EXPECT_EQ(packet->destination(), peer_ip);
        const auto reply = wire::IcmpView::parse(packet->payload());
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->header(), (wire::IcmpHeader{wire::IcmpType::echo_reply, 0, 0x12340007}));
        EXPECT_EQ(Octets(reply->payload().begin(), reply->payload().end()),
                  Octets(asked.begin() + 28, asked.end()));
    }
    EXPECT_EQ(host.icmp.echo_replies(), 4u);
}

TEST_F(EchoTest, Rfc1122_3_2_2_6_TheReplyComesFromTheAddressThatWasAsked) {
    host.ip.add_address(0, {{198, 51, 100, 2}, 24});
    host.feed(request(8, {198, 51, 100, 2}));
    host.transmit();
    const Octets answer = host.device().take().bytes;
    EXPECT_EQ(wire::Ipv4View::parse(answer)->source(), Ipv4Address(198, 51, 100, 2));
}

TEST_F(EchoTest, Rfc1122_3_2_2_6_BroadcastsAndGroupsAreNotAnswered) {
    for (const Ipv4Address group : {Ipv4Address(255, 255, 255, 255), Ipv4Address(192, 0, 2, 255),
                                    Ipv4Address(224, 0, 0, 1)}) {
        EXPECT_EQ(host.feed(request(8, group)).reason, DropReason::icmp_echo_to_group)
            << to_string(group);
    }
    EXPECT_EQ(host.transmit(), 0u);
}

TEST_F(EchoTest, AFloodOfRequestsIsBoundedByTheQueue) {
    for (std::size_t i = 0; i < link::Interface::queue_limit_packets; ++i)
        host.feed(request(8));
    const Fate fate = host.feed(request(8));
    EXPECT_EQ(fate.kind, FateKind::consumed);
    EXPECT_STREQ(fate.note, "echo request; its reply was dropped");
    EXPECT_EQ(host.drops[DropReason::reply_queue_overflow], 1u);
    EXPECT_EQ(host.icmp.echo_replies(), link::Interface::queue_limit_packets);
}

TEST_F(EchoTest, WrongChecksumsAndShortMessages) {
    Octets wrong = request();
    wrong.back() ^= 1;
    EXPECT_EQ(host.feed(wrong).reason, DropReason::icmp_bad_checksum);
    for (std::size_t bytes = 0; bytes < 8; ++bytes) {
        const Octets cut = harness::ipv4_packet(peer_ip, our_ip, 1, Octets(bytes));
        EXPECT_EQ(host.feed(cut).reason, DropReason::icmp_truncated) << bytes;
    }
    EXPECT_EQ(host.transmit(), 0u);
}

TEST_F(EchoTest, Rfc1122_3_2_2_8_NobodyIsToldTheTimeNorANumber) {
    for (const auto type : {wire::IcmpType::timestamp_request, wire::IcmpType::information_request,
                            wire::IcmpType::address_mask_request}) {
        EXPECT_EQ(host.feed(message(type)).reason, DropReason::icmp_not_answered);
    }
    EXPECT_EQ(host.transmit(), 0u);
}

TEST_F(EchoTest, Rfc1122_3_2_2_9_AnswersThatNobodyWaitsFor) {
    for (const auto type :
         {wire::IcmpType::echo_reply, wire::IcmpType::timestamp_reply,
          wire::IcmpType::information_reply, wire::IcmpType::address_mask_reply}) {
        EXPECT_EQ(host.feed(message(type)).reason, DropReason::icmp_not_wanted);
    }
    EXPECT_EQ(host.transmit(), 0u);
}

TEST_F(EchoTest, Rfc1812_4_3_2_5_TheReplyHasTheTypeOfServiceOfTheRequest) {
    Octets asked = request(8);
    asked[1] = 0xb8;
    store_be16(asked, 10, 0);
    store_be16(asked, 10, wire::checksum_of(Bytes(asked).first(20)));
    host.feed(asked);
    host.transmit();
    EXPECT_EQ(host.device().take().bytes[1], 0xb8);
}

// A reply larger than the link's MTU goes in pieces, not cut short.
TEST_F(EchoTest, Rfc1122_3_2_2_6_ALongReplyIsFragmented) {
    const Octets asked = request(4000);
    link::Frame frame;  // it came in pieces too
    const auto fate = host.icmp.receive(frame, *wire::Ipv4View::parse(asked), 0, host.now);
    EXPECT_STREQ(std::get<Fate>(fate).note, "echo reply sent");
    ASSERT_EQ(host.transmit(), 3u);
    std::size_t data = 0;
    for (int piece = 0; piece < 3; ++piece) {
        const Octets bytes = host.device().take().bytes;
        EXPECT_LE(bytes.size(), 1500u);
        data += bytes.size() - 20;
    }
    EXPECT_EQ(data, 4008u);
}

Octets with_options(const Octets& packet, const Octets& options) {
    Octets longer(packet.begin(), packet.begin() + 20);
    longer.insert(longer.end(), options.begin(), options.end());
    longer.insert(longer.end(), packet.begin() + 20, packet.end());
    const std::size_t header_bytes = 20 + options.size();
    longer[0] = static_cast<std::uint8_t>(0x40 | header_bytes / 4);
    store_be16(longer, 2, static_cast<std::uint16_t>(longer.size()));
    store_be16(longer, 10, 0);
    store_be16(longer, 10, wire::checksum_of(Bytes(longer).first(header_bytes)));
    return longer;
}

TEST_F(EchoTest, Rfc1122_3_2_2_6_RecordRouteAndTimestampComeBack) {
    // A router's address is there already, and there is room for one more.
    const Octets asked =
        with_options(request(8), {7, 11, 8, 198, 51, 100, 1, 0, 0, 0, 0, 1, 0x94, 4, 0, 0});
    host.feed(asked);
    host.transmit();
    const Octets answer = host.device().take().bytes;
    const auto packet = wire::Ipv4View::parse(answer);
    ASSERT_TRUE(packet);
    EXPECT_EQ(Octets(packet->options().begin(), packet->options().end()),
              (Octets{7, 11, 12, 198, 51, 100, 1, 192, 0, 2, 2, 0}))
        << "and no other option";
    EXPECT_TRUE(wire::IcmpView::parse(packet->payload()));
    host.feed(with_options(request(8), {68, 8, 5, 0, 0, 0, 0, 0}));
    host.transmit();
    const Octets timed = host.device().take().bytes;
    EXPECT_EQ(timed[20], 68);
    EXPECT_EQ(timed[22], 9) << "a time was entered";
}

TEST_F(EchoTest, Rfc1122_3_2_2_5_AnOptionThatIsWrongIsAParameterProblem) {
    EXPECT_EQ(host.feed(with_options(request(8), {7, 7, 1, 0, 0, 0, 0, 0})).reason,
              DropReason::ip_bad_option);
    ASSERT_EQ(host.transmit(), 1u);
    const Octets answer = host.device().take().bytes;
    EXPECT_EQ(answer[20], 12);
    EXPECT_GE(answer[24], 20) << "the pointer is behind the fixed header";
}

TEST_F(EchoTest, AStormOfRequestsIsAnsweredUpToItsLimit) {
    std::uint64_t limited = 0;
    for (std::uint32_t i = 0; i < icmp::Icmp::echo_burst + 100; ++i) {
        limited += host.feed(request(8)).reason == DropReason::icmp_echo_limit;
        host.transmit();
        host.device().sent.clear();
    }
    EXPECT_EQ(limited, 100u);
    host.now = host.now + seconds(1);
    EXPECT_STREQ(host.feed(request(8)).note, "echo reply sent");
}

TEST_F(EchoTest, Rfc1122_3_2_2_UnknownTypesAreSilentlyDropped) {
    for (const int type : {1, 2, 6, 7, 9, 10, 30, 40, 255}) {
        EXPECT_EQ(host.feed(message(static_cast<wire::IcmpType>(type))).reason,
                  DropReason::icmp_unknown_type)
            << type;
    }
    EXPECT_EQ(host.transmit(), 0u);
}

TEST_F(EchoTest, Rfc1122_3_2_2_2_RedirectsAndRfc6633SourceQuenchesAreIgnored) {
    EXPECT_EQ(host.feed(message(wire::IcmpType::redirect)).reason, DropReason::icmp_error_ignored);
    EXPECT_EQ(host.feed(message(wire::IcmpType::source_quench)).reason,
              DropReason::icmp_error_ignored);
}

}  // namespace
}  // namespace berth
