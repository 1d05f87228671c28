// UDP ports: bound, connected, closed; POSIX's errors.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
using udp::UdpPort;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address second_ip{198, 51, 100, 2};
constexpr Endpoint peer{{192, 0, 2, 1}, 4000};
constexpr Endpoint second_peer{{198, 51, 100, 1}, 4000};

class UdpPortTest : public testing::Test {
  protected:
    harness::LowerLayers host;

    UdpPortTest() {
        host.add_interface(link::LinkKind::raw_ip);
        host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
        host.ip.add_address(1, {second_ip, 24});
    }
    UdpPort& bound(Endpoint local) {
        UdpPort& port = host.udp.open(nullptr);
        EXPECT_EQ(host.udp.bind(port, local), std::errc{});
        return port;
    }
    Fate arrive(Endpoint from, Endpoint to) {
        return host.feed(harness::udp_packet(from, to, Octets{1}));
    }
};

TEST_F(UdpPortTest, OneBindingForEachAddressAndPort) {
    bound({our_ip, 7});
    UdpPort& other = host.udp.open(nullptr);
    EXPECT_EQ(host.udp.bind(other, {our_ip, 7}), std::errc::address_in_use);
    EXPECT_FALSE(other.is_bound());
    EXPECT_EQ(host.udp.bind(other, {second_ip, 7}), std::errc{})
        << "another address is another endpoint";
    bound({{}, 7});
    UdpPort& late = host.udp.open(nullptr);
    EXPECT_EQ(host.udp.bind(late, {{}, 7}), std::errc::address_in_use);
}

TEST_F(UdpPortTest, ASecondBindIsInvalid) {
    UdpPort& port = bound({our_ip, 7});
    EXPECT_EQ(host.udp.bind(port, {our_ip, 8}), std::errc::invalid_argument);
}

TEST_F(UdpPortTest, OnlyOwnAddressesAndGroupsCanBeBound) {
    UdpPort& port = host.udp.open(nullptr);
    for (const Ipv4Address bad : {Ipv4Address(192, 0, 2, 3), Ipv4Address(240, 0, 0, 1)}) {
        EXPECT_EQ(host.udp.bind(port, {bad, 7}), std::errc::address_not_available)
            << to_string(bad);
    }
    for (const Ipv4Address good : {our_ip, Ipv4Address(127, 0, 0, 1), Ipv4Address(192, 0, 2, 255),
                                   Ipv4Address(255, 255, 255, 255), Ipv4Address(233, 252, 0, 1)})
        bound({good, 7});
}

TEST_F(UdpPortTest, PortZeroMeansChooseForMe) {
    std::set<Port> chosen;
    for (int i = 0; i < 100; ++i) {
        const UdpPort& port = bound({our_ip, 0});
        EXPECT_GE(port.local.port, demux::EphemeralPorts::default_first);
        EXPECT_LE(port.local.port, demux::EphemeralPorts::default_last);
        EXPECT_TRUE(chosen.insert(port.local.port).second);
    }
}

TEST_F(UdpPortTest, APortIsFreeAgainAfterClose) {
    UdpPort& first = bound({our_ip, 7});
    bound({our_ip, 8});
    host.udp.close(first, host.now);
    EXPECT_EQ(host.udp.size(), 1u);
    bound({our_ip, 7});
}

TEST_F(UdpPortTest, ConnectFixesBothEnds) {
    UdpPort& port = host.udp.open(nullptr);
    EXPECT_EQ(host.udp.connect(port, second_peer), std::errc{});
    EXPECT_EQ(port.local.address, second_ip) << "the route's address";
    EXPECT_NE(port.local.port, 0);
    EXPECT_EQ(port.remote(), second_peer);
    UdpPort& given = bound({our_ip, 7});
    EXPECT_EQ(host.udp.connect(given, second_peer), std::errc{});
    EXPECT_EQ(given.local, (Endpoint{our_ip, 7})) << "the user's address stays";
}

TEST_F(UdpPortTest, AConnectedPortHearsItsPeerOnly) {
    UdpPort& port = bound({{}, 7});
    EXPECT_EQ(arrive({peer.address, 5}, {our_ip, 7}).match, DemuxMatch::listener_wildcard);
    EXPECT_EQ(host.udp.connect(port, peer), std::errc{});
    EXPECT_EQ(port.local, (Endpoint{our_ip, 7}));
    EXPECT_EQ(arrive(peer, {our_ip, 7}).match, DemuxMatch::four_tuple);
    EXPECT_EQ(arrive({peer.address, 5}, {our_ip, 7}).reason, DropReason::udp_no_socket);
    EXPECT_EQ(arrive(peer, {second_ip, 7}).reason, DropReason::udp_no_socket);
}

TEST_F(UdpPortTest, ASecondConnectReplacesTheFirst) {
    UdpPort& port = bound({{}, 7});
    EXPECT_EQ(host.udp.connect(port, peer), std::errc{});
    EXPECT_EQ(host.udp.connect(port, second_peer), std::errc{});
    EXPECT_EQ(port.local, (Endpoint{second_ip, 7})) << "what connect chose, it chooses anew";
    EXPECT_EQ(arrive(peer, {our_ip, 7}).reason, DropReason::udp_no_socket);
    EXPECT_EQ(arrive(second_peer, {second_ip, 7}).kind, FateKind::delivered);
}

TEST_F(UdpPortTest, DisconnectUndoesWhatConnectChose) {
    UdpPort& wildcard = bound({{}, 7});
    host.udp.connect(wildcard, peer);
    host.udp.disconnect(wildcard);
    EXPECT_EQ(wildcard.local, (Endpoint{{}, 7}));
    EXPECT_EQ(arrive({peer.address, 5}, {second_ip, 7}).match, DemuxMatch::listener_wildcard);

    UdpPort& fresh = host.udp.open(nullptr);
    host.udp.connect(fresh, peer);
    const Port chosen = fresh.local.port;
    host.udp.disconnect(fresh);
    EXPECT_FALSE(fresh.is_bound());
    EXPECT_EQ(fresh.remote(), Endpoint{});
    bound({our_ip, chosen});

    UdpPort& given = bound({our_ip, 9});
    host.udp.connect(given, peer);
    host.udp.disconnect(given);
    EXPECT_EQ(given.local, (Endpoint{our_ip, 9}));
    EXPECT_EQ(arrive({peer.address, 5}, {our_ip, 9}).match, DemuxMatch::listener_address);
    host.udp.disconnect(given);
}

TEST_F(UdpPortTest, ConnectErrorsLeaveThePortAsItWas) {
    UdpPort& port = host.udp.open(nullptr);
    EXPECT_EQ(host.udp.connect(port, {peer.address, 0}), std::errc::invalid_argument);
    EXPECT_EQ(host.udp.connect(port, {{}, 7}), std::errc::network_unreachable);
    EXPECT_EQ(host.udp.connect(port, {{203, 0, 113, 1}, 7}), std::errc::network_unreachable);
    EXPECT_EQ(host.udp.connect(port, {{192, 0, 2, 255}, 7}), std::errc::permission_denied);
    EXPECT_FALSE(port.is_bound());
    EXPECT_FALSE(port.is_connected());
    port.broadcast_allowed = true;
    EXPECT_EQ(host.udp.connect(port, {{192, 0, 2, 255}, 7}), std::errc{});

    // Somebody else is at the address that the route would choose.
    bound({our_ip, 7});
    UdpPort& wildcard = bound({{}, 7});
    EXPECT_EQ(host.udp.connect(wildcard, second_peer), std::errc{});
    EXPECT_EQ(host.udp.connect(wildcard, peer), std::errc::address_in_use);
    EXPECT_EQ(wildcard.local, (Endpoint{second_ip, 7}));
    EXPECT_EQ(wildcard.remote(), second_peer);
    EXPECT_EQ(arrive(second_peer, {second_ip, 7}).kind, FateKind::delivered);
    host.udp.disconnect(wildcard);
    EXPECT_EQ(host.udp.connect(wildcard, peer), std::errc::address_in_use);
    EXPECT_EQ(wildcard.local, (Endpoint{{}, 7}));
    EXPECT_EQ(arrive(peer, {second_ip, 7}).match, DemuxMatch::listener_wildcard);
}

TEST_F(UdpPortTest, TheOrderIsConnectedThenAddressThenWildcard) {
    bound({{}, 7});
    EXPECT_EQ(arrive(peer, {our_ip, 7}).match, DemuxMatch::listener_wildcard);
    UdpPort& address = bound({our_ip, 7});
    EXPECT_EQ(arrive(peer, {our_ip, 7}).match, DemuxMatch::listener_address);
    EXPECT_EQ(arrive(peer, {second_ip, 7}).match, DemuxMatch::listener_wildcard);
    host.udp.connect(address, peer);
    EXPECT_EQ(arrive(peer, {our_ip, 7}).match, DemuxMatch::four_tuple);
    EXPECT_EQ(arrive({peer.address, 5}, {our_ip, 7}).match, DemuxMatch::listener_wildcard)
        << "a stranger's datagram goes past the connected port";
}

TEST_F(UdpPortTest, ClosingAConnectedPortFreesItsFourTuple) {
    UdpPort& port = bound({our_ip, 7});
    host.udp.connect(port, peer);
    host.udp.close(port, host.now);
    UdpPort& next = bound({our_ip, 7});
    EXPECT_EQ(host.udp.connect(next, peer), std::errc{});
    std::size_t seen = 0;
    host.udp.for_each([&](const UdpPort&) { ++seen; });
    EXPECT_EQ(seen, 1u);
}

}  // namespace
}  // namespace berth
