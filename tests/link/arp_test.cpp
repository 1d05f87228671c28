// ARP on the wire: golden exchanges, and what is not believed (RFC 826, RFC 5227, RFC 1122 §2.3.2).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/lower_layers.hpp"
#include "wire/arp.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr MacAddress peer_mac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};

Octets arp_frame(MacAddress destination, const wire::ArpPacket& arp) {
    Octets packet(wire::arp_packet_bytes);
    wire::write(arp, packet);
    return harness::ethernet_frame(destination, peer_mac, 0x0806, packet);
}

class ArpTest : public testing::Test {
  protected:
    harness::LowerLayers host;

    ArpTest() {
        host.add_interface(link::LinkKind::ethernet, 1500, our_mac);
        host.ip.add_address(0, {our_ip, 24});
    }
    wire::ArpPacket request(Ipv4Address target = our_ip) const {
        return {wire::ArpOperation::request, peer_mac, peer_ip, MacAddress{}, target};
    }
    wire::ArpPacket reply() const {
        return {wire::ArpOperation::reply, peer_mac, peer_ip, our_mac, our_ip};
    }

    DropReason send_datagram(Ipv4Address destination = peer_ip) {
        const Octets payload{1, 2, 3, 4};
        const std::vector<Bytes> parts{payload};
        ip::SendFields fields;
        fields.destination = destination;
        fields.protocol = Protocol::udp;
        fields.dont_fragment = true;
        return host.ip.send(fields, parts, host.now, Fate::sent(""));
    }
};

TEST_F(ArpTest, GoldenRequestAndReply) {
    const Octets golden_request{
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00,
        0x00, 0x01, 0x08, 0x06,                                   // Ethernet
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,           // a request
        0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 192,  0,    2,    1,  // from the peer
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192,  0,    2,    2,  // for our address
    };
    const Octets golden_reply{
        0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x06,  //
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02,                                      //
        0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 192,  0,    2,    2,                             //
        0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 192,  0,    2,    1,                             //
    };
    const Fate fate = host.feed(golden_request);
    EXPECT_EQ(fate.kind, FateKind::consumed);
    EXPECT_STREQ(fate.note, "arp reply sent");
    EXPECT_TRUE(host.device().sent.empty()) << "nothing is sent from inside ingress";
    EXPECT_EQ(host.transmit(), 1u);
    EXPECT_EQ(host.device().take().bytes, golden_reply);
}

TEST_F(ArpTest, GoldenResolution) {
    EXPECT_EQ(send_datagram(), DropReason::none);
    host.transmit();
    const Octets golden_request{
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x06,  //
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,                                      //
        0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 192,  0,    2,    2,                             //
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192,  0,    2,    1,                             //
    };
    ASSERT_EQ(host.device().sent.size(), 1u) << "the datagram waits";
    EXPECT_EQ(host.device().take().bytes, golden_request);

    EXPECT_EQ(host.feed(arp_frame(our_mac, reply())).kind, FateKind::consumed);
    EXPECT_EQ(host.transmit(), 1u);
    const Octets sent = host.device().take().bytes;
    ASSERT_EQ(sent.size(), 14u + 20u + 4u);
    const Octets golden_header{0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x08, 0x00};
    EXPECT_EQ(Octets(sent.begin(), sent.begin() + 14), golden_header);
}

TEST_F(ArpTest, TheRequesterIsLearned) {
    host.feed(arp_frame(MacAddress::broadcast(), request()));
    host.transmit();
    host.device().sent.clear();
    send_datagram();
    host.transmit();
    ASSERT_EQ(host.device().sent.size(), 1u);
    EXPECT_EQ(host.device().take().bytes.size(), 38u)
        << "the datagram itself, no request before it";
}

TEST_F(ArpTest, PaddingAfterThePacketIsIgnored) {
    Octets frame = arp_frame(our_mac, request());
    frame.resize(60);
    EXPECT_EQ(host.feed(frame).kind, FateKind::consumed);
}

TEST_F(ArpTest, Rfc5227_1_1_AProbeIsAnsweredAndTeachesNothing) {
    wire::ArpPacket probe = request();
    probe.sender_ip = {};
    EXPECT_STREQ(host.feed(arp_frame(MacAddress::broadcast(), probe)).note, "arp reply sent");
    EXPECT_EQ(host.interface().neighbours().size(), 0u);
}

TEST_F(ArpTest, ARequestForSomebodyElseIsNotAnsweredAndTeachesNothing) {
    const Fate fate = host.feed(arp_frame(MacAddress::broadcast(), request({192, 0, 2, 77})));
    EXPECT_EQ(fate.reason, DropReason::arp_not_for_us);
    EXPECT_EQ(host.transmit(), 0u);
    EXPECT_EQ(host.interface().neighbours().size(), 0u);
}

TEST_F(ArpTest, AnUnsolicitedReplyTeachesNothing) {
    EXPECT_EQ(host.feed(arp_frame(our_mac, reply())).reason, DropReason::arp_not_for_us);
    EXPECT_EQ(host.interface().neighbours().size(), 0u);
}

TEST_F(ArpTest, Rfc826_AReplyIsNotAnswered) {
    host.feed(arp_frame(our_mac, reply()));  // unasked
    EXPECT_EQ(host.transmit(), 0u);
    send_datagram();
    host.transmit();
    host.device().sent.clear();
    host.feed(arp_frame(our_mac, reply()));  // asked for
    EXPECT_EQ(host.transmit(), 1u);
    EXPECT_EQ(host.device().take().bytes.size(), 38u) << "the datagram, and nothing else";
}

TEST_F(ArpTest, AGratuitousAnnouncementOfAStrangerTeachesNothing) {
    EXPECT_EQ(host.feed(arp_frame(MacAddress::broadcast(), request(peer_ip))).reason,
              DropReason::arp_not_for_us);
    EXPECT_EQ(host.interface().neighbours().size(), 0u);
}

TEST_F(ArpTest, AnAnnouncementThatContradictsAKnownNeighbourIsVerified) {
    host.feed(arp_frame(MacAddress::broadcast(), request()));
    host.transmit();
    host.device().sent.clear();
    host.now = host.now + seconds(5);
    wire::ArpPacket claim = request(peer_ip);
    claim.sender_mac = {{2, 0, 0, 0, 0, 0x66}};
    EXPECT_EQ(host.feed(arp_frame(MacAddress::broadcast(), claim)).kind, FateKind::consumed);
    host.transmit();
    ASSERT_EQ(host.device().sent.size(), 1u);
    const auto asked = wire::parse_arp(Bytes(host.device().sent[0].bytes).subspan(14));
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->operation, wire::ArpOperation::request);
    EXPECT_EQ(asked->target_ip, peer_ip);
}

TEST_F(ArpTest, Rfc826_ANewAdapterIsLearnedByAskingAll) {
    const MacAddress new_mac{{2, 0, 0, 0, 0, 0x77}};
    host.feed(arp_frame(MacAddress::broadcast(), request()));
    host.transmit();
    host.device().sent.clear();
    // It announces itself: a request of all for its own address (RFC 5227 §2.3).
    wire::ArpPacket announcement = request(peer_ip);
    announcement.sender_mac = new_mac;
    host.feed(arp_frame(MacAddress::broadcast(), announcement));
    send_datagram();
    host.transmit();
    ASSERT_EQ(host.device().sent.size(), 2u);
    const Octets question = host.device().take().bytes;
    EXPECT_EQ(question.size(), 42u);
    EXPECT_EQ(Octets(question.begin(), question.begin() + 6), Octets(6, 0xff));
    const Octets before = host.device().take().bytes;
    EXPECT_EQ(before[5], peer_mac.octets[5]) << "the old address is used until it is answered";

    wire::ArpPacket answer = reply();
    answer.sender_mac = new_mac;
    EXPECT_STREQ(host.feed(arp_frame(our_mac, answer)).note, "arp reply: neighbour learned");
    send_datagram();
    host.transmit();
    ASSERT_EQ(host.device().sent.size(), 1u);
    EXPECT_EQ(host.device().take().bytes[5], new_mac.octets[5]);
}

TEST_F(ArpTest, Rfc826_ALiarDoesNotTakeANeighbourOver) {
    host.feed(arp_frame(MacAddress::broadcast(), request()));
    wire::ArpPacket lie = reply();
    lie.sender_mac = {{2, 0, 0, 0, 0, 0x66}};
    EXPECT_EQ(host.feed(arp_frame(our_mac, lie)).kind, FateKind::consumed);
    // The neighbour itself answers the question that this led to.
    EXPECT_EQ(host.feed(arp_frame(our_mac, reply())).kind, FateKind::consumed);
    host.transmit();
    host.device().sent.clear();
    send_datagram();
    host.transmit();
    EXPECT_EQ(host.device().take().bytes[5], peer_mac.octets[5]);
}

TEST_F(ArpTest, Rfc826_AnAnnouncementOfWhatIsKnownAlreadyIsNothing) {
    host.feed(arp_frame(MacAddress::broadcast(), request()));
    host.transmit();
    host.device().sent.clear();
    EXPECT_EQ(host.feed(arp_frame(MacAddress::broadcast(), request(peer_ip))).reason,
              DropReason::arp_not_for_us);
    EXPECT_EQ(host.transmit(), 0u);
}

TEST_F(ArpTest, Rfc1122_2_3_2_2_OneNeighbourThatIsGoneNeverDelaysAnother) {
    const Ipv4Address gone{192, 0, 2, 99};
    host.feed(arp_frame(our_mac, request()));
    host.transmit();
    host.device().sent.clear();
    std::size_t delivered = 0;
    for (int step = 0; step < 100; ++step) {
        send_datagram(gone);
        send_datagram(peer_ip);
        host.advance_to(host.now + milliseconds(50));
        host.transmit();
        while (!host.device().sent.empty()) {
            const Octets frame = host.device().take().bytes;
            const bool is_datagram = frame[12] == 0x08 && frame[13] == 0x00;
            if (is_datagram) ++delivered;
            if (!is_datagram && frame[5] == peer_mac.octets[5])
                host.feed(arp_frame(our_mac, reply()));  // it is asked whether it is still there
        }
        ASSERT_EQ(delivered, static_cast<std::size_t>(step + 1)) << "at step " << step;
    }
    EXPECT_GT(host.drops[DropReason::neighbour_unreachable], 0u);
}

TEST_F(ArpTest, ARequesterFromAnotherNetworkIsAnsweredButNotLearned) {
    wire::ArpPacket foreign = request();
    foreign.sender_ip = {203, 0, 113, 5};
    EXPECT_EQ(host.feed(arp_frame(MacAddress::broadcast(), foreign)).kind, FateKind::consumed);
    EXPECT_EQ(host.interface().neighbours().size(), 0u);
}

TEST_F(ArpTest, AStationWithOurAddressIsNamed) {
    wire::ArpPacket thief = request(peer_ip);
    thief.sender_ip = our_ip;
    EXPECT_EQ(host.feed(arp_frame(MacAddress::broadcast(), thief)).reason,
              DropReason::arp_own_address);
}

TEST_F(ArpTest, BadSendersAreRefused) {
    const auto feed_with = [&](MacAddress mac, Ipv4Address ip, wire::ArpOperation operation) {
        const wire::ArpPacket arp{operation, mac, ip, MacAddress{}, our_ip};
        return host.feed(arp_frame(our_mac, arp)).reason;
    };
    const auto asks = wire::ArpOperation::request;
    EXPECT_EQ(feed_with(MacAddress::broadcast(), peer_ip, asks), DropReason::arp_bad_sender);
    EXPECT_EQ(feed_with({{1, 0, 0x5e, 0, 0, 1}}, peer_ip, asks), DropReason::arp_bad_sender);
    EXPECT_EQ(feed_with({}, peer_ip, asks), DropReason::arp_bad_sender);
    for (const Ipv4Address bad :
         {Ipv4Address(255, 255, 255, 255), Ipv4Address(192, 0, 2, 255), Ipv4Address(224, 0, 0, 1),
          Ipv4Address(127, 0, 0, 1), Ipv4Address(240, 0, 0, 1), Ipv4Address(0, 0, 0, 1)}) {
        EXPECT_EQ(feed_with(peer_mac, bad, asks), DropReason::arp_bad_sender) << to_string(bad);
    }
    EXPECT_EQ(feed_with(peer_mac, {}, wire::ArpOperation::reply), DropReason::arp_bad_sender);
    EXPECT_EQ(host.transmit(), 0u);
    EXPECT_EQ(host.interface().neighbours().size(), 0u);
}

TEST_F(ArpTest, TruncatedAtEveryLength) {
    const Octets whole = arp_frame(our_mac, request());
    for (std::size_t length = 14; length < whole.size(); ++length) {
        EXPECT_EQ(host.feed(Bytes(whole).first(length)).reason, DropReason::arp_truncated)
            << length;
    }
}

TEST_F(ArpTest, OtherHardwareProtocolOrOperation) {
    for (const std::size_t at : {14u, 15u, 16u, 18u, 19u, 21u}) {
        Octets frame = arp_frame(our_mac, request());
        frame[at] = 0x7f;
        EXPECT_EQ(host.feed(frame).reason, DropReason::arp_unsupported) << at;
    }
}

TEST_F(ArpTest, AnUnreachableNeighbourHoldsNobodyUp) {
    host.feed(arp_frame(our_mac, request()));
    host.transmit();
    host.device().sent.clear();
    send_datagram({192, 0, 2, 99});
    send_datagram(peer_ip);
    host.transmit();
    ASSERT_EQ(host.device().sent.size(), 2u);
    EXPECT_EQ(host.device().sent[0].bytes.size(), 38u)
        << "the reachable neighbour's datagram went at once";
    EXPECT_EQ(host.device().sent[1].bytes.size(), 42u) << "and the question about the other one";

    host.advance_to(Time{} + seconds(4));
    EXPECT_EQ(host.drops[DropReason::neighbour_unreachable], 1u);
    EXPECT_EQ(host.interface().counters().dropped_out, 1u);
}

TEST_F(ArpTest, RequestsComeFromTheAddressOnTheTargetsNetwork) {
    host.ip.add_address(0, {{198, 51, 100, 2}, 24});
    send_datagram({198, 51, 100, 1});
    host.transmit();
    ASSERT_EQ(host.device().sent.size(), 1u);
    const auto asked = wire::parse_arp(Bytes(host.device().sent[0].bytes).subspan(14));
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->sender_ip, Ipv4Address(198, 51, 100, 2));
}

}  // namespace
}  // namespace berth
