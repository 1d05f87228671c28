// Datagrams in and out (RFC 768, RFC 1122 §4.1), queues and errors.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "wire/checksum.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
using udp::UdpPort;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address broadcast_ip{192, 0, 2, 255};
constexpr Endpoint peer{{192, 0, 2, 1}, 4000};

class Counter final : public udp::Receiver {
  public:
    int events = 0;
    void on_udp_event() override { ++events; }
};

class UdpDatagramTest : public testing::Test {
  protected:
    harness::LowerLayers host;
    Counter user;
    UdpPort& port;

    UdpDatagramTest() : port(host.udp.open(&user)) {
        host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
        EXPECT_EQ(host.udp.bind(port, {our_ip, 7}), std::errc{});
    }
    Fate arrive(const Octets& payload) {
        return host.feed(harness::udp_packet(peer, {our_ip, 7}, payload));
    }
    std::errc send(const Octets& payload, std::optional<Endpoint> remote = peer) {
        const std::array<Bytes, 1> parts{Bytes(payload)};
        return host.udp.send(port, parts, remote, host.now);
    }
    // A datagram with these bytes at offsets of the UDP header, the checksum as `checksum` says.
    static Octets packet_with(std::size_t at, std::uint16_t value) {
        Octets packet = harness::udp_packet(peer, {our_ip, 7}, Octets{1, 2, 3});
        store_be16(packet, 20 + at, value);
        return packet;
    }
};

TEST_F(UdpDatagramTest, ADatagramArrivesWithItsSource) {
    const Fate fate = arrive({'h', 'e', 'y'});
    EXPECT_EQ(fate.kind, FateKind::delivered);
    EXPECT_EQ(fate.match, DemuxMatch::listener_address);
    EXPECT_EQ(fate.association, (Association{Protocol::udp, {{our_ip, 7}, peer}}));
    EXPECT_EQ(user.events, 1);
    EXPECT_EQ(port.inbox.queued_bytes(), 3u);
    const auto datagram = port.inbox.pop();
    ASSERT_TRUE(datagram);
    EXPECT_EQ(Octets(datagram->payload().begin(), datagram->payload().end()),
              (Octets{'h', 'e', 'y'}));
    EXPECT_EQ(datagram->source, peer);
    EXPECT_EQ(datagram->destination, our_ip);
    EXPECT_TRUE(port.inbox.empty());
    EXPECT_EQ(port.inbox.queued_bytes(), 0u);
    EXPECT_EQ(port.inbox.charged_bytes(), 0u);
}

TEST_F(UdpDatagramTest, DatagramsStayApartAndInOrder) {
    arrive({1});
    arrive({2, 2});
    EXPECT_EQ(port.inbox.front()->payload().size(), 1u);
    EXPECT_EQ(port.inbox.pop()->payload().size(), 1u);
    EXPECT_EQ(port.inbox.pop()->payload().size(), 2u);
    EXPECT_FALSE(port.inbox.pop());
}

TEST_F(UdpDatagramTest, AnEmptyDatagramIsADatagram) {
    EXPECT_EQ(arrive({}).kind, FateKind::delivered);
    const auto datagram = port.inbox.pop();
    ASSERT_TRUE(datagram);
    EXPECT_TRUE(datagram->payload().empty());
}

TEST_F(UdpDatagramTest, Rfc1122_4_1_3_4_WrongChecksumsAreDropped) {
    EXPECT_EQ(host.feed(packet_with(6, 0x1234)).reason, DropReason::udp_bad_checksum);
    Octets flipped = harness::udp_packet(peer, {our_ip, 7}, Octets{1, 2, 3});
    flipped.back() ^= 4;
    EXPECT_EQ(host.feed(flipped).reason, DropReason::udp_bad_checksum);
}

TEST_F(UdpDatagramTest, Rfc768_AZeroChecksumMeansNone) {
    EXPECT_EQ(host.feed(packet_with(6, 0)).kind, FateKind::delivered);
}

TEST_F(UdpDatagramTest, AVouchedChecksumIsNotLookedAt) {
    link::Frame frame = link::Frame::copy_of(packet_with(6, 0x1234), host.pool, host.now);
    frame.checksum_vouched = true;
    EXPECT_EQ(host.feed(frame).kind, FateKind::delivered);
}

TEST_F(UdpDatagramTest, LengthsThatDoNotFit) {
    EXPECT_EQ(host.feed(packet_with(4, 7)).reason, DropReason::udp_bad_length);
    EXPECT_EQ(host.feed(packet_with(4, 12)).reason, DropReason::udp_bad_length);
    EXPECT_EQ(host.feed(harness::ipv4_packet(peer.address, our_ip, 17, Octets(7))).reason,
              DropReason::udp_truncated);
}

TEST_F(UdpDatagramTest, PortZeroIsNobodysDestination) {
    EXPECT_EQ(host.feed(harness::udp_packet(peer, {our_ip, 0}, {})).reason,
              DropReason::udp_port_zero);
    EXPECT_EQ(host.feed(harness::udp_packet({peer.address, 0}, {our_ip, 7}, {})).kind,
              FateKind::delivered)
        << "as a source it means that no answer is wanted";
}

TEST_F(UdpDatagramTest, BroadcastsReachTheWildcard) {
    EXPECT_EQ(host.feed(harness::udp_packet(peer, {broadcast_ip, 7}, {})).reason,
              DropReason::udp_no_socket);
    EXPECT_EQ(host.transmit(), 0u) << "and no error is sent about a broadcast";
    UdpPort& wildcard = host.udp.open(nullptr);
    host.udp.bind(wildcard, {{}, 7});
    EXPECT_EQ(host.feed(harness::udp_packet(peer, {broadcast_ip, 7}, {})).match,
              DemuxMatch::listener_wildcard);
    EXPECT_EQ(wildcard.inbox.pop()->destination, broadcast_ip);
}

TEST_F(UdpDatagramTest, ASlowReadersQueueIsBoundedByTrueCost) {
    std::size_t delivered = 0;
    while (arrive({1}).kind == FateKind::delivered)
        ASSERT_LT(++delivered, 10'000u);
    EXPECT_LE(port.inbox.charged_bytes(), port.inbox.limit_bytes);
    EXPECT_EQ(port.inbox.queued_bytes(), delivered);
    EXPECT_LE(delivered, port.inbox.limit_bytes / BufferPool::small_block_bytes);
    EXPECT_EQ(arrive({1}).reason, DropReason::udp_queue_full);
    EXPECT_TRUE(arrive({1}).has_association) << "the fate says whose queue";
    port.inbox.pop();
    EXPECT_EQ(arrive({1}).kind, FateKind::delivered);
}

TEST_F(UdpDatagramTest, EmptyDatagramsAreBoundedToo) {
    std::size_t delivered = 0;
    while (arrive({}).kind == FateKind::delivered)
        ASSERT_LT(++delivered, 100'000u);
    EXPECT_LE(port.inbox.charged_bytes(), port.inbox.limit_bytes);
}

TEST_F(UdpDatagramTest, AnEmptyQueueTakesOneDatagramWhateverTheLimit) {
    port.inbox.limit_bytes = 1;
    EXPECT_EQ(arrive({1}).kind, FateKind::delivered);
    EXPECT_EQ(arrive({1}).reason, DropReason::udp_queue_full);
}

TEST_F(UdpDatagramTest, AFramesBufferIsKeptUnlessItIsMostlyEmpty) {
    const Octets packet = harness::udp_packet(peer, {our_ip, 7}, Octets(1000, 9));
    link::Frame small = link::Frame::copy_of(packet, host.pool, host.now);
    const std::uint8_t* memory = small.buffer.data();
    host.feed(small);
    EXPECT_FALSE(small.buffer);
    EXPECT_EQ(port.inbox.front()->buffer.data(), memory);
    port.inbox.pop();

    link::Frame large;
    large.buffer = host.pool.take(BufferPool::large_block_bytes);
    std::copy(packet.begin(), packet.end(), large.buffer.data());
    large.length = static_cast<std::uint32_t>(packet.size());
    host.feed(large);
    EXPECT_TRUE(large.buffer) << "the large block goes back";
    EXPECT_EQ(port.inbox.front()->buffer.capacity(), BufferPool::small_block_bytes);
    EXPECT_EQ(port.inbox.pop()->payload()[999], 9);
}

TEST_F(UdpDatagramTest, ARefusedDatagramLeavesTheFrameWhole) {
    port.inbox.limit_bytes = 1;
    arrive({1});
    link::Frame frame = link::Frame::copy_of(harness::udp_packet(peer, {our_ip, 7}, Octets{2}),
                                             host.pool, host.now);
    EXPECT_EQ(host.feed(frame).reason, DropReason::udp_queue_full);
    EXPECT_TRUE(frame.buffer);
}

TEST_F(UdpDatagramTest, BuffersGoBackToThePool) {
    for (int i = 0; i < 5; ++i)
        arrive({1});
    EXPECT_EQ(host.pool.outstanding(), 5u);
    host.udp.close(port, host.now);
    EXPECT_EQ(host.pool.outstanding(), 0u);
}

TEST_F(UdpDatagramTest, GoldenDatagramOut) {
    EXPECT_EQ(send({'h', 'i'}), std::errc{});
    EXPECT_TRUE(host.device().sent.empty());
    host.transmit();
    const Octets golden{
        0x45, 0x00, 0x00, 0x1e, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb6, 0xcb, 192,  0,   2,
        2,    192,  0,    2,    1,    0x00, 0x07, 0x0f, 0xa0, 0x00, 0x0a, 0x03, 0xc6, 'h', 'i',
    };
    EXPECT_EQ(host.device().take().bytes, golden);
}

TEST_F(UdpDatagramTest, Rfc1122_4_1_4_TtlAndTosAreThePorts) {
    port.ttl = 3;
    port.tos = 10 << 2 | 2;
    send({1});
    host.transmit();
    const Octets bytes = host.device().take().bytes;
    EXPECT_EQ(bytes[8], 3);
    EXPECT_EQ(bytes[1], 10 << 2 | 2);
}

TEST_F(UdpDatagramTest, DestinationsThatCannotBe) {
    EXPECT_EQ(send({1}, std::nullopt), std::errc::destination_address_required);
    EXPECT_EQ(send({1}, Endpoint{peer.address, 0}), std::errc::invalid_argument);
    EXPECT_EQ(send({1}, Endpoint{{}, 9}), std::errc::network_unreachable);
    EXPECT_EQ(send({1}, Endpoint{{203, 0, 113, 1}, 9}), std::errc::network_unreachable);
    EXPECT_EQ(send({1}, Endpoint{broadcast_ip, 9}), std::errc::permission_denied);
    port.broadcast_allowed = true;
    EXPECT_EQ(send({1}, Endpoint{broadcast_ip, 9}), std::errc{});
    EXPECT_EQ(host.drops.total(), 0u) << "the caller was told; nothing was dropped";
}

TEST_F(UdpDatagramTest, SendingBindsFirst) {
    UdpPort& fresh = host.udp.open(nullptr);
    const std::array<Bytes, 0> nothing{};
    EXPECT_EQ(host.udp.send(fresh, nothing, peer, host.now), std::errc{});
    EXPECT_TRUE(fresh.is_bound());
    EXPECT_TRUE(fresh.local.address.is_unspecified());
    host.transmit();
    EXPECT_EQ(load_be16(host.device().take().bytes, 20), fresh.local.port);
}

TEST_F(UdpDatagramTest, AConnectedPortSendsToItsPeer) {
    host.udp.connect(port, peer);
    EXPECT_EQ(send({1}, std::nullopt), std::errc{});
    host.transmit();
    EXPECT_EQ(load_be16(host.device().take().bytes, 22), peer.port);
}

TEST_F(UdpDatagramTest, AFullInterfaceBlocksAndRoomIsTold) {
    host.device().room = 0;
    for (std::size_t i = 0; i < link::Interface::queue_limit_packets; ++i)
        ASSERT_EQ(send({1}), std::errc{});
    EXPECT_EQ(send({1}), std::errc::operation_would_block);
    EXPECT_EQ(send({1}), std::errc::operation_would_block);
    EXPECT_EQ(host.drops.total(), 0u);
    host.transmit();
    EXPECT_EQ(user.events, 0) << "there is no room yet";
    host.device().room = 1;
    host.transmit();
    EXPECT_EQ(user.events, 1);
    EXPECT_EQ(send({1}), std::errc{});
    host.device().room = 1;
    host.transmit();
    EXPECT_EQ(user.events, 1) << "told once";
}

TEST_F(UdpDatagramTest, ABlockedPortMayClose) {
    host.device().room = 0;
    for (std::size_t i = 0; i < link::Interface::queue_limit_packets; ++i)
        ASSERT_EQ(send({1}), std::errc{});
    ASSERT_EQ(send({1}), std::errc::operation_would_block);
    host.udp.close(port, host.now);
    host.device().room = harness::FakeDevice::without_limit;
    host.transmit();
    EXPECT_EQ(user.events, 0);
}

}  // namespace
}  // namespace berth
