// 802.1Q by raw frames: an interface with a VLAN and one without, and who hears whom.
#include <gtest/gtest.h>

#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "wire/arp.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr MacAddress peer_mac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};

// A frame to us with any tag control field: priority, drop eligibility and VLAN.
Octets tagged(std::uint16_t tag_control, std::uint16_t type, Bytes payload,
              MacAddress destination = our_mac) {
    Octets frame = harness::ethernet_frame(destination, peer_mac, 0x8100, {});
    for (const std::uint16_t word : {tag_control, type}) {
        frame.push_back(static_cast<std::uint8_t>(word >> 8));
        frame.push_back(static_cast<std::uint8_t>(word));
    }
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

Octets arp(wire::ArpOperation operation) {
    Octets packet(wire::arp_packet_bytes);
    wire::write(wire::ArpPacket{operation, peer_mac, peer_ip, MacAddress{}, our_ip}, packet);
    return packet;
}

class VlanTest : public testing::Test {
  protected:
    harness::LowerLayers host;
    harness::RecordingObserver observer;

    void attach(wire::VlanId vlan) {
        link::InterfaceConfig config;
        config.vlan = vlan;
        host.add_interface(link::LinkKind::ethernet, 1500, our_mac, config);
        host.ip.add_address(0, {our_ip, 24});
    }
    static Octets datagram() {
        const Octets payload{'h', 'i'};
        return harness::udp_packet({peer_ip, 1000}, {our_ip, 2000}, payload);
    }
    DropReason send_datagram() {
        const Octets payload{1, 2, 3, 4};
        const std::vector<Bytes> parts{payload};
        ip::SendFields fields;
        fields.destination = peer_ip;
        fields.protocol = Protocol::udp;
        return host.ip.send(fields, parts, host.now, Fate::sent(""));
    }
};

TEST_F(VlanTest, Ieee8021Q_6_9_OnlyItsOwnVlanIsHeard) {
    attach(10);
    EXPECT_EQ(host.feed(tagged(10, 0x0800, datagram())).reason, DropReason::udp_no_socket);
    EXPECT_EQ(host.feed(tagged(11, 0x0800, datagram())).reason, DropReason::ethernet_other_vlan);
    EXPECT_EQ(host.feed(tagged(4095, 0x0800, datagram())).reason, DropReason::ethernet_other_vlan);
    EXPECT_EQ(host.feed(harness::ethernet_frame(our_mac, peer_mac, 0x0800, datagram())).reason,
              DropReason::ethernet_other_vlan)
        << "an untagged frame is of another network";
    EXPECT_EQ(host.feed(tagged(0, 0x0800, datagram())).reason, DropReason::ethernet_other_vlan)
        << "a priority tag names no VLAN";
}

TEST_F(VlanTest, Ieee8021Q_9_6_PriorityAndDropEligibilityAreNoPartOfTheVlan) {
    attach(10);
    for (const unsigned tag_control : {0xe00aU, 0x100aU, 0xf00aU})
        EXPECT_EQ(
            host.feed(tagged(static_cast<std::uint16_t>(tag_control), 0x0800, datagram())).reason,
            DropReason::udp_no_socket);
}

TEST_F(VlanTest, AnUntaggedInterfaceHearsNoVlanButPriorityTags) {
    attach(0);
    EXPECT_EQ(host.feed(tagged(10, 0x0800, datagram())).reason, DropReason::ethernet_other_vlan);
    EXPECT_EQ(host.feed(tagged(10, 0x0806, arp(wire::ArpOperation::request))).reason,
              DropReason::ethernet_other_vlan);
    EXPECT_EQ(host.feed(tagged(0xa000, 0x0800, datagram())).reason, DropReason::udp_no_socket);
    EXPECT_EQ(host.feed(tagged(0, 0x0806, arp(wire::ArpOperation::request))).kind,
              FateKind::consumed);
}

TEST_F(VlanTest, OnlyOneTagIsRead) {
    attach(10);
    const Octets inner{0x00, 0x0a, 0x08, 0x00};
    EXPECT_EQ(host.feed(tagged(10, 0x8100, inner)).reason, DropReason::ethernet_unknown_type);
    EXPECT_EQ(host.feed(tagged(10, 0x86dd, inner)).reason, DropReason::ethernet_unknown_type);
}

TEST_F(VlanTest, ArpIsSpokenWithTheTag) {
    attach(10);
    EXPECT_STREQ(host.feed(tagged(10, 0x0806, arp(wire::ArpOperation::request))).note,
                 "arp reply sent");
    EXPECT_EQ(host.transmit(), 1u);
    const Octets golden_reply{
        0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02,  //
        0x81, 0x00, 0x00, 0x0a, 0x08, 0x06,                       // VLAN 10, priority 0
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02,           //
        0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 192,  0,    2,    2,  //
        0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 192,  0,    2,    1,  //
    };
    EXPECT_EQ(host.device().take().bytes, golden_reply);
}

TEST_F(VlanTest, QueuedAndPulledFramesBearTheTag) {
    attach(4094);
    EXPECT_EQ(send_datagram(), DropReason::none);
    host.transmit();
    EXPECT_EQ(host.device().take().bytes.size(), 46u) << "a tagged request";
    host.feed(tagged(4094, 0x0806, arp(wire::ArpOperation::reply)));
    EXPECT_EQ(host.transmit(), 1u);
    const Octets sent = host.device().take().bytes;
    const Octets golden_header{0x02, 0, 0,    0,    0,    0x01, 0x02, 0,    0,
                               0,    0, 0x02, 0x81, 0x00, 0x0f, 0xfe, 0x08, 0x00};
    ASSERT_EQ(sent.size(), 18u + 20u + 4u);
    EXPECT_EQ(Octets(sent.begin(), sent.begin() + 18), golden_header);

    const Octets body(100, 7);
    link::OutFrame pulled;
    pulled.add_slice(body);
    pulled.needs_checksum = true;
    pulled.checksum_start = 20;
    EXPECT_EQ(host.interface().address_frame(pulled, peer_ip, host.now),
              link::Interface::Resolution::ready);
    EXPECT_EQ(Octets(pulled.header().begin(), pulled.header().end()), golden_header);
    EXPECT_EQ(pulled.checksum_start, 38u) << "counted from the frame's first byte";
}

TEST_F(VlanTest, TheTagIsNotPartOfTheMtu) {
    attach(10);
    EXPECT_NE(host.feed(tagged(10, 0x0800, Octets(1500))).reason, DropReason::frame_oversized);
    EXPECT_EQ(host.feed(tagged(10, 0x0800, Octets(1501))).reason, DropReason::frame_oversized);
    EXPECT_EQ(host.feed(harness::ethernet_frame(our_mac, peer_mac, 0x0800, Octets(1504))).reason,
              DropReason::frame_oversized)
        << "without a tag there is no room for one";
}

TEST_F(VlanTest, TheObserverSeesDroppedPacketsWithTheTag) {
    attach(10);
    host.observer = &observer;
    send_datagram();
    host.transmit();
    observer.told.clear();
    host.advance_to(Time{} + seconds(3));
    ASSERT_FALSE(observer.told.empty());
    const harness::ToldFate& dropped = observer.told.back();
    EXPECT_EQ(dropped.fate.reason, DropReason::neighbour_unreachable);
    ASSERT_EQ(dropped.frame.size(), 18u + 20u + 4u);
    EXPECT_EQ(dropped.frame[12], 0x81);
    EXPECT_EQ(dropped.frame[15], 10);
}

TEST_F(VlanTest, ATagCutShortIsTruncated) {
    attach(10);
    const Octets whole = tagged(10, 0x0800, {});
    for (std::size_t length = 14; length < whole.size(); ++length)
        EXPECT_EQ(host.feed(Bytes(whole).first(length)).reason, DropReason::ethernet_truncated)
            << length;
}

TEST_F(VlanTest, Rfc1122_2_3_3_SnapFramesAreHeardIntermixed) {
    attach(10);
    const Octets packet = datagram();
    Octets snap{0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00};
    snap.insert(snap.end(), packet.begin(), packet.end());
    const auto length = static_cast<std::uint16_t>(snap.size());
    EXPECT_EQ(host.feed(tagged(10, length, snap)).reason, DropReason::udp_no_socket);
    EXPECT_EQ(host.feed(tagged(10, 0x0800, packet)).reason, DropReason::udp_no_socket);
}

}  // namespace
}  // namespace berth
