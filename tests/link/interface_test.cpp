// The interface around its device: filter, queue, refusals, observer.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
using link::Interface;

constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr MacAddress peer_mac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};

class EthernetTest : public testing::Test {
  protected:
    harness::LowerLayers host;
    harness::RecordingObserver observer;

    EthernetTest() {
        host.add_interface(link::LinkKind::ethernet, 1500, our_mac);
        host.ip.add_address(0, {our_ip, 24});
    }
    Octets datagram(Ipv4Address destination = our_ip) const {
        const Octets payload{'h', 'i'};
        return harness::udp_packet({peer_ip, 1000}, {destination, 2000}, payload);
    }
    DropReason reason_of(MacAddress destination, std::uint16_t type, Bytes payload,
                         MacAddress source = peer_mac) {
        const auto found = receive(harness::ethernet_frame(destination, source, type, payload));
        const Fate* fate = std::get_if<Fate>(&found);
        return fate == nullptr ? DropReason::none : fate->reason;
    }
    std::variant<link::ReceivedPacket, Fate> receive(Bytes bytes) {
        last_frame_ = link::Frame::copy_of(bytes, host.pool, host.now);
        return host.interface().receive(last_frame_, host.now);
    }
    link::OwnedPacket owned(std::uint8_t name, Ipv4Address next_hop) {
        link::OwnedPacket packet;
        packet.buffer = host.pool.take(64);
        packet.offset = Interface::link_header_room;
        packet.length = 20;
        for (auto& octet : packet.bytes())
            octet = name;
        packet.next_hop = next_hop;
        return packet;
    }

  private:
    link::Frame last_frame_;
};

TEST_F(EthernetTest, OurFramesAndGroupsComeThrough) {
    EXPECT_EQ(reason_of(our_mac, 0x0800, datagram()), DropReason::none);
    EXPECT_EQ(reason_of(MacAddress::broadcast(), 0x0800, datagram()), DropReason::none);
    EXPECT_EQ(reason_of({{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}}, 0x0800, datagram()),
              DropReason::none);
}

TEST_F(EthernetTest, Rfc1122_2_4_TheLayerAboveIsToldOfLinkBroadcasts) {
    const auto is_to_group = [&](MacAddress destination) {
        const auto found =
            receive(harness::ethernet_frame(destination, peer_mac, 0x0800, datagram()));
        const auto* packet = std::get_if<link::ReceivedPacket>(&found);
        EXPECT_NE(packet, nullptr);
        return packet != nullptr && packet->to_link_group;
    };
    EXPECT_TRUE(is_to_group(MacAddress::broadcast()));
    EXPECT_TRUE(is_to_group({{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}}));
    EXPECT_FALSE(is_to_group(our_mac));
}

TEST_F(EthernetTest, Rfc1122_2_3_1_TrailersAreNotSpoken) {
    EXPECT_EQ(reason_of(our_mac, 0x1001, datagram()), DropReason::ethernet_unknown_type);
    const Octets trailer_arp{0, 1, 0x10, 0x01, 6, 4, 0, 2, 2,   0, 0, 0, 0, 1,
                             0, 1, 2,    3,    4, 5, 6, 7, 192, 0, 2, 2, 0, 0};
    EXPECT_EQ(reason_of(our_mac, 0x0806, trailer_arp), DropReason::arp_unsupported);
}

TEST_F(EthernetTest, Rfc894_PaddingUpTo46BytesIsNotPartOfTheDatagram) {
    Octets frame = harness::ethernet_frame(our_mac, peer_mac, 0x0800, datagram());
    const std::size_t unpadded = frame.size();
    frame.resize(60, 0xee);
    ASSERT_LT(unpadded, frame.size());
    EXPECT_EQ(host.feed(frame).reason, DropReason::udp_no_socket) << "a whole datagram was found";
}

TEST_F(EthernetTest, OtherStationsAndOtherGroupsDoNot) {
    EXPECT_EQ(reason_of({{0x02, 0, 0, 0, 0, 0x03}}, 0x0800, datagram()),
              DropReason::ethernet_not_for_us);
    EXPECT_EQ(reason_of({{0x33, 0x33, 0, 0, 0, 1}}, 0x0800, datagram()),
              DropReason::ethernet_not_for_us);
    EXPECT_EQ(reason_of({{0x01, 0x00, 0x5e, 0x80, 0, 1}}, 0x0800, datagram()),
              DropReason::ethernet_not_for_us);
}

TEST_F(EthernetTest, AGroupAddressIsNoSource) {
    EXPECT_EQ(reason_of(our_mac, 0x0800, datagram(), {{0x03, 0, 0, 0, 0, 1}}),
              DropReason::ethernet_source_is_group);
    EXPECT_EQ(reason_of(our_mac, 0x0800, datagram(), MacAddress::broadcast()),
              DropReason::ethernet_source_is_group);
}

TEST_F(EthernetTest, UnknownTypesAreNamed) {
    EXPECT_EQ(reason_of(our_mac, 0x86dd, datagram()), DropReason::ethernet_unknown_type);
    EXPECT_EQ(reason_of(our_mac, 0x88a8, datagram()), DropReason::ethernet_unknown_type)
        << "a provider's tag is not a customer's";
}

TEST_F(EthernetTest, TruncatedHeaders) {
    const Octets frame = harness::ethernet_frame(our_mac, peer_mac, 0x0800, datagram());
    for (std::size_t length = 0; length < 14; ++length) {
        EXPECT_EQ(host.feed(Bytes(frame).first(length)).reason, DropReason::ethernet_truncated)
            << length;
    }
}

TEST_F(EthernetTest, OversizedUnlessTheLinkMergedIt) {
    const Octets largest(1500);
    EXPECT_EQ(reason_of(our_mac, 0x0800, largest), DropReason::none);
    const Octets larger(1501);
    EXPECT_EQ(reason_of(our_mac, 0x0800, larger), DropReason::frame_oversized);
    link::Frame merged = link::Frame::copy_of(
        harness::ethernet_frame(our_mac, peer_mac, 0x0800, larger), host.pool, {});
    merged.segment_size = 1460;
    EXPECT_TRUE(
        std::holds_alternative<link::ReceivedPacket>(host.interface().receive(merged, host.now)));
}

TEST_F(EthernetTest, ArrivedFramesAreCounted) {
    host.feed(harness::ethernet_frame(our_mac, peer_mac, 0x0800, datagram()));
    host.feed(harness::ethernet_frame({{2, 0, 0, 0, 0, 3}}, peer_mac, 0x0800, datagram()));
    EXPECT_EQ(host.interface().counters().frames_in, 2u);
    EXPECT_EQ(host.interface().counters().bytes_in, 2 * (14 + datagram().size()));
}

TEST_F(EthernetTest, BroadcastsAndGroupsNeedNoResolution) {
    const auto destination_of = [&](Ipv4Address next_hop) {
        EXPECT_EQ(host.interface().enqueue(owned(1, next_hop), host.now), DropReason::none);
        EXPECT_EQ(host.transmit(), 1u);
        const Octets bytes = host.device().take().bytes;
        return Octets(bytes.begin(), bytes.begin() + 6);
    };
    const Octets all(6, 0xff);
    EXPECT_EQ(destination_of({255, 255, 255, 255}), all);
    EXPECT_EQ(destination_of({192, 0, 2, 255}), all);
    // RFC 1112 §6.4: 23 bits, so 239.129.2.3 and 239.1.2.3 share one.
    EXPECT_EQ(destination_of({239, 129, 2, 3}), (Octets{0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}));
    EXPECT_EQ(destination_of({224, 0, 0, 1}), (Octets{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}));
}

TEST_F(EthernetTest, RefusedFramesStayQueuedInOrder) {
    for (std::uint8_t name = 1; name <= 40; ++name)
        host.interface().enqueue(owned(name, {255, 255, 255, 255}), host.now);
    host.device().room = 3;
    EXPECT_EQ(host.transmit(), 3u);
    EXPECT_EQ(host.transmit(), 0u);
    EXPECT_TRUE(host.interface().has_queued());
    host.device().room = harness::FakeDevice::without_limit;
    EXPECT_EQ(host.transmit(), 37u);
    EXPECT_FALSE(host.interface().has_queued());
    for (std::uint8_t name = 1; name <= 40; ++name)
        EXPECT_EQ(host.device().take().bytes.back(), name);
    EXPECT_EQ(host.interface().counters().frames_out, 40u);
    EXPECT_EQ(host.drops.total(), 0u);
}

TEST_F(EthernetTest, TheBudgetIsKept) {
    for (std::uint8_t name = 1; name <= 40; ++name)
        host.interface().enqueue(owned(name, {255, 255, 255, 255}), host.now);
    EXPECT_EQ(host.transmit(0, 21), 21u);
    EXPECT_EQ(host.device().sent.size(), 21u);
    EXPECT_EQ(host.transmit(0, 0), 0u);
    EXPECT_EQ(host.interface().queue_room(), Interface::queue_limit_packets - 19);
}

TEST_F(EthernetTest, TheQueueIsBoundedAndOverflowCounted) {
    host.device().room = 0;
    for (std::size_t i = 0; i < Interface::queue_limit_packets; ++i) {
        ASSERT_EQ(host.interface().enqueue(owned(1, {255, 255, 255, 255}), host.now),
                  DropReason::none);
    }
    EXPECT_EQ(host.interface().queue_room(), 0u);
    EXPECT_EQ(host.interface().enqueue(owned(2, {255, 255, 255, 255}), host.now),
              DropReason::reply_queue_overflow);
    EXPECT_EQ(host.drops[DropReason::reply_queue_overflow], 1u);
    EXPECT_EQ(host.interface().counters().dropped_out, 1u);
}

TEST_F(EthernetTest, AGoneDeviceRefusesByName) {
    host.device().failure = "the device is gone";
    EXPECT_EQ(host.interface().enqueue(owned(1, {255, 255, 255, 255}), host.now),
              DropReason::interface_down);
    EXPECT_EQ(host.drops[DropReason::interface_down], 1u);
}

TEST_F(EthernetTest, APulledFrameToAnUnknownNeighbourWaitsWithItsOffloads) {
    const Octets body(100, 7);
    link::OutFrame frame;
    frame.add_slice(body);
    frame.needs_checksum = true;
    frame.checksum_start = 20;
    frame.checksum_offset = 16;
    frame.segment_size = 50;
    EXPECT_EQ(host.interface().address_frame(frame, peer_ip, host.now),
              Interface::Resolution::pending);
    host.transmit();
    host.device().sent.clear();

    const wire::ArpPacket reply{wire::ArpOperation::reply, peer_mac, peer_ip, our_mac, our_ip};
    Octets arp(wire::arp_packet_bytes);
    wire::write(reply, arp);
    host.feed(harness::ethernet_frame(our_mac, peer_mac, 0x0806, arp));
    host.transmit();
    ASSERT_EQ(host.device().sent.size(), 1u);
    const harness::SentFrame sent = host.device().take();
    EXPECT_EQ(sent.bytes.size(), 114u);
    EXPECT_TRUE(sent.needs_checksum);
    EXPECT_EQ(sent.segment_size, 50u);

    link::OutFrame next;
    next.needs_checksum = true;
    next.checksum_start = 20;
    EXPECT_EQ(host.interface().address_frame(next, peer_ip, host.now),
              Interface::Resolution::ready);
    EXPECT_EQ(next.checksum_start, 34u) << "counted from the frame's first byte";
    EXPECT_EQ(next.header().size(), 14u);
}

TEST_F(EthernetTest, APulledFrameToAFailedNeighbourIsUnreachable) {
    const Octets body(10, 7);
    const auto address = [&] {
        link::OutFrame frame;
        frame.add_slice(body);
        return host.interface().address_frame(frame, peer_ip, host.now);
    };
    EXPECT_EQ(address(), Interface::Resolution::pending);
    host.advance_to(Time{} + seconds(3));
    EXPECT_EQ(address(), Interface::Resolution::unreachable);
    EXPECT_EQ(host.drops[DropReason::neighbour_unreachable], 2u)
        << "the one that waited, and this one";
    host.now = host.now + seconds(1);
    EXPECT_EQ(address(), Interface::Resolution::pending);
}

TEST_F(EthernetTest, WhoWaitedInVainIsReported) {
    class Reported final : public link::UnreachableReceiver {
      public:
        std::vector<Octets> packets;
        void on_unreachable(Bytes packet) override {
            packets.emplace_back(packet.begin(), packet.end());
        }
    } reported;
    host.interface().set_unreachable_receiver(&reported);
    host.interface().enqueue(owned(5, peer_ip), host.now);
    host.transmit();
    host.advance_to(Time{} + seconds(3));
    ASSERT_EQ(reported.packets.size(), 1u);
    EXPECT_EQ(reported.packets[0], Octets(20, 5)) << "the IP packet, without a link header";
}

TEST_F(EthernetTest, TheObserverHearsEachFrameOnceWithItsFate) {
    host.observer = &observer;
    link::OwnedPacket packet = owned(9, {255, 255, 255, 255});
    packet.fate = Fate::sent("a test");
    host.interface().enqueue(std::move(packet), host.now);
    EXPECT_TRUE(observer.told.empty());
    host.transmit();
    ASSERT_EQ(observer.told.size(), 1u);
    EXPECT_EQ(observer.told[0].direction, Direction::out);
    EXPECT_EQ(observer.told[0].frame, host.device().sent[0].bytes);
    EXPECT_STREQ(observer.told[0].fate.note, "a test");

    host.device().room = 0;
    host.interface().enqueue(owned(9, {255, 255, 255, 255}), host.now);
    host.transmit();
    EXPECT_EQ(observer.told.size(), 1u) << "a refused frame has no fate yet";
}

TEST_F(EthernetTest, TheObserverHearsDroppedPacketsAsTheLinkWouldCarryThem) {
    host.observer = &observer;
    host.interface().enqueue(owned(9, peer_ip), host.now);
    host.transmit();
    observer.told.clear();
    host.advance_to(Time{} + seconds(3));
    const auto dropped = std::find_if(
        observer.told.begin(), observer.told.end(),
        [](const harness::ToldFate& told) { return told.fate.kind == FateKind::dropped; });
    ASSERT_NE(dropped, observer.told.end());
    EXPECT_EQ(dropped->fate.reason, DropReason::neighbour_unreachable);
    EXPECT_EQ(dropped->direction, Direction::out);
    ASSERT_EQ(dropped->frame.size(), 34u);
    EXPECT_EQ(Octets(dropped->frame.begin(), dropped->frame.begin() + 6), Octets(6, 0))
        << "nobody's address";
    EXPECT_EQ(dropped->frame[14], 9);
}

TEST(InterfaceAddressTest, AZeroMacIsReplacedByARandomLocalUnicastOne) {
    harness::LowerLayers host;
    host.add_interface(link::LinkKind::ethernet);
    host.add_interface(link::LinkKind::ethernet);
    const MacAddress mac = host.interface(0).mac();
    EXPECT_FALSE(mac.is_group());
    EXPECT_FALSE(mac.is_zero());
    EXPECT_EQ(mac.octets[0] & 0x02, 0x02);
    EXPECT_NE(mac, host.interface(1).mac());
}

TEST(InterfaceAddressTest, AGivenMacWinsOverTheDevices) {
    harness::LowerLayers host;
    harness::FakeDevice device(link::LinkKind::ethernet, 1500, peer_mac);
    const Interface given(0, "if0", device, {.mac = our_mac}, host.context, host.random);
    EXPECT_EQ(given.mac(), our_mac);
    const Interface devices(0, "if0", device, {}, host.context, host.random);
    EXPECT_EQ(devices.mac(), peer_mac);
}

TEST(RawIpTest, PacketsPassBare) {
    harness::LowerLayers host;
    host.add_interface(link::LinkKind::raw_ip, 576);
    host.ip.add_address(0, {our_ip, 24});
    const Octets payload{1};
    const std::array<Bytes, 1> parts{Bytes(payload)};
    ip::SendFields fields;
    fields.destination = peer_ip;
    EXPECT_EQ(host.ip.send(fields, parts, host.now, Fate::sent("")), DropReason::none);
    EXPECT_EQ(host.transmit(), 1u);
    EXPECT_EQ(host.device().sent[0].bytes[0], 0x45);
    EXPECT_EQ(host.interface().mac(), MacAddress{});
    EXPECT_TRUE(host.interface().next_deadline().is_never());
    EXPECT_EQ(host.feed(Octets(577)).reason, DropReason::frame_oversized);
}

}  // namespace
}  // namespace berth
