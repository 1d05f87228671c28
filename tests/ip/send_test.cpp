// Paths, and packets on their way out (RFC 1122 §3.3.1, §3.3.4, §3.3.6; RFC 6864; RFC 1112 §6).
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "ip/identification.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
using link::Interface;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};
constexpr Ipv4Address second_ip{198, 51, 100, 2};
constexpr Ipv4Address second_router{198, 51, 100, 1};

class PathTest : public testing::Test {
  protected:
    harness::LowerLayers host;

    PathTest() {
        host.add_interface(link::LinkKind::raw_ip, 1500);
        host.add_interface(link::LinkKind::raw_ip, 600);
        host.ip.add_address(0, {our_ip, 24});
        host.ip.add_address(1, {second_ip, 24});
        host.ip.routes().add({{{}, 0}, second_router, 1, 0});
    }
    ip::Path path_to(Ipv4Address destination, Ipv4Address source = {}) const {
        const auto path = host.ip.route(destination, source);
        EXPECT_TRUE(path) << to_string(destination);
        return path ? *path : ip::Path{};
    }
    DropReason reason_to(Ipv4Address destination, Ipv4Address source = {}) const {
        const auto path = host.ip.route(destination, source);
        return path ? DropReason::none : path.error();
    }
};

TEST_F(PathTest, ANeighbourIsItsOwnNextHop) {
    const ip::Path path = path_to(peer_ip);
    EXPECT_EQ(path.interface_index, 0u);
    EXPECT_EQ(path.next_hop, peer_ip);
    EXPECT_EQ(path.source, our_ip);
    EXPECT_EQ(path.mtu, 1500);
}

TEST_F(PathTest, OthersAreReachedThroughTheGateway) {
    const ip::Path path = path_to({203, 0, 113, 9});
    EXPECT_EQ(path.interface_index, 1u);
    EXPECT_EQ(path.next_hop, second_router);
    EXPECT_EQ(path.source, second_ip);
    EXPECT_EQ(path.mtu, 600);
}

TEST_F(PathTest, Rfc1122_3_3_4_3_TheSourceIsOnTheNextHopsNetwork) {
    host.ip.add_address(0, {{203, 0, 113, 2}, 24});
    EXPECT_EQ(path_to({203, 0, 113, 9}).source, Ipv4Address(203, 0, 113, 2));
    EXPECT_EQ(path_to(peer_ip).source, our_ip);
}

TEST_F(PathTest, Rfc1122_3_3_4_2_AChosenSourceOfAnotherInterfaceIsKept) {
    const ip::Path path = path_to({203, 0, 113, 9}, our_ip);
    EXPECT_EQ(path.interface_index, 1u);
    EXPECT_EQ(path.source, our_ip);
    EXPECT_EQ(reason_to(peer_ip, {192, 0, 2, 77}), DropReason::ip_no_source);
}

TEST_F(PathTest, DestinationsThatNeverGoOut) {
    for (const Ipv4Address bad :
         {Ipv4Address(0, 0, 0, 0), Ipv4Address(0, 1, 2, 3), Ipv4Address(240, 0, 0, 1)}) {
        EXPECT_EQ(reason_to(bad), DropReason::ip_no_route) << to_string(bad);
    }
}

TEST_F(PathTest, Rfc1122_3_2_1_3_g_OurOwnAddressesAreReachedWithoutALink) {
    for (const Ipv4Address own : {our_ip, second_ip}) {
        EXPECT_EQ(path_to(own).interface_index, link::Interfaces::loopback_index);
        EXPECT_EQ(path_to(own).source, own);
        EXPECT_TRUE(path_to(own).is_loopback);
    }
    EXPECT_EQ(path_to({127, 0, 0, 1}).source, Ipv4Address(127, 0, 0, 1));
    EXPECT_EQ(path_to({127, 9, 8, 7}).source, Ipv4Address(127, 0, 0, 1));
    EXPECT_EQ(reason_to(peer_ip, {127, 0, 0, 1}), DropReason::ip_no_source)
        << "127/8 never leaves the host";
}

TEST_F(PathTest, ByOneInterfaceWhateverTheRoutesSay) {
    EXPECT_EQ(host.ip.route(peer_ip, {}, 1)->interface_index, 1u);
    EXPECT_EQ(host.ip.route({203, 0, 113, 9}, {}, 1)->next_hop, second_router);
    EXPECT_EQ(host.ip.route({203, 0, 113, 9}, {}, 0)->next_hop, Ipv4Address(203, 0, 113, 9));
    EXPECT_EQ(host.ip.route({255, 255, 255, 255}, {}, 1)->source, second_ip);
    EXPECT_EQ(host.ip.route(peer_ip, {}, 9).error(), DropReason::ip_no_route);
}

TEST_F(PathTest, Rfc1122_3_2_1_3_a_ToAllBeforeThereIsAnAddress) {
    host.add_interface(link::LinkKind::raw_ip);
    const auto path = host.ip.route({255, 255, 255, 255}, {}, 2);
    ASSERT_TRUE(path);
    EXPECT_EQ(path->source, Ipv4Address());
    EXPECT_EQ(host.ip.route(peer_ip, {}, 2).error(), DropReason::ip_no_source);
}

TEST_F(PathTest, AnAddressTakenAwayIsOursNoMore) {
    host.ip.add_address(0, {{192, 0, 2, 9}, 24});
    host.ip.remove_address(0, {{192, 0, 2, 9}, 24});
    EXPECT_FALSE(host.ip.is_own({192, 0, 2, 9}));
    EXPECT_TRUE(host.ip.is_own(our_ip));
    EXPECT_EQ(path_to(peer_ip).source, our_ip) << "its network has another address of ours";
    host.ip.remove_address(0, {our_ip, 24});
    EXPECT_EQ(path_to(peer_ip).interface_index, 1u) << "by the default route";
    EXPECT_FALSE(host.ip.is_broadcast({192, 0, 2, 255}));
}

TEST_F(PathTest, BroadcastsLeaveByTheirNetwork) {
    EXPECT_EQ(path_to({198, 51, 100, 255}).interface_index, 1u);
    EXPECT_EQ(path_to({198, 51, 100, 255}).next_hop, Ipv4Address(198, 51, 100, 255));
    EXPECT_EQ(path_to({255, 255, 255, 255}).interface_index, 0u);
    EXPECT_EQ(path_to({255, 255, 255, 255}).source, our_ip);
    EXPECT_EQ(path_to({255, 255, 255, 255}, second_ip).interface_index, 1u);
}

TEST_F(PathTest, Rfc1112_6_1_GroupsAreReachedOnTheLink) {
    const ip::Path by_default = path_to({239, 1, 2, 3});
    EXPECT_EQ(by_default.interface_index, 1u);
    EXPECT_EQ(by_default.next_hop, Ipv4Address(239, 1, 2, 3));
    host.ip.routes().add({{{239, 0, 0, 0}, 8}, {}, 0, 0});
    EXPECT_EQ(path_to({239, 1, 2, 3}).interface_index, 0u);
    EXPECT_EQ(path_to({239, 1, 2, 3}, second_ip).interface_index, 1u)
        << "the source names the interface";
}

TEST(PathlessTest, WithoutRoutesOrAddresses) {
    harness::LowerLayers host;
    host.add_interface(link::LinkKind::raw_ip);
    EXPECT_EQ(host.ip.route(peer_ip).error(), DropReason::ip_no_route);
    EXPECT_EQ(host.ip.route({255, 255, 255, 255}).error(), DropReason::ip_no_route);
    EXPECT_EQ(host.ip.route({224, 0, 0, 1}).error(), DropReason::ip_no_route);
    host.ip.routes().add({{{}, 0}, {}, 0, 0});
    EXPECT_EQ(host.ip.route(peer_ip).error(), DropReason::ip_no_source);
    host.ip.routes().add({{{198, 51, 100, 0}, 24}, {}, 7, 0});
    EXPECT_EQ(host.ip.route(second_router).error(), DropReason::ip_no_route)
        << "an interface that is not there";
    host.ip.add_address(0, {{192, 0, 2, 2}, 32});
    EXPECT_EQ(host.ip.route(peer_ip)->source, our_ip);
}

class SendTest : public PathTest {
  protected:
    DropReason send(std::size_t bytes, ip::SendFields fields = {}) {
        const Octets payload(bytes, 0x5a);
        const std::array<Bytes, 2> parts{Bytes(payload).first(bytes / 2),
                                         Bytes(payload).subspan(bytes / 2)};
        if (fields.destination.is_unspecified()) fields.destination = peer_ip;
        return host.ip.send(fields, parts, host.now, Fate::sent("test"));
    }
};

TEST_F(SendTest, TheHeaderSaysWhatTheTransportChose) {
    ip::SendFields fields;
    fields.protocol = Protocol::udp;
    fields.ttl = 7;
    fields.dscp = 46;
    fields.ecn = 1;
    fields.dont_fragment = true;
    ASSERT_EQ(send(9, fields), DropReason::none);
    ASSERT_EQ(host.transmit(), 1u);
    const Octets bytes = host.device().take().bytes;
    const auto packet = wire::Ipv4View::parse(bytes);
    ASSERT_TRUE(packet);
    const wire::Ipv4Header header = packet->header();
    EXPECT_EQ(header.source, our_ip);
    EXPECT_EQ(header.destination, peer_ip);
    EXPECT_EQ(header.ttl, 7);
    EXPECT_EQ(header.dscp, 46);
    EXPECT_EQ(header.ecn, 1);
    EXPECT_TRUE(header.dont_fragment);
    EXPECT_EQ(header.total_length, 29);
    EXPECT_EQ(header.protocol, 17);
    EXPECT_EQ(Octets(packet->payload().begin(), packet->payload().end()), Octets(9, 0x5a));
}

TEST_F(SendTest, WhatIsLargerThanTheLinkAndMayNotBeCutIsNamed) {
    ip::SendFields fields;
    fields.dont_fragment = true;
    EXPECT_EQ(send(1480, fields), DropReason::none);
    EXPECT_EQ(send(1481, fields), DropReason::ip_too_big);
    fields.destination = {203, 0, 113, 9};
    EXPECT_EQ(send(580, fields), DropReason::none);
    EXPECT_EQ(send(581, fields), DropReason::ip_too_big);
    EXPECT_EQ(send(70'000), DropReason::ip_too_big);
    EXPECT_EQ(host.drops[DropReason::ip_too_big], 3u);
    EXPECT_EQ(host.interface(1).counters().dropped_out, 1u);
}

TEST_F(SendTest, Rfc1122_3_3_5_WhatIsLargerThanTheLinkGoesInPieces) {
    ASSERT_EQ(send(4000), DropReason::none);
    ASSERT_EQ(host.transmit(), 3u);
    Octets payload;
    for (std::size_t i = 0; i < 3; ++i) {
        const Octets bytes = host.device().take().bytes;
        ASSERT_LE(bytes.size(), 1500u);
        const auto piece = wire::Ipv4View::parse(bytes);
        ASSERT_TRUE(piece);
        EXPECT_EQ(piece->header().fragment_offset_bytes, payload.size());
        EXPECT_EQ(piece->header().more_fragments, i < 2);
        payload.insert(payload.end(), piece->payload().begin(), piece->payload().end());
    }
    EXPECT_EQ(payload, Octets(4000, 0x5a));
    EXPECT_EQ(host.ip.counters().fragmented, 1u);
    EXPECT_EQ(host.ip.counters().fragments_created, 3u);
}

TEST_F(SendTest, AllPiecesOrNone) {
    while (host.interface().queue_room() > 2)
        ASSERT_EQ(send(8), DropReason::none);
    EXPECT_EQ(send(4000), DropReason::reply_queue_overflow);
    EXPECT_EQ(host.interface().queue_room(), 2u);
    EXPECT_EQ(send(2000), DropReason::none);
}

TEST_F(SendTest, Clause_7_NothingLeavesWithATimeToLiveOfZero) {
    ASSERT_EQ(send(8), DropReason::none);
    host.transmit();
    EXPECT_EQ(host.device().take().bytes[8], 64) << "zero means the configured one";
}

TEST(SendConfigTest, Rfc1122_3_2_1_7_TheDefaultTimeToLiveIsConfigured) {
    harness::LowerLayers host{ip::Config{.ttl = 33}};
    host.add_interface(link::LinkKind::raw_ip);
    host.ip.add_address(0, {our_ip, 24});
    ip::SendFields fields;
    fields.destination = peer_ip;
    const Octets payload(8);
    const std::array<Bytes, 1> parts{Bytes(payload)};
    ASSERT_EQ(host.ip.send(fields, parts, host.now, Fate::sent("test")), DropReason::none);
    host.transmit();
    EXPECT_EQ(host.device().take().bytes[8], 33);
}

TEST_F(SendTest, Clause_8_OptionsOfTheTransport) {
    const Octets record_route{7, 7, 4, 0, 0, 0, 0};
    ip::SendFields fields;
    fields.options = record_route;
    ASSERT_EQ(send(8, fields), DropReason::none);
    host.transmit();
    const Octets bytes = host.device().take().bytes;
    const auto packet = wire::Ipv4View::parse(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(Octets(packet->options().begin(), packet->options().end()),
              (Octets{7, 7, 4, 0, 0, 0, 0, 0}));
    const Octets too_many(41, 1);
    fields.options = too_many;
    EXPECT_EQ(send(8, fields), DropReason::ip_too_big);
}

TEST_F(SendTest, Rfc2113_RouterAlert) {
    ip::SendFields fields;
    fields.router_alert = true;
    fields.ttl = 1;
    ASSERT_EQ(send(8, fields), DropReason::none);
    host.transmit();
    const Octets bytes = host.device().take().bytes;
    const auto packet = wire::Ipv4View::parse(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(Octets(packet->options().begin(), packet->options().end()),
              (Octets{0x94, 0x04, 0x00, 0x00}));
    EXPECT_EQ(packet->payload().size(), 8u);
}

TEST_F(SendTest, AHeaderThatTheCallerWrote) {
    const ip::Path path = path_to(peer_ip);
    Octets packet = harness::ipv4_packet({}, peer_ip, 89, Octets(8, 1));
    store_be16(packet, 10, 0xdead);
    EXPECT_EQ(host.ip.send_packet(path, packet, host.now, Fate::sent("raw")), DropReason::none);
    host.transmit();
    const Octets sent = host.device().take().bytes;
    const auto view = wire::Ipv4View::parse(sent);
    ASSERT_TRUE(view) << "the checksum was put right";
    EXPECT_EQ(view->source(), our_ip);
    EXPECT_EQ(view->protocol(), 89);
    Octets runt(19, 0x45);
    EXPECT_EQ(host.ip.send_packet(path, runt, host.now, Fate::sent("raw")),
              DropReason::ip_truncated);
    Octets wrong = packet;
    wrong[0] = 0x4f;
    EXPECT_EQ(host.ip.send_packet(path, wrong, host.now, Fate::sent("raw")),
              DropReason::ip_bad_header_length);
    packet.resize(1501);
    EXPECT_EQ(host.ip.send_packet(path, packet, host.now, Fate::sent("raw")),
              DropReason::ip_too_big);
}

TEST_F(SendTest, WhatHasNoRouteIsCountedAndShown) {
    harness::RecordingObserver observer;
    host.observer = &observer;
    ip::SendFields fields;
    fields.destination = {240, 0, 0, 1};
    EXPECT_EQ(send(4, fields), DropReason::ip_no_route);
    EXPECT_EQ(host.drops[DropReason::ip_no_route], 1u);
    ASSERT_EQ(observer.told.size(), 1u);
    EXPECT_EQ(observer.told[0].direction, Direction::out);
    EXPECT_EQ(observer.told[0].fate.reason, DropReason::ip_no_route);
    EXPECT_EQ(observer.told[0].frame.size(), 24u);
}

TEST_F(SendTest, Rfc6864_4_1_AtomicDatagramsNeedNoIdentification) {
    ip::SendFields fields;
    fields.dont_fragment = true;
    send(4, fields);
    host.transmit();
    EXPECT_EQ(load_be16(host.device().take().bytes, 4), 0);
}

TEST_F(SendTest, APulledFrameGetsItsHeaders) {
    const Octets body(100, 3);
    link::OutFrame frame;
    frame.add_slice(body);
    frame.needs_checksum = true;
    const ip::Path path = path_to(peer_ip);
    EXPECT_EQ(host.ip.encapsulate(frame, path, {{}, peer_ip, Protocol::tcp}, host.now),
              Interface::Resolution::ready);
    EXPECT_EQ(frame.checksum_start, 20u);
    Octets bytes(frame.size());
    frame.copy_to(bytes);
    const auto packet = wire::Ipv4View::parse(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->source(), our_ip);
    EXPECT_EQ(packet->payload().size(), 100u);
}

TEST_F(SendTest, APulledFrameThatIsTooLargeGoesNowhereUnlessTheLinkCutsIt) {
    const Octets body(1481, 3);
    const ip::Path path = path_to(peer_ip);
    const auto encapsulate = [&](std::uint16_t segment_size) {
        link::OutFrame frame;
        frame.add_slice(body);
        frame.segment_size = segment_size;
        return host.ip.encapsulate(frame, path, {{}, peer_ip, Protocol::tcp}, host.now);
    };
    EXPECT_EQ(encapsulate(0), Interface::Resolution::dropped);
    EXPECT_EQ(host.drops[DropReason::ip_too_big], 1u);
    EXPECT_EQ(encapsulate(1440), Interface::Resolution::ready);
}

TEST(IdentificationTest, Rfc6864_4_3_NoneRepeatsBeforeAllWereUsed) {
    ip::Identification identification{Random(Seed::from(7))};
    std::set<std::uint16_t> seen;
    for (int i = 0; i < 65'536; ++i)
        ASSERT_TRUE(seen.insert(identification.next()).second) << i;
}

TEST(IdentificationTest, OneDoesNotBetrayTheNext) {
    ip::Identification identification{Random(Seed::from(7))};
    std::set<std::uint16_t> differences;
    std::uint16_t last = identification.next();
    for (int i = 0; i < 1000; ++i) {
        const std::uint16_t next = identification.next();
        differences.insert(static_cast<std::uint16_t>(next - last));
        last = next;
    }
    EXPECT_GT(differences.size(), 900u);
}

}  // namespace
}  // namespace berth
