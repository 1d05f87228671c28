// Raw sockets (Linux raw(7)): a copy of every packet of a protocol, header included.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "harness/fake_device.hpp"
#include "harness/packets.hpp"
#include "socket/sockets.hpp"

namespace berth::harness {
namespace {

using Octets = std::vector<std::uint8_t>;
using socket::Option;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};
constexpr Ipv4Address group_ip{233, 252, 0, 1};
constexpr std::uint8_t ospf = 89;

class RawSocketTest : public testing::Test {
  protected:
    FakeDevice device;
    Time now{1'000'000'000};
    Stack host{StackConfig{.seed = Seed::from(1), .start = now}};

    RawSocketTest() {
        host.add_interface("link0", device);
        host.add_address(0, {our_ip, 24});
        host.add_route({{{}, 0}, peer_ip, 0, 0});
    }
    std::unique_ptr<socket::Socket> raw(std::uint8_t protocol) {
        return socket::open(host, socket::Type::raw, protocol);
    }
    void arrive(const Octets& packet) {
        device.put(packet);
        host.poll(now);
    }
    static Octets receive(socket::Socket& socket, socket::Received* about = nullptr) {
        Octets bytes(70'000);
        const std::array<MutableBytes, 1> parts{MutableBytes(bytes)};
        const auto received = socket.receive(parts, {});
        bytes.resize(received ? received->bytes : 0);
        if (received && about != nullptr) *about = *received;
        return bytes;
    }
    static std::errc send(socket::Socket& socket, const Octets& bytes,
                          std::optional<Endpoint> remote = Endpoint{peer_ip, 0}) {
        const std::array<Bytes, 1> parts{Bytes(bytes)};
        const auto sent = socket.send(parts, remote);
        return sent ? std::errc{} : sent.error();
    }
    Octets transmitted() {
        host.poll(now);
        return device.take().bytes;
    }
};

TEST_F(RawSocketTest, APacketArrivesWithItsHeader) {
    auto socket = raw(ospf);
    const Octets packet = ipv4_packet(peer_ip, our_ip, ospf, Octets(24, 7));
    arrive(packet);
    socket::Received about;
    EXPECT_EQ(receive(*socket, &about), packet);
    EXPECT_EQ(about.source, (Endpoint{peer_ip, 0}));
    EXPECT_EQ(about.destination, our_ip);
    EXPECT_EQ(about.ttl, 64);
    EXPECT_EQ(host.drops().total(), 0u);
}

TEST_F(RawSocketTest, Rfc1122_3_2_2_1_AProtocolThatIsTakenIsNotUnreachable) {
    arrive(ipv4_packet(peer_ip, our_ip, ospf, Octets(24)));
    EXPECT_EQ(transmitted()[20], 3) << "nobody has it: protocol unreachable";
    EXPECT_EQ(host.drops()[DropReason::ip_unknown_protocol], 1u);
    auto socket = raw(ospf);
    arrive(ipv4_packet(peer_ip, our_ip, ospf, Octets(24)));
    EXPECT_TRUE(transmitted().empty());
    socket.reset();
    arrive(ipv4_packet(peer_ip, our_ip, ospf, Octets(24)));
    EXPECT_FALSE(transmitted().empty()) << "given up again";
}

TEST_F(RawSocketTest, EachHasItsCopyAndTheTransportItsOwn) {
    auto first = raw(17);
    auto second = raw(17);
    auto udp = socket::open(host, socket::Type::datagram);
    ASSERT_EQ(udp->bind({our_ip, 7}), std::errc{});
    const Octets packet = udp_packet({peer_ip, 4000}, {our_ip, 7}, Octets{1, 2, 3});
    arrive(packet);
    EXPECT_EQ(receive(*first), packet);
    EXPECT_EQ(receive(*second), packet);
    EXPECT_EQ(receive(*udp), (Octets{1, 2, 3}));
}

TEST_F(RawSocketTest, TheTransportStillDecidesTheFate) {
    auto socket = raw(17);
    arrive(udp_packet({peer_ip, 4000}, {our_ip, 7}, Octets{1}));
    EXPECT_FALSE(receive(*socket).empty());
    EXPECT_EQ(host.drops()[DropReason::udp_no_socket], 1u);
    EXPECT_EQ(transmitted()[21], wire::icmp_code::port_unreachable);
}

TEST_F(RawSocketTest, IcmpErrorsRepliesAndRequestsAreHeard) {
    auto socket = raw(1);
    const Octets reply = icmp_packet(peer_ip, our_ip, {wire::IcmpType::echo_reply, 0, 9}, {});
    const Octets request = icmp_packet(peer_ip, our_ip, {wire::IcmpType::echo_request, 0, 9}, {});
    const Octets quoted = udp_packet({our_ip, 1}, {peer_ip, 2}, Octets(8));
    const Octets error =
        icmp_packet(peer_ip, our_ip, {wire::IcmpType::destination_unreachable, 3, 0}, quoted);
    for (const Octets& each : {reply, request, error}) {
        arrive(each);
        EXPECT_EQ(receive(*socket), each);
    }
    EXPECT_EQ(host.drops().total(), 0u) << "what nobody else wants was delivered";
    EXPECT_EQ(transmitted()[20], 0) << "the request is answered all the same";
}

TEST_F(RawSocketTest, IcmpFilterKeepsTypesAway) {
    auto socket = raw(1);
    ASSERT_EQ(socket->set_option(Option::icmp_filter, ~std::int64_t{1} & 0xffffffff), std::errc{});
    arrive(icmp_packet(peer_ip, our_ip, {wire::IcmpType::echo_request, 0, 9}, {}));
    EXPECT_TRUE(receive(*socket).empty());
    arrive(icmp_packet(peer_ip, our_ip, {wire::IcmpType::echo_reply, 0, 9}, {}));
    EXPECT_FALSE(receive(*socket).empty());
    EXPECT_EQ(*socket->get_option(Option::icmp_filter), 0xfffffffe);
    EXPECT_EQ(socket->set_option(Option::icmp_filter, -1), std::errc::invalid_argument);
    EXPECT_EQ(raw(ospf)->set_option(Option::icmp_filter, 1), std::errc::no_protocol_option);
}

TEST_F(RawSocketTest, BoundAndConnectedOnesHearLess) {
    host.add_address(0, {{192, 0, 2, 3}, 24});
    auto bound = raw(ospf);
    auto connected = raw(ospf);
    ASSERT_EQ(bound->bind({{192, 0, 2, 3}, 0}), std::errc{});
    EXPECT_EQ(bound->bind({{203, 0, 113, 3}, 0}), std::errc::address_not_available);
    ASSERT_EQ(connected->connect({{192, 0, 2, 9}, 0}), std::errc{});
    arrive(ipv4_packet(peer_ip, our_ip, ospf, Octets(8)));
    EXPECT_TRUE(receive(*bound).empty());
    EXPECT_TRUE(receive(*connected).empty());
    EXPECT_EQ(host.drops()[DropReason::ip_unknown_protocol], 1u);
    arrive(ipv4_packet(peer_ip, {192, 0, 2, 3}, ospf, Octets(8)));
    EXPECT_FALSE(receive(*bound).empty());
    arrive(ipv4_packet({192, 0, 2, 9}, our_ip, ospf, Octets(8)));
    EXPECT_FALSE(receive(*connected).empty());
    EXPECT_EQ(connected->disconnect(), std::errc{});
    arrive(ipv4_packet(peer_ip, our_ip, ospf, Octets(8)));
    EXPECT_FALSE(receive(*connected).empty());
}

TEST_F(RawSocketTest, BoundToAnInterfaceItHearsThatOne) {
    FakeDevice second;
    host.add_interface("link1", second);
    host.add_address(1, {{198, 51, 100, 2}, 24});
    auto socket = raw(ospf);
    ASSERT_EQ(socket->set_option(Option::bind_interface, 1), std::errc{});
    arrive(ipv4_packet(peer_ip, our_ip, ospf, Octets(8)));
    EXPECT_TRUE(receive(*socket).empty());
    second.put(ipv4_packet({198, 51, 100, 1}, {198, 51, 100, 2}, ospf, Octets(8)));
    host.poll(now);
    socket::Received about;
    EXPECT_FALSE(receive(*socket, &about).empty());
    EXPECT_EQ(about.interface_index, 1u);
    ASSERT_EQ(send(*socket, Octets(8)), std::errc{});
    host.poll(now);
    second.sent.erase(second.sent.begin(), second.sent.end() - 1);
    EXPECT_EQ(wire::Ipv4View::parse(second.take().bytes)->destination(), peer_ip)
        << "whatever the routes say";
}

TEST_F(RawSocketTest, AFullQueueIsCounted) {
    auto socket = raw(ospf);
    ASSERT_EQ(socket->set_option(Option::receive_buffer, 4096), std::errc{});
    for (int i = 0; i < 100; ++i)
        arrive(ipv4_packet(peer_ip, our_ip, ospf, Octets(1000)));
    std::uint64_t kept = 0;
    while (!receive(*socket).empty())
        ++kept;
    EXPECT_GE(kept, 1u);
    EXPECT_EQ(host.drops()[DropReason::raw_queue_full], 100 - kept);
    EXPECT_TRUE(transmitted().empty()) << "full is not unreachable";
}

TEST_F(RawSocketTest, AWholeDatagramOfReassembledSizeFits) {
    auto socket = raw(ospf);
    ASSERT_EQ(send(*socket, Octets(60'000, 3), Endpoint{{127, 0, 0, 1}, 0}), std::errc{});
    host.poll(now);
    EXPECT_EQ(receive(*socket).size(), 60'020u);
}

TEST_F(RawSocketTest, SendsThePayloadUnderAHeaderOfOurs) {
    auto socket = raw(ospf);
    ASSERT_EQ(socket->set_option(Option::ttl, 1), std::errc{});
    ASSERT_EQ(socket->set_option(Option::tos, 0xc0), std::errc{});
    ASSERT_EQ(send(*socket, Octets{1, 2, 3, 4}), std::errc{});
    const Octets sent = transmitted();
    const auto packet = wire::Ipv4View::parse(sent);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->protocol(), ospf);
    EXPECT_EQ(packet->ttl(), 1);
    EXPECT_EQ(sent[1], 0xc0);
    EXPECT_EQ(packet->source(), our_ip);
    EXPECT_EQ(Octets(packet->payload().begin(), packet->payload().end()), (Octets{1, 2, 3, 4}));
}

TEST_F(RawSocketTest, OrUnderAHeaderOfItsOwn) {
    auto socket = raw(ospf);
    ASSERT_EQ(socket->set_option(Option::header_included, 1), std::errc{});
    Octets packet = ipv4_packet({}, peer_ip, 200, Octets{9, 9});
    packet[8] = 17;
    ASSERT_EQ(send(*socket, packet), std::errc{});
    const Octets sent = transmitted();
    const auto view = wire::Ipv4View::parse(sent);
    ASSERT_TRUE(view) << "total length and checksum are filled in";
    EXPECT_EQ(view->source(), our_ip);
    EXPECT_EQ(view->ttl(), 17);
    EXPECT_EQ(view->protocol(), 200);
    EXPECT_EQ(send(*socket, Octets(19)), std::errc::invalid_argument);
    EXPECT_EQ(send(*socket, Octets(20, 0x4f)), std::errc::invalid_argument);
    EXPECT_EQ(send(*socket, Octets(1501, 0x45)), std::errc::message_size);
}

TEST_F(RawSocketTest, Protocol255OnlySendsAndAlwaysWithItsOwnHeader) {
    auto socket = raw(255);
    EXPECT_EQ(*socket->get_option(Option::header_included), 1);
    arrive(ipv4_packet(peer_ip, our_ip, 255, Octets(8)));
    EXPECT_TRUE(receive(*socket).empty());
    EXPECT_EQ(host.drops()[DropReason::ip_unknown_protocol], 1u);
}

TEST_F(RawSocketTest, ThereIsABoundOnThem) {
    EXPECT_EQ(raw(0), nullptr) << "a raw socket has a protocol";
    std::vector<std::unique_ptr<socket::Socket>> sockets;
    for (std::size_t i = 0; i < ip::RawPorts::limit_ports; ++i)
        sockets.push_back(raw(ospf));
    EXPECT_NE(sockets.back(), nullptr);
    EXPECT_EQ(raw(ospf), nullptr);
    sockets.pop_back();
    EXPECT_NE(raw(ospf), nullptr);
}

TEST_F(RawSocketTest, ErrorsComeToWhoAskedOrIsConnected) {
    auto quiet = raw(ospf);
    auto asked = raw(ospf);
    auto connected = raw(ospf);
    ASSERT_EQ(asked->set_option(Option::receive_errors, 1), std::errc{});
    ASSERT_EQ(connected->connect({peer_ip, 0}), std::errc{});
    const Octets ours = ipv4_packet(our_ip, peer_ip, ospf, Octets(12, 5));
    arrive(icmp_packet(peer_ip, our_ip, {wire::IcmpType::destination_unreachable, 2, 0}, ours));
    EXPECT_FALSE(quiet->readiness().error);
    EXPECT_TRUE(connected->readiness().error);
    EXPECT_EQ(send(*connected, Octets(4)), std::errc::no_protocol_option);
    const auto queued = asked->take_queued_error();
    ASSERT_TRUE(queued);
    EXPECT_EQ(queued->code, 2);
    EXPECT_EQ(queued->payload, Octets(12, 5));
    EXPECT_EQ(host.drops().total(), 0u);
}

TEST_F(RawSocketTest, AGroupIsHeardByWhoJoined) {
    auto socket = raw(ospf);
    const socket::Membership membership{group_ip, link::InterfaceIndex{0}, {}};
    arrive(ipv4_packet(peer_ip, group_ip, ospf, Octets(8)));
    EXPECT_EQ(host.drops()[DropReason::ip_not_member], 1u);
    EXPECT_EQ(socket->leave(membership), std::errc::address_not_available);
    ASSERT_EQ(socket->join(membership), std::errc{});
    EXPECT_EQ(socket->join(membership), std::errc::address_in_use);
    EXPECT_EQ(socket->join({our_ip, {}, {}}), std::errc::invalid_argument);
    EXPECT_EQ(socket->join({group_ip, link::InterfaceIndex{9}, {}}),
              std::errc::address_not_available);
    auto choosy = raw(ospf);
    ASSERT_EQ(choosy->set_option(Option::multicast_all, 0), std::errc{});
    arrive(ipv4_packet(peer_ip, group_ip, ospf, Octets(8)));
    EXPECT_FALSE(receive(*socket).empty());
    EXPECT_TRUE(receive(*choosy).empty());
    socket.reset();
    EXPECT_FALSE(host.ip().groups().is_member(0, group_ip)) << "closing leaves";
}

TEST_F(RawSocketTest, Rfc3376_3_1_ASourceThatWasNotAskedForIsNotHeard) {
    auto socket = raw(ospf);
    ASSERT_EQ(socket->join({group_ip, link::InterfaceIndex{0}, peer_ip}), std::errc{});
    arrive(ipv4_packet({192, 0, 2, 9}, group_ip, ospf, Octets(8)));
    EXPECT_TRUE(receive(*socket).empty());
    arrive(ipv4_packet(peer_ip, group_ip, ospf, Octets(8)));
    EXPECT_FALSE(receive(*socket).empty());
}

TEST_F(RawSocketTest, TtlsToGroupsAreTheirOwn) {
    auto socket = raw(ospf);
    ASSERT_EQ(send(*socket, Octets(8), Endpoint{group_ip, 0}), std::errc{});
    EXPECT_EQ(transmitted()[8], 1);
    ASSERT_EQ(socket->set_option(Option::multicast_ttl, 0), std::errc{});
    ASSERT_EQ(send(*socket, Octets(8), Endpoint{group_ip, 0}), std::errc{});
    EXPECT_TRUE(transmitted().empty()) << "does not leave the host";
}

TEST_F(RawSocketTest, AGroupLeavesByTheChosenInterface) {
    FakeDevice second;
    host.add_interface("link1", second);
    host.add_address(1, {{198, 51, 100, 2}, 24});
    auto socket = raw(ospf);
    ASSERT_EQ(socket->set_option(Option::multicast_interface, 1), std::errc{});
    ASSERT_EQ(send(*socket, Octets(8), Endpoint{group_ip, 0}), std::errc{});
    EXPECT_TRUE(transmitted().empty());
    ASSERT_EQ(second.sent.size(), 1u);
    EXPECT_EQ(wire::Ipv4View::parse(second.sent[0].bytes)->source(), Ipv4Address(198, 51, 100, 2));
    ASSERT_EQ(socket->set_option(Option::multicast_interface, -1), std::errc{});
    ASSERT_EQ(send(*socket, Octets(8), Endpoint{group_ip, 0}), std::errc{});
    EXPECT_FALSE(transmitted().empty()) << "by the route";
}

TEST_F(RawSocketTest, TheTableShowsIt) {
    auto socket = raw(1);
    ASSERT_EQ(socket->bind({our_ip, 0}), std::errc{});
    const auto rows = socket::rows(host);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].netid, "raw");
    EXPECT_EQ(rows[0].state, "UNCONN");
    EXPECT_EQ(rows[0].local, (Endpoint{our_ip, 1})) << "the protocol, as ss has it";
}

}  // namespace
}  // namespace berth::harness
