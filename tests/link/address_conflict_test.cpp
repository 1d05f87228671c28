// RFC 5227 on the wire: probes, announcements and defences as frames, and what the listener hears.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/lower_layers.hpp"
#include "wire/arp.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
using link::ConflictPolicy;
using wire::ArpOperation;

constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr MacAddress peer_mac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};
constexpr Ipv4Prefix ours{our_ip, 24};

// What the stack will be: it takes what is claimed, and lets go what is lost.
class Listener final : public link::AddressEvents {
  public:
    struct Conflict {
        Ipv4Address address;
        MacAddress other;
        bool lost;
    };
    std::vector<Ipv4Prefix> claimed;
    std::vector<Conflict> conflicts;
    MacAddress second_adapter{};
    bool takes = true;

    explicit Listener(harness::LowerLayers& host) : host_(host) {}
    void on_claimed(link::InterfaceIndex index, Ipv4Prefix address) override {
        claimed.push_back(address);
        if (takes) host_.ip.add_address(index, address);
    }
    void on_conflict(link::InterfaceIndex index, Ipv4Address address, MacAddress other,
                     bool lost) override {
        conflicts.push_back({address, other, lost});
        if (lost) host_.ip.remove_address(index, {address, 24});
    }
    bool is_own_station(MacAddress mac) const override { return mac == second_adapter; }

  private:
    harness::LowerLayers& host_;
};

// An ARP packet that was sent, and when.
struct Said {
    wire::ArpPacket arp;
    MacAddress destination;
    Time when;
    std::string note;
};

class AddressConflictTest : public testing::Test {
  protected:
    harness::LowerLayers host;
    Listener listener{host};

    AddressConflictTest() {
        host.add_interface(link::LinkKind::ethernet, 1500, our_mac);
        host.interface().set_address_events(&listener);
    }
    Fate hear(const wire::ArpPacket& arp) {
        Octets packet(wire::arp_packet_bytes);
        wire::write(arp, packet);
        return host.feed(
            harness::ethernet_frame(MacAddress::broadcast(), arp.sender_mac, 0x0806, packet));
    }
    // Somebody says that the address is theirs.
    Fate hear_thief(MacAddress mac = peer_mac, ArpOperation operation = ArpOperation::request) {
        return hear({operation, mac, our_ip, MacAddress{}, peer_ip});
    }
    Fate hear_probe(MacAddress mac = peer_mac) {
        return hear({ArpOperation::request, mac, {}, MacAddress{}, our_ip});
    }
    bool claim(ConflictPolicy policy = ConflictPolicy::defend) {
        return host.interface().claim(ours, policy, host.now);
    }
    void claim_and_wait(ConflictPolicy policy) {
        claim(policy);
        host.advance_to(host.now + seconds(30));
        ASSERT_EQ(listener.claimed.size(), 1u);
        said();
    }
    // All that was sent since the last call.
    std::vector<Said> said() {
        host.transmit();
        std::vector<Said> all;
        while (!host.device().sent.empty()) {
            const harness::SentFrame frame = host.device().take();
            const auto ethernet = wire::EthernetView::parse(frame.bytes);
            const auto arp = wire::parse_arp(ethernet->payload());
            EXPECT_TRUE(arp) << "nothing but ARP is expected here";
            if (arp) all.push_back({*arp, ethernet->destination(), frame.when, frame.fate.note});
        }
        return all;
    }
    static wire::ArpPacket announcement() {
        return {ArpOperation::request, our_mac, our_ip, MacAddress{}, our_ip};
    }
};

TEST_F(AddressConflictTest, Rfc5227_2_1_1_AProbeHasNoSenderAddressAndGoesToAll) {
    EXPECT_TRUE(claim());
    host.advance_to(Time{} + seconds(30));
    const std::vector<Said> all = said();
    ASSERT_EQ(all.size(), 5u);
    const wire::ArpPacket probe{ArpOperation::request, our_mac, {}, MacAddress{}, our_ip};
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(all[i].arp, probe);
        EXPECT_EQ(all[i].destination, MacAddress::broadcast());
        EXPECT_EQ(all[i].note, "arp probe");
    }
    for (std::size_t i = 3; i < 5; ++i) {
        EXPECT_EQ(all[i].arp, announcement()) << "RFC 5227 2.3";
        EXPECT_EQ(all[i].destination, MacAddress::broadcast());
        EXPECT_EQ(all[i].note, "arp announcement");
    }
    ASSERT_EQ(listener.claimed.size(), 1u);
    EXPECT_EQ(listener.claimed[0], ours);
    EXPECT_TRUE(host.interface().has_address(our_ip));
}

TEST_F(AddressConflictTest, Rfc5227_2_1_WhatIsInUseIsNotProbedForAgain) {
    claim_and_wait(ConflictPolicy::defend);
    EXPECT_TRUE(host.interface().next_deadline().is_never());
    host.advance_to(host.now + seconds(100'000));
    EXPECT_TRUE(said().empty());
}

TEST_F(AddressConflictTest, Rfc5227_2_1_ATentativeAddressIsNotOurs) {
    claim();
    EXPECT_TRUE(host.interface().is_tentative(our_ip));
    EXPECT_FALSE(host.interface().has_address(our_ip));
    EXPECT_EQ(hear({ArpOperation::request, peer_mac, peer_ip, MacAddress{}, our_ip}).reason,
              DropReason::arp_not_for_us)
        << "no answer is given for it";
    EXPECT_TRUE(said().empty());
    // Nor is anything sent from it, or from no address: that would be a probe.
    link::OwnedPacket packet;
    packet.buffer = host.pool.take(64);
    packet.offset = link::Interface::link_header_room;
    packet.length = 20;
    packet.next_hop = peer_ip;
    host.interface().enqueue(std::move(packet), host.now);
    EXPECT_TRUE(said().empty());
    host.advance_to(Time{} + seconds(30));
    EXPECT_EQ(host.drops[DropReason::neighbour_unreachable], 1u);
    EXPECT_FALSE(host.interface().is_tentative(our_ip));
}

TEST_F(AddressConflictTest, Rfc5227_2_1_1_ASenderWithTheAddressIsAConflictRequestOrReply) {
    for (const ArpOperation operation : {ArpOperation::request, ArpOperation::reply}) {
        claim();
        EXPECT_EQ(hear_thief(peer_mac, operation).kind, FateKind::consumed);
        ASSERT_EQ(listener.conflicts.size(), 1u);
        EXPECT_EQ(listener.conflicts[0].address, our_ip);
        EXPECT_EQ(listener.conflicts[0].other, peer_mac);
        EXPECT_TRUE(listener.conflicts[0].lost);
        listener.conflicts.clear();
        host.advance_to(host.now + seconds(30));
        EXPECT_TRUE(listener.claimed.empty());
        EXPECT_TRUE(said().empty()) << "not a probe more";
    }
}

TEST_F(AddressConflictTest, Rfc5227_2_1_1_AConflictCountsUntilTwoSecondsAfterTheLastProbe) {
    claim();
    std::size_t probes = 0;
    while (probes < 3) {
        host.advance_to(host.interface().next_deadline());
        probes += said().size();
    }
    host.now = host.interface().next_deadline() - milliseconds(1);
    hear_thief();
    ASSERT_EQ(listener.conflicts.size(), 1u);
    EXPECT_TRUE(listener.conflicts[0].lost);
    host.advance_to(host.now + seconds(30));
    EXPECT_TRUE(listener.claimed.empty());
}

TEST_F(AddressConflictTest, Rfc5227_2_1_1_AnothersProbeForTheSameAddressIsAConflict) {
    claim();
    EXPECT_EQ(hear_probe().kind, FateKind::consumed);
    ASSERT_EQ(listener.conflicts.size(), 1u);
    EXPECT_TRUE(listener.conflicts[0].lost);
    EXPECT_FALSE(host.interface().is_tentative(our_ip));
}

TEST_F(AddressConflictTest, Rfc5227_2_1_1_OurOwnProbeThatComesBackIsNone) {
    listener.second_adapter = {{2, 0, 0, 0, 0, 0x12}};
    claim();
    EXPECT_EQ(hear_probe(our_mac).reason, DropReason::arp_not_for_us);
    EXPECT_EQ(hear_probe(listener.second_adapter).reason, DropReason::arp_not_for_us)
        << "another interface of this host";
    EXPECT_TRUE(listener.conflicts.empty());
    EXPECT_TRUE(host.interface().is_tentative(our_ip));
}

TEST_F(AddressConflictTest, Rfc5227_2_1_1_AProbeForAnotherAddressIsNone) {
    claim();
    hear({ArpOperation::request, peer_mac, {}, MacAddress{}, {192, 0, 2, 3}});
    hear({ArpOperation::request, peer_mac, peer_ip, MacAddress{}, {192, 0, 2, 3}});
    EXPECT_TRUE(listener.conflicts.empty());
    EXPECT_TRUE(host.interface().is_tentative(our_ip));
}

TEST_F(AddressConflictTest, Rfc5227_2_1_1_AfterTenConflictsOneAttemptAMinute) {
    for (std::uint32_t i = 0; i < link::AddressClaim::most_conflicts; ++i) {
        EXPECT_TRUE(claim());
        EXPECT_LE(host.interface().next_deadline(), host.now + seconds(1));
        hear_thief();
    }
    const Time last = host.now;
    for (int i = 1; i <= 2; ++i) {
        claim();
        EXPECT_GE(host.interface().next_deadline(), last + seconds(60) * i);
        EXPECT_LE(host.interface().next_deadline(), last + seconds(60) * i + seconds(1));
        hear_thief();
    }
    said();
    // One that can be had ends it.
    claim();
    host.advance_to(last + seconds(200));
    EXPECT_EQ(listener.claimed.size(), 1u);
    host.ip.remove_address(0, ours);
    claim();
    EXPECT_LE(host.interface().next_deadline(), host.now + seconds(1));
}

TEST_F(AddressConflictTest, Rfc5227_2_3_ItMayBeUsedOnceTheFirstAnnouncementGoes) {
    claim();
    Time first{};
    while (listener.claimed.empty()) {
        first = host.interface().next_deadline();
        host.advance_to(first);
    }
    EXPECT_TRUE(host.interface().has_address(our_ip));
    EXPECT_EQ(host.interface().next_deadline(), first + seconds(2)) << "the second announcement";
    EXPECT_EQ(said().back().arp, announcement());
    EXPECT_STREQ(hear({ArpOperation::request, peer_mac, peer_ip, MacAddress{}, our_ip}).note,
                 "arp reply sent");
}

TEST_F(AddressConflictTest, AClaimIsLetGoByRemovingTheAddress) {
    claim();
    host.ip.remove_address(0, ours);
    EXPECT_FALSE(host.interface().is_tentative(our_ip));
    host.advance_to(Time{} + seconds(30));
    EXPECT_TRUE(said().empty());
    EXPECT_TRUE(listener.claimed.empty());
}

TEST_F(AddressConflictTest, AClaimUnderWayIsNotBegunAnew) {
    claim();
    const Time first = host.interface().next_deadline();
    claim();
    EXPECT_EQ(host.interface().next_deadline(), first);
    EXPECT_EQ(host.interface().claims().size(), 1u);
}

TEST_F(AddressConflictTest, Rfc5227_2_4_AConflictInUseIsNamedDefendedAndReported) {
    claim_and_wait(ConflictPolicy::defend);
    EXPECT_EQ(hear_thief().reason, DropReason::arp_own_address);
    const std::vector<Said> all = said();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].arp, announcement());
    EXPECT_EQ(all[0].destination, MacAddress::broadcast());
    EXPECT_EQ(all[0].note, "arp defence");
    ASSERT_EQ(listener.conflicts.size(), 1u);
    EXPECT_FALSE(listener.conflicts[0].lost);
    EXPECT_TRUE(host.interface().has_address(our_ip));
    EXPECT_EQ(host.interface().neighbours().size(), 0u) << "and nothing is learned from it";
}

TEST_F(AddressConflictTest, Rfc5227_2_4_TheSecondConflictWithinTenSecondsLosesTheAddress) {
    claim_and_wait(ConflictPolicy::defend);
    hear_thief();
    host.now = host.now + seconds(9);
    EXPECT_EQ(hear_thief(peer_mac, ArpOperation::reply).reason, DropReason::arp_own_address);
    ASSERT_EQ(listener.conflicts.size(), 2u);
    EXPECT_TRUE(listener.conflicts[1].lost);
    EXPECT_FALSE(host.interface().has_address(our_ip));
    EXPECT_EQ(said().size(), 1u) << "the first defence";
    EXPECT_EQ(hear_probe().reason, DropReason::arp_not_for_us) << "it is theirs now";
    EXPECT_TRUE(host.interface().next_deadline().is_never());
}

TEST_F(AddressConflictTest, Rfc5227_2_4_GivingUpAtOnce) {
    claim_and_wait(ConflictPolicy::give_up);
    hear_thief();
    ASSERT_EQ(listener.conflicts.size(), 1u);
    EXPECT_TRUE(listener.conflicts[0].lost);
    EXPECT_FALSE(host.interface().has_address(our_ip));
    EXPECT_TRUE(said().empty());
}

TEST_F(AddressConflictTest, Rfc5227_2_4_AStaticAddressIsKeptAndDefendedOnceInTenSeconds) {
    host.ip.add_address(0, ours);
    EXPECT_TRUE(said().empty()) << "adding it says nothing";
    for (int second = 0; second < 30; ++second) {
        hear_thief();
        host.now = host.now + seconds(1);
    }
    EXPECT_EQ(said().size(), 3u);
    EXPECT_EQ(listener.conflicts.size(), 30u) << "each is reported";
    EXPECT_FALSE(listener.conflicts.back().lost);
    EXPECT_TRUE(host.interface().has_address(our_ip));
}

TEST_F(AddressConflictTest, Rfc5227_2_4_OurOwnPacketThatComesBackIsNoConflict) {
    host.ip.add_address(0, ours);
    EXPECT_EQ(hear_thief(our_mac).reason, DropReason::arp_not_for_us);
    EXPECT_TRUE(listener.conflicts.empty());
    EXPECT_TRUE(said().empty());
}

TEST_F(AddressConflictTest, Rfc5227_2_4_ConflictsAreHeardDuringTheAnnouncementsToo) {
    claim(ConflictPolicy::defend);
    while (listener.claimed.empty())
        host.advance_to(host.interface().next_deadline());
    hear_thief();
    hear_thief();
    ASSERT_EQ(listener.conflicts.size(), 2u);
    EXPECT_TRUE(listener.conflicts[1].lost);
    said();
    host.advance_to(host.now + seconds(30));
    EXPECT_TRUE(said().empty()) << "no second announcement of what is lost";
}

TEST_F(AddressConflictTest, Rfc5227_3_AStaticAddressIsAnnouncedOnRequest) {
    host.ip.add_address(0, ours);
    host.interface().announce(our_ip, host.now);
    host.interface().announce(peer_ip, host.now);  // not ours: nothing
    host.advance_to(Time{} + seconds(30));
    const std::vector<Said> all = said();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].arp, announcement());
    EXPECT_EQ(all[1].arp, announcement());
    EXPECT_TRUE(listener.claimed.empty());
}

TEST_F(AddressConflictTest, AClaimOfWhatIsOursAlreadyIsAnnounced) {
    host.ip.add_address(0, ours);
    EXPECT_TRUE(claim());
    ASSERT_EQ(listener.claimed.size(), 1u);
    host.advance_to(Time{} + seconds(30));
    EXPECT_EQ(said().size(), 2u);
}

TEST_F(AddressConflictTest, WhoIsNotWantedAnyMoreIsNotAnnounced) {
    listener.takes = false;
    claim();
    while (listener.claimed.empty())
        host.advance_to(host.interface().next_deadline());
    host.ip.remove_address(0, ours);
    said();
    host.advance_to(host.now + seconds(30));
    EXPECT_TRUE(said().empty());
}

TEST_F(AddressConflictTest, ClaimsAreBounded) {
    for (std::uint32_t i = 0; i < link::Interface::claim_limit; ++i) {
        EXPECT_TRUE(host.interface().claim({Ipv4Address(0xc6120000u + i), 16}, ConflictPolicy::keep,
                                           host.now));
    }
    EXPECT_FALSE(claim());
    EXPECT_EQ(host.interface().claims().size(), link::Interface::claim_limit);
}

TEST(AddressConflictRawIpTest, OnARawLinkAClaimSucceedsAtOnce) {
    harness::LowerLayers host;
    Listener listener(host);
    host.add_interface(link::LinkKind::raw_ip);
    host.interface().set_address_events(&listener);
    EXPECT_TRUE(host.interface().claim(ours, ConflictPolicy::defend, host.now));
    ASSERT_EQ(listener.claimed.size(), 1u);
    EXPECT_TRUE(host.interface().has_address(our_ip));
    EXPECT_TRUE(host.interface().next_deadline().is_never());
    EXPECT_EQ(host.transmit(), 0u);
}

}  // namespace
}  // namespace berth
