// A router between two links (RFC 1812 §5; RFC 1122 §3.1: only when asked to be one).
#include <gtest/gtest.h>

#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "stack.hpp"
#include "wire/checksum.hpp"

namespace berth::harness {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr Ipv4Address west_host{192, 0, 2, 1};
constexpr Ipv4Address west_router{192, 0, 2, 2};
constexpr Ipv4Address east_router{198, 51, 100, 2};
constexpr Ipv4Address east_host{198, 51, 100, 1};
constexpr Ipv4Address far_host{203, 0, 113, 7};
constexpr Ipv4Address far_gateway{198, 51, 100, 9};

// Raw-IP links, so that what goes out is the packet itself.
class Rfc1812_5 : public testing::Test {
  protected:
    FakeDevice west{link::LinkKind::raw_ip, 1500};
    FakeDevice east{link::LinkKind::raw_ip, 600};
    Time now{1'000'000'000};
    Stack router{config(true)};
    RecordingObserver observer;

    Rfc1812_5() { set_up(router); }

    static StackConfig config(bool forward) {
        StackConfig config;
        config.seed = Seed::from(5);
        config.start = Time{1'000'000'000};
        config.ip.forward = forward;
        return config;
    }
    void set_up(Stack& stack) {
        stack.add_interface("west", west);
        stack.add_interface("east", east);
        stack.add_address(0, {west_router, 24});
        stack.add_address(1, {east_router, 24});
        stack.add_route({{{203, 0, 113, 0}, 24}, far_gateway, 1, 0});
        stack.set_observer(&observer);
    }
    Fate feed(Stack& stack, const Octets& packet, FakeDevice& from) {
        from.put(packet);
        stack.poll(now);
        for (const ToldFate& told : observer.told)
            if (told.direction == Direction::in) {
                const Fate fate = told.fate;
                observer.told.clear();
                return fate;
            }
        return Fate::dropped(DropReason::none);
    }
    Fate feed(const Octets& packet) { return feed(router, packet, west); }

    static Octets packet_to(Ipv4Address destination, std::size_t payload_bytes = 100,
                            std::uint8_t ttl = 64, bool dont_fragment = false,
                            Ipv4Address source = west_host) {
        Octets packet = ipv4_packet(source, destination, 17, Octets(payload_bytes, 0x21));
        packet[6] = dont_fragment ? 0x40 : 0;
        packet[8] = ttl;
        store_be16(packet, 10, 0);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(20)));
        return packet;
    }
    struct Error {
        int type = -1;
        int code = -1;
        std::uint32_t rest = 0;
        Ipv4Address source;
    };
    static Error error_in(const Octets& bytes) {
        const auto packet = wire::Ipv4View::parse(bytes);
        if (!packet || packet->protocol() != 1) return {};
        const auto message = wire::IcmpView::parse(packet->payload());
        if (!message) return {};
        return {static_cast<int>(message->type()), message->code(), message->rest(),
                packet->source()};
    }
};

TEST_F(Rfc1812_5, ItGoesOnWithItsTimeToLiveOneLower) {
    const Fate fate = feed(packet_to(east_host, 100, 64));
    EXPECT_EQ(fate.kind, FateKind::forwarded);
    ASSERT_EQ(east.sent.size(), 1u);
    const Octets sent = east.take().bytes;
    const auto packet = wire::Ipv4View::parse(sent);
    ASSERT_TRUE(packet) << "the checksum follows (RFC 1624)";
    EXPECT_EQ(packet->ttl(), 63);
    EXPECT_EQ(packet->source(), west_host);
    EXPECT_EQ(packet->destination(), east_host);
    EXPECT_EQ(router.ip().counters().forwarded, 1u);
}

TEST_F(Rfc1812_5, Rfc1624_TheChecksumFollowsForEveryTimeToLive) {
    for (unsigned ttl = 2; ttl <= 255; ++ttl) {
        feed(packet_to(east_host, 10 + ttl, static_cast<std::uint8_t>(ttl)));
        const Octets sent = east.take().bytes;
        ASSERT_TRUE(wire::Ipv4View::parse(sent)) << ttl;
    }
}

TEST_F(Rfc1812_5, TheLongestPrefixDecidesTheGateway) {
    EXPECT_EQ(feed(packet_to(far_host)).kind, FateKind::forwarded);
    EXPECT_EQ(east.sent.size(), 1u);
}

TEST_F(Rfc1812_5, Clause_3_1_TimeToLive) {
    EXPECT_EQ(feed(packet_to(east_host, 100, 1)).reason, DropReason::ip_ttl_exceeded);
    EXPECT_TRUE(east.sent.empty());
    const Error error = error_in(west.take().bytes);
    EXPECT_EQ(error.type, 11);
    EXPECT_EQ(error.code, 0);
    EXPECT_EQ(error.source, west_router);
}

TEST_F(Rfc1812_5, Clause_2_7_1_NoRoute) {
    EXPECT_EQ(feed(packet_to({198, 18, 0, 1})).reason, DropReason::ip_no_route);
    const Error error = error_in(west.take().bytes);
    EXPECT_EQ(error.type, 3);
    EXPECT_EQ(error.code, 0);
}

TEST_F(Rfc1812_5, Rfc1191_4_TooLargeAndNotToBeCut) {
    EXPECT_EQ(feed(packet_to(east_host, 700, 64, true)).reason,
              DropReason::ip_fragmentation_needed);
    const Error error = error_in(west.take().bytes);
    EXPECT_EQ(error.type, 3);
    EXPECT_EQ(error.code, 4);
    EXPECT_EQ(error.rest, 600u) << "the next hop's MTU";
}

TEST_F(Rfc1812_5, TooLargeAndCut) {
    EXPECT_EQ(feed(packet_to(east_host, 1400)).kind, FateKind::forwarded);
    EXPECT_EQ(east.sent.size(), 3u);
    for (const SentFrame& frame : east.sent) {
        ASSERT_LE(frame.bytes.size(), 600u);
        EXPECT_TRUE(wire::Ipv4View::parse(frame.bytes));
    }
}

TEST_F(Rfc1812_5, WhatIsNeverForwarded) {
    for (const Ipv4Address never :
         {Ipv4Address(240, 0, 0, 1), Ipv4Address(0, 1, 2, 3), Ipv4Address(169, 254, 1, 1)})
        EXPECT_EQ(feed(packet_to(never)).reason, DropReason::ip_not_forwardable)
            << to_string(never);
    EXPECT_EQ(feed(packet_to(east_host, 10, 64, false, {169, 254, 1, 1})).reason,
              DropReason::ip_not_forwardable);
    EXPECT_EQ(feed(packet_to({239, 1, 2, 3})).reason, DropReason::ip_not_member);
    EXPECT_NE(feed(packet_to({198, 51, 100, 255})).kind, FateKind::forwarded)
        << "RFC 2644: a directed broadcast ends here";
    EXPECT_TRUE(east.sent.empty());
    EXPECT_TRUE(west.sent.empty()) << "and nobody is told";
}

TEST_F(Rfc1812_5, Clause_2_4_1_SourceRoutedPacketsAreRefused) {
    Octets packet = packet_to(east_host);
    const Octets route{131, 7, 4, 203, 0, 113, 7, 0};
    packet.insert(packet.begin() + 20, route.begin(), route.end());
    packet[0] = 0x47;
    store_be16(packet, 2, static_cast<std::uint16_t>(packet.size()));
    store_be16(packet, 10, 0);
    store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(28)));
    EXPECT_EQ(feed(packet).reason, DropReason::ip_source_routed);
    EXPECT_EQ(error_in(west.take().bytes).code, 5);
}

Octets with_record_route(Octets packet, std::uint8_t pointer) {
    const Octets option{7, 7, pointer, 0, 0, 0, 0, 0};
    packet.insert(packet.begin() + 20, option.begin(), option.end());
    packet[0] = 0x47;
    store_be16(packet, 2, static_cast<std::uint16_t>(packet.size()));
    store_be16(packet, 10, 0);
    store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(28)));
    return packet;
}

TEST_F(Rfc1812_5, Clause_2_4_2_TheRouteIsRecorded) {
    EXPECT_EQ(feed(with_record_route(packet_to(east_host), 4)).kind, FateKind::forwarded);
    const Octets sent = east.take().bytes;
    const auto packet = wire::Ipv4View::parse(sent);
    ASSERT_TRUE(packet);
    EXPECT_EQ(load_be32(packet->options(), 3), east_router.value);
    EXPECT_EQ(packet->options()[2], 8);
}

TEST_F(Rfc1812_5, Clause_5_2_4_ABrokenOptionIsAParameterProblem) {
    EXPECT_EQ(feed(with_record_route(packet_to(east_host), 6)).reason, DropReason::ip_bad_option);
    const Error error = error_in(west.take().bytes);
    EXPECT_EQ(error.type, 12);
    EXPECT_EQ(error.rest >> 24, 22u) << "where it is";
}

TEST_F(Rfc1812_5, Clause_2_7_2_ANeighbourIsToldOfTheBetterHop) {
    const Ipv4Address other_gateway{192, 0, 2, 9};
    router.add_route({{{198, 18, 0, 0}, 16}, other_gateway, 0, 0});
    EXPECT_EQ(feed(packet_to({198, 18, 0, 1})).kind, FateKind::forwarded);
    ASSERT_EQ(west.sent.size(), 2u);
    const Error error = error_in(west.sent[0].bytes);
    EXPECT_EQ(error.type, 5);
    EXPECT_EQ(error.code, 1);
    EXPECT_EQ(Ipv4Address(error.rest), other_gateway);
}

TEST_F(Rfc1812_5, Rfc1122_3_1_NobodyIsARouterUnlessAskedTo) {
    Stack host{config(false)};
    set_up(host);
    EXPECT_EQ(feed(host, packet_to(east_host), west).reason, DropReason::ip_not_for_us);
    EXPECT_TRUE(east.sent.empty());
    EXPECT_TRUE(west.sent.empty());
}

TEST_F(Rfc1812_5, AFullQueueIsAFateOfItsOwn) {
    east.room = 0;
    for (std::size_t i = 0; i < link::Interface::queue_limit_packets; ++i)
        ASSERT_EQ(feed(packet_to(east_host)).kind, FateKind::forwarded) << i;
    EXPECT_EQ(feed(packet_to(east_host)).reason, DropReason::reply_queue_overflow);
    EXPECT_EQ(router.drops()[DropReason::reply_queue_overflow], 1u);
}

}  // namespace
}  // namespace berth::harness
