// What a host accepts, by the clauses of RFC 1122 §3.2.1.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "wire/checksum.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};

class Rfc1122_3_2_1 : public testing::Test {
  protected:
    harness::LowerLayers host;

    Rfc1122_3_2_1() {
        host.add_interface(link::LinkKind::raw_ip);
        host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
        host.ip.add_address(1, {{198, 51, 100, 2}, 24});
    }

    static Octets packet(Ipv4Address source = peer_ip, Ipv4Address destination = our_ip,
                         std::uint8_t protocol = 6) {
        const Octets payload{1, 2, 3, 4, 5, 6, 7, 8};
        return harness::ipv4_packet(source, destination, protocol, payload);
    }
    static void repair_checksum(Octets& packet) {
        packet[10] = packet[11] = 0;
        const std::size_t header = std::size_t{4} * (packet[0] & 0x0fU);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(header)));
    }
    static Octets with_options(Octets packet, Octets options) {
        options.resize((options.size() + 3) / 4 * 4);
        packet.insert(packet.begin() + 20, options.begin(), options.end());
        packet[0] = static_cast<std::uint8_t>(0x40 | (20 + options.size()) / 4);
        store_be16(packet, 2, static_cast<std::uint16_t>(packet.size()));
        repair_checksum(packet);
        return packet;
    }
    static Octets changed(const std::function<void(Octets&)>& change) {
        Octets bytes = packet();
        change(bytes);
        repair_checksum(bytes);
        return bytes;
    }

    DropReason reason(Bytes bytes, bool to_link_group = false,
                      link::InterfaceIndex index = 0) const {
        const auto result = host.ip.receive({bytes, to_link_group}, index);
        return result ? DropReason::none : result.error();
    }
    DropReason reason_from(Ipv4Address source) const { return reason(packet(source)); }
    DropReason reason_to(Ipv4Address destination, bool to_link_group = false) const {
        return reason(packet(peer_ip, destination), to_link_group);
    }
};

TEST_F(Rfc1122_3_2_1, AGoodPacketIsAccepted) {
    EXPECT_EQ(reason(packet()), DropReason::none);
}

TEST_F(Rfc1122_3_2_1, Clause_1_VersionOtherThan4) {
    for (const unsigned version : {0U, 5U, 6U, 15U}) {
        const Octets bytes =
            changed([&](Octets& b) { b[0] = static_cast<std::uint8_t>(version << 4 | 5); });
        EXPECT_EQ(reason(bytes), DropReason::ip_bad_version) << version;
    }
}

TEST_F(Rfc1122_3_2_1, Clause_2_HeaderChecksum) {
    for (std::size_t bit = 0; bit < 20 * 8; ++bit) {
        Octets bytes = packet();
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
        EXPECT_NE(reason(bytes), DropReason::none) << "bit " << bit;
    }
    Octets ttl = packet();
    ++ttl[8];
    EXPECT_EQ(reason(ttl), DropReason::ip_bad_checksum);
}

TEST_F(Rfc1122_3_2_1, LengthsThatDoNotFit) {
    const Octets whole = packet();
    for (std::size_t length = 0; length < 20; ++length) {
        EXPECT_EQ(reason(Bytes(whole).first(length)), DropReason::ip_truncated) << length;
    }
    for (std::size_t length = 20; length < whole.size(); ++length) {
        EXPECT_EQ(reason(Bytes(whole).first(length)), DropReason::ip_bad_total_length) << length;
    }
    EXPECT_EQ(reason(changed([](Octets& b) { b[0] = 0x44; })), DropReason::ip_bad_header_length);
    EXPECT_EQ(reason(changed([](Octets& b) { store_be16(b, 2, 19); })),
              DropReason::ip_bad_total_length);
}

TEST_F(Rfc1122_3_2_1, LinkPaddingIsCutOff) {
    Octets padded = packet();
    const std::size_t length = padded.size();
    padded.resize(46, 0xee);
    const auto result = host.ip.receive({padded, false}, 0);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->packet.packet().size(), length);
}

TEST_F(Rfc1122_3_2_1, Clause_3_SourcesThatAreNoSingleHost) {
    for (const Ipv4Address bad : {Ipv4Address(255, 255, 255, 255), Ipv4Address(192, 0, 2, 255),
                                  Ipv4Address(198, 51, 100, 255), Ipv4Address(224, 0, 0, 1),
                                  Ipv4Address(239, 255, 255, 255), Ipv4Address(240, 0, 0, 1),
                                  Ipv4Address(0, 0, 0, 0), Ipv4Address(0, 1, 2, 3)}) {
        EXPECT_EQ(reason_from(bad), DropReason::ip_bad_source) << to_string(bad);
    }
}

TEST_F(Rfc1122_3_2_1, Clause_3a_ThisHostOnThisNetworkOnlySeeksAnAddress) {
    const Ipv4Address everybody{255, 255, 255, 255};
    EXPECT_EQ(reason(packet({}, everybody, 17)), DropReason::none);
    EXPECT_EQ(reason(packet({}, everybody, 1)), DropReason::ip_bad_source);
    EXPECT_EQ(reason(packet({}, our_ip, 17)), DropReason::ip_bad_source);
}

TEST_F(Rfc1122_3_2_1, Clause_3_OurOwnAddressAsSource) {
    EXPECT_EQ(reason_from(our_ip), DropReason::ip_own_source);
    EXPECT_EQ(reason_from({198, 51, 100, 2}), DropReason::ip_own_source);
}

TEST_F(Rfc1122_3_2_1, Clause_3_DestinationsThatAreOurs) {
    EXPECT_EQ(reason_to(our_ip), DropReason::none);
    EXPECT_EQ(reason_to({255, 255, 255, 255}), DropReason::none);
    EXPECT_EQ(reason_to({192, 0, 2, 255}), DropReason::none);
    EXPECT_EQ(reason_to({224, 0, 0, 1}), DropReason::none)
        << "every host is in the group of all hosts";
}

TEST_F(Rfc1122_3_2_1, Clause_3_DestinationsThatAreNot) {
    for (const Ipv4Address other :
         {Ipv4Address(192, 0, 2, 3), Ipv4Address(203, 0, 113, 1), Ipv4Address(0, 0, 0, 0),
          Ipv4Address(203, 0, 113, 255), Ipv4Address(240, 0, 0, 1)}) {
        EXPECT_EQ(reason_to(other), DropReason::ip_not_for_us) << to_string(other);
    }
}

TEST_F(Rfc1122_3_2_1, Clause_3g_LoopbackAddressesNeverComeFromALink) {
    EXPECT_EQ(reason_from({127, 0, 0, 1}), DropReason::ip_loopback_from_link);
    EXPECT_EQ(reason_to({127, 0, 0, 1}), DropReason::ip_loopback_from_link);
    EXPECT_EQ(
        reason(packet({127, 0, 0, 1}, {127, 0, 0, 1}), false, link::Interfaces::loopback_index),
        DropReason::none);
    EXPECT_EQ(reason(packet(our_ip, our_ip), false, link::Interfaces::loopback_index),
              DropReason::none);
}

TEST_F(Rfc1122_3_2_1, Rfc1112_7_1_OnlyGroupsThatWereJoinedOnThatInterface) {
    const Ipv4Address group{239, 1, 2, 3};
    EXPECT_EQ(reason_to(group), DropReason::ip_not_member);
    ASSERT_EQ(host.ip.groups().join(0, group, host.now), std::errc{});
    EXPECT_EQ(reason_to(group), DropReason::none);
    EXPECT_EQ(reason(packet(peer_ip, group), false, 1), DropReason::ip_not_member);
    host.ip.groups().leave(0, group, host.now);
    EXPECT_EQ(reason_to(group), DropReason::ip_not_member);
}

TEST_F(Rfc1122_3_2_1, Rfc1122_3_3_4_2_WeakHostModelAnyAddressOnAnyInterface) {
    EXPECT_EQ(reason(packet(peer_ip, {198, 51, 100, 2}), false, 0), DropReason::none);
    EXPECT_EQ(reason(packet(peer_ip, our_ip), false, 1), DropReason::none);
}

TEST_F(Rfc1122_3_2_1, Rfc1122_3_3_6_ALinkBroadcastToOneHost) {
    EXPECT_EQ(reason_to(our_ip, true), DropReason::link_level_broadcast);
    EXPECT_EQ(reason_to({192, 0, 2, 255}, true), DropReason::none);
    EXPECT_EQ(reason_to({255, 255, 255, 255}, true), DropReason::none);
    EXPECT_EQ(reason_to({224, 0, 0, 1}, true), DropReason::none);
}

TEST_F(Rfc1122_3_2_1, NetworksWithoutABroadcastAddress) {
    host.ip.add_address(0, {{203, 0, 113, 0}, 31});
    EXPECT_EQ(reason_from({203, 0, 113, 1}), DropReason::none)
        << "RFC 3021: both ends of a /31 are hosts";
    EXPECT_EQ(reason_to({203, 0, 113, 0}), DropReason::none);
}

TEST_F(Rfc1122_3_2_1, Clause_8_OptionsArePassedOver) {
    EXPECT_EQ(reason(with_options(packet(), {1, 1, 0})), DropReason::none);
    EXPECT_EQ(reason(with_options(packet(), {0x94, 4, 0, 0})), DropReason::none) << "router alert";
    EXPECT_EQ(reason(with_options(packet(), {7, 7, 4, 0, 0, 0, 0})), DropReason::none)
        << "record route";
}

TEST_F(Rfc1122_3_2_1, Clause_8_OptionsThatDoNotFitTheHeader) {
    EXPECT_EQ(reason(with_options(packet(), {7, 40, 4})), DropReason::ip_bad_option);
    EXPECT_EQ(reason(with_options(packet(), {7, 1, 4})), DropReason::ip_bad_option);
}

TEST_F(Rfc1122_3_2_1, Clause_8c_SourceRoutesAreRefused) {
    EXPECT_EQ(reason(with_options(packet(), {131, 7, 4, 192, 0, 2, 9})),
              DropReason::ip_source_routed);
    EXPECT_EQ(reason(with_options(packet(), {1, 137, 7, 4, 192, 0, 2, 9})),
              DropReason::ip_source_routed);
}

TEST_F(Rfc1122_3_2_1, Clause_8c_UnlessTheUserWantsThem) {
    harness::LowerLayers willing{ip::Config{.accept_source_route = true}};
    willing.add_interface(link::LinkKind::raw_ip);
    willing.ip.add_address(0, {our_ip, 24});
    const Octets completed = with_options(packet(), {131, 7, 8, 192, 0, 2, 9});
    EXPECT_TRUE(willing.ip.receive({completed, false}, 0));
}

TEST_F(Rfc1122_3_2_1, FragmentsAreToldApart) {
    const auto disposition = [&](const std::function<void(Octets&)>& change) {
        const Octets bytes = changed(change);
        return host.ip.receive({bytes, false}, 0)->disposition;
    };
    EXPECT_EQ(disposition([](Octets& b) { b[6] = 0x20; }), ip::Disposition::fragment)
        << "more follow";
    EXPECT_EQ(disposition([](Octets& b) { b[7] = 1; }), ip::Disposition::fragment)
        << "not the first";
    EXPECT_EQ(disposition([](Octets& b) { b[6] = 0x40; }), ip::Disposition::local)
        << "do not fragment";
}

TEST_F(Rfc1122_3_2_1, Clause_7_AnyTimeToLiveIsGoodEnoughForUs) {
    EXPECT_EQ(reason(changed([](Octets& b) { b[8] = 0; })), DropReason::none);
    EXPECT_EQ(reason(changed([](Octets& b) { b[8] = 1; })), DropReason::none);
}

}  // namespace
}  // namespace berth
