// One datagram for many: broadcast, multicast, and ports that share an endpoint.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
using udp::UdpPort;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address second_ip{198, 51, 100, 2};
constexpr Ipv4Address group{233, 252, 0, 1};
constexpr Ipv4Address everybody{255, 255, 255, 255};
constexpr Ipv4Address broadcast_ip{192, 0, 2, 255};
constexpr Endpoint peer{{192, 0, 2, 1}, 4000};
constexpr link::InterfaceIndex lo = link::Interfaces::loopback_index;

class UdpGroupTest : public testing::Test {
  protected:
    harness::LowerLayers host;

    UdpGroupTest() {
        host.add_interface(link::LinkKind::raw_ip);
        host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
        host.ip.add_address(1, {second_ip, 24});
    }
    UdpPort& sharing(Endpoint local) {
        UdpPort& port = host.udp.open(nullptr);
        port.reuse_address = true;
        EXPECT_EQ(host.udp.bind(port, local), std::errc{});
        return port;
    }
    UdpPort& member(Endpoint local, link::InterfaceIndex by = 0, Ipv4Address source = {}) {
        UdpPort& port = sharing(local);
        EXPECT_EQ(port.groups.join(host.ip, group, by, source, host.now), std::errc{});
        return port;
    }
    Fate arrive(Endpoint from, Endpoint to, link::InterfaceIndex by = 0) {
        return host.feed(harness::udp_packet(from, to, Octets{1, 2}), by);
    }
    std::errc send(UdpPort& port, Endpoint to, const ip::SendControl& control = {}) {
        const Octets payload{1, 2};
        const std::array<Bytes, 1> parts{Bytes(payload)};
        return host.udp.send(port, parts, to, host.now, control);
    }
    // Sends what goes by that link; the frames' count, the first left in the device.
    std::size_t sent_by(link::InterfaceIndex by) { return host.transmit(by); }
    // What waits in the loopback interface arrives; its fates.
    std::vector<Fate> loop() {
        std::vector<Fate> fates;
        host.interfaces.loopback().transmit_queue(host.now, 100);
        std::array<link::Frame, 1> burst;
        while (host.loopback.receive(host.pool, burst, host.now) == 1)
            fates.push_back(host.feed(burst[0], lo));
        return fates;
    }
    static bool got_one(UdpPort& port) {
        const bool any = port.inbox.pop().has_value();
        return any && port.inbox.empty();
    }
};

TEST_F(UdpGroupTest, PortsShareAnEndpointOnlyIfAllAgree) {
    sharing({{}, 7});
    sharing({{}, 7});
    UdpPort& selfish = host.udp.open(nullptr);
    EXPECT_EQ(host.udp.bind(selfish, {{}, 7}), std::errc::address_in_use);
    EXPECT_EQ(host.udp.bind(selfish, {{}, 8}), std::errc{});
    UdpPort& willing = host.udp.open(nullptr);
    willing.reuse_address = true;
    EXPECT_EQ(host.udp.bind(willing, {{}, 8}), std::errc::address_in_use);
}

TEST_F(UdpGroupTest, HowManyShareIsBounded) {
    for (std::size_t i = 0; i < udp::Udp::limit_sharers; ++i)
        sharing({{}, 7});
    UdpPort& late = host.udp.open(nullptr);
    late.reuse_address = true;
    EXPECT_EQ(host.udp.bind(late, {{}, 7}), std::errc::address_in_use);
}

TEST_F(UdpGroupTest, AUnicastDatagramReachesTheLastBoundOnly) {
    UdpPort& first = sharing({{}, 7});
    UdpPort& second = sharing({{}, 7});
    UdpPort& third = sharing({{}, 7});
    EXPECT_EQ(arrive(peer, {our_ip, 7}).kind, FateKind::delivered);
    EXPECT_TRUE(got_one(third));
    host.udp.close(second, host.now);
    host.udp.close(third, host.now);
    EXPECT_EQ(arrive(peer, {our_ip, 7}).kind, FateKind::delivered);
    EXPECT_TRUE(got_one(first));
    host.udp.close(first, host.now);
    EXPECT_EQ(arrive(peer, {our_ip, 7}).reason, DropReason::udp_no_socket);
}

TEST_F(UdpGroupTest, AServerMayShareItsPortWithASocketForOnePeer) {
    UdpPort& server = sharing({our_ip, 7});
    UdpPort& for_peer = sharing({our_ip, 7});
    EXPECT_EQ(host.udp.connect(for_peer, peer), std::errc{});
    EXPECT_EQ(arrive(peer, {our_ip, 7}).match, DemuxMatch::four_tuple);
    EXPECT_TRUE(got_one(for_peer));
    EXPECT_EQ(arrive({peer.address, 5}, {our_ip, 7}).match, DemuxMatch::listener_address);
    EXPECT_TRUE(got_one(server));
}

TEST_F(UdpGroupTest, ABoundInterfaceIsPartOfTheMatch) {
    UdpPort& anywhere = sharing({{}, 7});
    UdpPort& on_one = host.udp.open(nullptr);
    UdpPort& on_zero = host.udp.open(nullptr);
    on_one.bind_interface = 1;
    on_zero.bind_interface = 0;
    EXPECT_EQ(host.udp.bind(on_one, {{}, 7}), std::errc::address_in_use);
    host.udp.close(anywhere, host.now);
    EXPECT_EQ(host.udp.bind(on_one, {{}, 7}), std::errc{});
    EXPECT_EQ(host.udp.bind(on_zero, {{}, 7}), std::errc{}) << "each has its own link";
    arrive(peer, {our_ip, 7}, 0);
    EXPECT_TRUE(got_one(on_zero));
    arrive(peer, {our_ip, 7}, 1);
    EXPECT_TRUE(got_one(on_one));
    host.udp.close(on_zero, host.now);
    EXPECT_EQ(arrive(peer, {our_ip, 7}, 0).reason, DropReason::udp_no_socket);
}

TEST_F(UdpGroupTest, APortAtTheInterfaceComesBeforeOneThatHearsAll) {
    UdpPort& bound_to = host.udp.open(nullptr);
    bound_to.reuse_address = true;
    bound_to.bind_interface = 0;
    ASSERT_EQ(host.udp.bind(bound_to, {{}, 7}), std::errc{});
    UdpPort& later = sharing({{}, 7});
    arrive(peer, {our_ip, 7}, 0);
    EXPECT_TRUE(got_one(bound_to));
    arrive(peer, {our_ip, 7}, 1);
    EXPECT_TRUE(got_one(later));
}

TEST_F(UdpGroupTest, Rfc1122_3_3_6_EveryListenerGetsItsCopyOfABroadcast) {
    UdpPort& first = sharing({{}, 7});
    UdpPort& second = sharing({{}, 7});
    UdpPort& at_broadcast = sharing({everybody, 7});
    UdpPort& at_address = sharing({our_ip, 7});
    const Fate fate = arrive(peer, {everybody, 7});
    EXPECT_EQ(fate.kind, FateKind::delivered);
    EXPECT_EQ(fate.match, DemuxMatch::listener_address) << "the first is the one bound to it";
    EXPECT_EQ(first.inbox.front()->payload()[1], 2);
    EXPECT_EQ(first.inbox.front()->destination, everybody);
    EXPECT_TRUE(got_one(first));
    EXPECT_TRUE(got_one(second));
    EXPECT_TRUE(got_one(at_broadcast));
    EXPECT_TRUE(at_address.inbox.empty());
    EXPECT_EQ(host.pool.outstanding(), 0u) << "each copy is its own";
}

TEST_F(UdpGroupTest, OneFullQueueDoesNotKeepTheCopyFromOthers) {
    UdpPort& slow = sharing({{}, 7});
    UdpPort& quick = sharing({{}, 7});
    slow.inbox.limit_bytes = quick.inbox.limit_bytes = 1;
    arrive(peer, {broadcast_ip, 7});
    quick.inbox.pop();
    EXPECT_EQ(arrive(peer, {broadcast_ip, 7}).kind, FateKind::delivered);
    EXPECT_EQ(slow.inbox.dropped(), 1u);
    EXPECT_EQ(arrive(peer, {broadcast_ip, 7}).reason, DropReason::udp_queue_full);
    EXPECT_EQ(slow.inbox.dropped(), 2u);
    EXPECT_EQ(quick.inbox.dropped(), 1u);
}

TEST_F(UdpGroupTest, Rfc1112_7_1_AGroupIsHeardWhereItWasJoined) {
    UdpPort& port = member({{}, 7}, 0);
    EXPECT_EQ(arrive(peer, {group, 7}, 0).kind, FateKind::delivered);
    EXPECT_EQ(port.inbox.front()->destination, group);
    EXPECT_TRUE(got_one(port));
    EXPECT_EQ(arrive(peer, {group, 7}, 1).reason, DropReason::ip_not_member);
    EXPECT_EQ(port.groups.leave(host.ip, group, 0, {}, host.now), std::errc{});
    EXPECT_EQ(arrive(peer, {group, 7}, 0).reason, DropReason::ip_not_member);
}

TEST_F(UdpGroupTest, ClosingAPortLeavesItsGroups) {
    UdpPort& port = member({{}, 7}, 0);
    UdpPort& other = member({{}, 7}, 0);
    host.udp.close(port, host.now);
    EXPECT_TRUE(host.ip.groups().is_member(0, group)) << "another port is still in it";
    host.udp.close(other, host.now);
    EXPECT_FALSE(host.ip.groups().is_member(0, group));
}

TEST_F(UdpGroupTest, APortBoundToTheGroupHearsNothingElse) {
    UdpPort& port = member({group, 7}, 0);
    EXPECT_EQ(arrive(peer, {our_ip, 7}).reason, DropReason::udp_no_socket);
    EXPECT_EQ(sent_by(0), 1u) << "port unreachable";
    host.device(0).take();
    EXPECT_EQ(arrive(peer, {group, 7}).kind, FateKind::delivered);
    EXPECT_EQ(host.udp.connect(port, peer), std::errc{});
    EXPECT_EQ(port.local, (Endpoint{group, 7})) << "as Linux; it sends from the route's address";
    EXPECT_EQ(arrive({peer.address, 5}, {group, 7}).reason, DropReason::udp_no_socket);
    EXPECT_EQ(arrive(peer, {group, 7}).match, DemuxMatch::four_tuple);
    ASSERT_EQ(send(port, peer), std::errc{});
    ASSERT_EQ(sent_by(0), 1u);
    EXPECT_EQ(load_be32(host.device(0).take().bytes, 12), our_ip.value);
}

TEST_F(UdpGroupTest, WithoutMulticastAllOnlyOwnGroupsAreHeard) {
    member({{}, 7}, 0);
    UdpPort& bystander = sharing({{}, 7});
    arrive(peer, {group, 7});
    EXPECT_TRUE(got_one(bystander)) << "Linux's default";
    bystander.multicast_all = false;
    arrive(peer, {group, 7});
    EXPECT_TRUE(bystander.inbox.empty());
}

TEST_F(UdpGroupTest, Rfc3678_4_1_ASourceMembershipHearsThatSourceOnly) {
    UdpPort& port = member({{}, 7}, 0, peer.address);
    EXPECT_EQ(arrive(peer, {group, 7}).kind, FateKind::delivered);
    EXPECT_TRUE(got_one(port));
    const Ipv4Address other{192, 0, 2, 77};
    EXPECT_EQ(arrive({other, 1}, {group, 7}).reason, DropReason::udp_no_socket);
    EXPECT_EQ(port.groups.join(host.ip, group, 0, other, host.now), std::errc{});
    EXPECT_EQ(arrive({other, 1}, {group, 7}).kind, FateKind::delivered);
    EXPECT_EQ(port.groups.join(host.ip, group, 0, other, host.now),
              std::errc::address_not_available);
    EXPECT_EQ(port.groups.join(host.ip, group, 0, {}, host.now), std::errc::invalid_argument);
    EXPECT_EQ(port.groups.leave(host.ip, group, 0, other, host.now), std::errc{});
    EXPECT_TRUE(host.ip.groups().is_member(0, group));
    EXPECT_EQ(port.groups.leave(host.ip, group, 0, peer.address, host.now), std::errc{});
    EXPECT_FALSE(host.ip.groups().is_member(0, group));
}

TEST_F(UdpGroupTest, WhatJoinAndLeaveRefuse) {
    UdpPort& port = sharing({{}, 7});
    const auto join = [&](Ipv4Address what, std::optional<link::InterfaceIndex> by) {
        return port.groups.join(host.ip, what, by, {}, host.now);
    };
    EXPECT_EQ(join(our_ip, 0), std::errc::invalid_argument);
    EXPECT_EQ(join(group, 7), std::errc::no_such_device);
    EXPECT_EQ(port.groups.leave(host.ip, group, 0, {}, host.now), std::errc::address_not_available);
    EXPECT_EQ(join(group, std::nullopt), std::errc{}) << "by the route, here the first link";
    EXPECT_EQ(join(group, 0), std::errc::address_in_use);
    for (std::uint8_t i = 1; i < ip::JoinedGroups::limit_groups; ++i)
        EXPECT_EQ(join(Ipv4Address(233, 252, 1, i), 0), std::errc{});
    EXPECT_EQ(join(Ipv4Address(233, 252, 2, 1), 0), std::errc::no_buffer_space);
    UdpPort& choosy = sharing({{}, 7});
    for (std::uint8_t i = 1; i <= ip::JoinedGroups::limit_sources; ++i) {
        EXPECT_EQ(choosy.groups.join(host.ip, group, 0, Ipv4Address(192, 0, 2, i), host.now),
                  std::errc{});
    }
    EXPECT_EQ(choosy.groups.join(host.ip, group, 0, Ipv4Address(192, 0, 2, 99), host.now),
              std::errc::no_buffer_space);
}

TEST_F(UdpGroupTest, Rfc1112_6_1_GroupsLeaveWithATtlOfOne) {
    UdpPort& port = sharing({{}, 7});
    EXPECT_EQ(send(port, {group, 9}), std::errc{});
    ASSERT_EQ(sent_by(0), 1u);
    EXPECT_EQ(host.device(0).take().bytes[8], 1);
    port.multicast_ttl = 5;
    port.multicast_interface = 1;
    EXPECT_EQ(send(port, {group, 9}), std::errc{});
    ASSERT_EQ(sent_by(1), 1u);
    const Octets sent = host.device(1).take().bytes;
    EXPECT_EQ(sent[8], 5);
    EXPECT_EQ(load_be32(sent, 12), second_ip.value) << "from the address of that link";
    EXPECT_TRUE(loop().empty()) << "nobody here has joined it";
}

TEST_F(UdpGroupTest, Rfc1112_6_1_MembersOnThisHostHearIt) {
    UdpPort& port = member({{}, 7}, 0);
    EXPECT_EQ(send(port, {group, 7}), std::errc{});
    EXPECT_EQ(sent_by(0), 1u);
    const std::vector<Fate> fates = loop();
    ASSERT_EQ(fates.size(), 1u);
    EXPECT_EQ(fates[0].kind, FateKind::delivered);
    EXPECT_EQ(port.inbox.front()->interface_index, 0u) << "the link by which it went";
    EXPECT_TRUE(got_one(port));
    port.multicast_loop = false;
    EXPECT_EQ(send(port, {group, 7}), std::errc{});
    EXPECT_EQ(sent_by(0), 1u);
    EXPECT_TRUE(loop().empty());
}

TEST_F(UdpGroupTest, ATtlOfZeroStaysInTheHost) {
    UdpPort& port = member({{}, 7}, 0);
    port.multicast_ttl = 0;
    EXPECT_EQ(send(port, {group, 7}), std::errc{});
    EXPECT_EQ(sent_by(0), 0u);
    EXPECT_EQ(loop().size(), 1u);
    EXPECT_TRUE(got_one(port));
}

TEST_F(UdpGroupTest, GroupsMayLiveOnTheLoopbackInterface) {
    UdpPort& port = member({{}, 7}, lo);
    port.multicast_interface = lo;
    EXPECT_EQ(send(port, {group, 7}), std::errc{});
    EXPECT_EQ(loop().size(), 1u);
    EXPECT_EQ(port.inbox.front()->source.address, Ipv4Address(127, 0, 0, 1));
    EXPECT_TRUE(got_one(port));
    EXPECT_EQ(sent_by(0) + sent_by(1), 0u);
}

TEST_F(UdpGroupTest, BroadcastsAreHeardAtHomeToo) {
    UdpPort& port = sharing({{}, 7});
    EXPECT_EQ(send(port, {broadcast_ip, 7}), std::errc::permission_denied);
    port.broadcast_allowed = true;
    EXPECT_EQ(send(port, {broadcast_ip, 7}), std::errc{});
    EXPECT_EQ(sent_by(0), 1u);
    EXPECT_EQ(loop().size(), 1u);
    EXPECT_TRUE(got_one(port));
    EXPECT_EQ(send(port, {broadcast_ip, 8}), std::errc{});
    EXPECT_TRUE(loop().empty()) << "no one is at that port";
}

TEST_F(UdpGroupTest, Rfc1122_3_2_1_3_AHostWithoutAnAddressMaySpeakToAll) {
    const link::InterfaceIndex fresh = host.add_interface(link::LinkKind::raw_ip);
    UdpPort& client = host.udp.open(nullptr);
    client.bind_interface = fresh;
    client.broadcast_allowed = true;
    ASSERT_EQ(host.udp.bind(client, {{}, 68}), std::errc{});
    EXPECT_EQ(send(client, {everybody, 67}), std::errc{});
    ASSERT_EQ(sent_by(fresh), 1u);
    const Octets sent = host.device(fresh).take().bytes;
    EXPECT_EQ(load_be32(sent, 12), 0u);
    EXPECT_EQ(load_be32(sent, 16), everybody.value);
    EXPECT_EQ(arrive({{192, 0, 2, 1}, 67}, {everybody, 68}, 0).reason, DropReason::udp_no_socket);
    EXPECT_EQ(arrive({{192, 0, 2, 1}, 67}, {everybody, 68}, fresh).kind, FateKind::delivered);
    EXPECT_EQ(send(client, {peer.address, 67}), std::errc::network_unreachable)
        << "to one host it would need an address";
}

TEST_F(UdpGroupTest, Rfc1122_4_1_3_5_ADatagramMayChooseItsSourceAndItsLink) {
    UdpPort& port = sharing({{}, 7});
    ip::SendControl control;
    control.source = second_ip;
    control.ttl = 9;
    control.tos = 0xb9;
    EXPECT_EQ(send(port, peer, control), std::errc{});
    ASSERT_EQ(sent_by(0), 1u);
    const Octets sent = host.device(0).take().bytes;
    EXPECT_EQ(load_be32(sent, 12), second_ip.value);
    EXPECT_EQ(sent[8], 9);
    EXPECT_EQ(sent[1], 0xb9);
    control = {};
    control.interface_index = 1;
    EXPECT_EQ(send(port, peer, control), std::errc{});
    EXPECT_EQ(sent_by(1), 1u) << "whatever the route says";
    control.interface_index = 9;
    EXPECT_EQ(send(port, peer, control), std::errc::no_such_device);
    control = {};
    control.source = peer.address;
    EXPECT_EQ(send(port, peer, control), std::errc::invalid_argument);
}

}  // namespace
}  // namespace berth
