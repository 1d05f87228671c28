// IGMP of a host as a dialogue in virtual time: a router's bytes in, the host's bytes out.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/fake_device.hpp"
#include "harness/packets.hpp"
#include "stack.hpp"
#include "wire/checksum.hpp"

namespace berth::harness {
namespace {

using Octets = std::vector<std::uint8_t>;
using wire::IgmpVersion;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address router_ip{192, 0, 2, 1};
constexpr Ipv4Address group{233, 252, 0, 1};
constexpr Ipv4Address other{233, 252, 0, 2};
constexpr Ipv4Address all_hosts{224, 0, 0, 1};
constexpr Ipv4Address s1{198, 51, 100, 1};
constexpr Ipv4Address s2{198, 51, 100, 2};

// A message that the host sent: "224.0.0.22 to_ex 233.252.0.1", with its sources behind.
struct Said {
    std::string text;
    Time when;
};

class IgmpTest : public testing::Test {
  protected:
    FakeDevice device;
    Time now{1'000'000'000};
    Stack host{StackConfig{.seed = Seed::from(7), .start = now}};

    IgmpTest() {
        host.add_interface("link0", device);
        host.add_address(0, {our_ip, 24});
    }
    ip::GroupMemberships& groups() { return host.ip().groups(); }
    void join(Ipv4Address which = group, Ipv4Address source = {}) {
        ASSERT_EQ(groups().join(0, which, now, source), std::errc{});
    }
    void leave(Ipv4Address which = group, Ipv4Address source = {}) {
        groups().leave(0, which, now, source);
    }

    // Lets time pass, stopping at each deadline on the way; what was said meanwhile.
    std::vector<Said> after(Duration duration) {
        const Time end = now + duration;
        std::vector<Said> said;
        const auto listen = [&] {
            host.poll(now);
            while (!device.sent.empty())
                said.push_back({describe(device.take().bytes), now});
        };
        listen();
        while (host.next_deadline() <= end) {
            now = std::max(now, host.next_deadline());
            listen();
        }
        now = end;
        return said;
    }
    std::vector<std::string> texts(Duration duration) {
        std::vector<std::string> texts;
        for (const Said& each : after(duration))
            texts.push_back(each.text);
        return texts;
    }
    using Texts = std::vector<std::string>;

    static std::string describe(const Octets& bytes) {
        const auto packet = wire::Ipv4View::parse(bytes);
        EXPECT_TRUE(packet);
        EXPECT_EQ(packet->protocol(), 2);
        // RFC 3376 §4: TTL 1, internetwork control, Router Alert (RFC 2113).
        EXPECT_EQ(packet->ttl(), 1);
        EXPECT_EQ(bytes[1], 0xc0);
        EXPECT_EQ(packet->header_bytes(), 24u);
        EXPECT_EQ(load_be32(bytes, 20), 0x94040000u);
        EXPECT_EQ(packet->source(), our_ip);
        const Bytes message = packet->payload();
        EXPECT_EQ(wire::checksum_of(message), 0);
        std::string text = to_string(packet->destination());
        switch (message[0]) {
            case 0x12: return text + " v1 " + address_at(message, 4);
            case 0x16: return text + " v2 " + address_at(message, 4);
            case 0x17: return text + " leave " + address_at(message, 4);
            case 0x22: break;
            default: return text + " unknown";
        }
        static constexpr const char* names[] = {"?",     "is_in", "is_ex", "to_in",
                                                "to_ex", "allow", "block"};
        std::size_t at = 8;
        for (int record = 0; record < load_be16(message, 6); ++record) {
            text += std::string(" ") + names[message[at]] + " " + address_at(message, at + 4);
            const std::size_t sources = load_be16(message, at + 2);
            for (std::size_t i = 0; i < sources; ++i)
                text += "," + address_at(message, at + 8 + 4 * i);
            at += 8 + 4 * sources;
        }
        EXPECT_EQ(at, message.size());
        return text;
    }
    static std::string address_at(Bytes message, std::size_t at) {
        return to_string(Ipv4Address(load_be32(message, at)));
    }

    static Octets with_checksum(Octets message) {
        store_be16(message, 2, wire::checksum_of(message));
        return message;
    }
    static Octets old_message(std::uint8_t type, std::uint8_t code, Ipv4Address about) {
        Octets message(8);
        message[0] = type;
        message[1] = code;
        store_be32(message, 4, about.value);
        return with_checksum(message);
    }
    static Octets v3_query(std::uint8_t code, Ipv4Address about = {},
                           const std::vector<Ipv4Address>& sources = {}, std::uint8_t qrv = 2,
                           std::uint8_t qqic = 125) {
        Octets message(12 + 4 * sources.size());
        message[0] = 0x11;
        message[1] = code;
        store_be32(message, 4, about.value);
        message[8] = qrv;
        message[9] = qqic;
        store_be16(message, 10, static_cast<std::uint16_t>(sources.size()));
        for (std::size_t i = 0; i < sources.size(); ++i)
            store_be32(message, 12 + 4 * i, sources[i].value);
        return with_checksum(message);
    }
    void arrive(const Octets& message, Ipv4Address destination = all_hosts, std::uint8_t ttl = 1) {
        Octets packet = ipv4_packet(router_ip, destination, 2, message);
        packet[8] = ttl;
        store_be16(packet, 10, 0);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(20)));
        device.put(packet);
        host.poll(now);
    }
};

TEST_F(IgmpTest, Rfc3376_5_1_AJoinIsToldAtOnceAndOnceMore) {
    join();
    const auto said = after(seconds(60));
    ASSERT_EQ(said.size(), 2u);
    for (const Said& each : said)
        EXPECT_EQ(each.text, "224.0.0.22 to_ex 233.252.0.1");
    EXPECT_GT(said[1].when, said[0].when);
    EXPECT_LE(said[1].when - said[0].when, ip::Igmp::unsolicited_interval);
    EXPECT_TRUE(host.igmp().next_deadline().is_never());
}

TEST_F(IgmpTest, Rfc3376_5_1_ALeaveIsToldAtOnceAndOnceMore) {
    join();
    after(seconds(10));
    leave();
    EXPECT_EQ(texts(seconds(10)),
              (Texts{"224.0.0.22 to_in 233.252.0.1", "224.0.0.22 to_in 233.252.0.1"}));
    EXPECT_EQ(host.igmp().size(), 0u) << "and then forgotten";
}

TEST_F(IgmpTest, Rfc3376_3_2_SocketsShareAMembership) {
    join();
    join();
    EXPECT_EQ(texts(seconds(10)).size(), 2u) << "the second join changes nothing";
    leave();
    EXPECT_TRUE(texts(seconds(10)).empty());
    leave();
    EXPECT_EQ(texts(seconds(10)).size(), 2u);
}

TEST_F(IgmpTest, Rfc3376_5_1_AChangeOfMindTakesTheOldReportsPlace) {
    join();
    leave();
    EXPECT_EQ(texts(seconds(10)),
              (Texts{"224.0.0.22 to_ex 233.252.0.1", "224.0.0.22 to_in 233.252.0.1",
                     "224.0.0.22 to_in 233.252.0.1"}));
}

TEST_F(IgmpTest, Rfc3376_5_1_SourcesAreToldByTheirDifference) {
    join(group, s1);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 allow 233.252.0.1,198.51.100.1",
                                         "224.0.0.22 allow 233.252.0.1,198.51.100.1"}));
    join(group, s2);
    after(seconds(10));
    leave(group, s1);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 block 233.252.0.1,198.51.100.1",
                                         "224.0.0.22 block 233.252.0.1,198.51.100.1"}));
}

TEST_F(IgmpTest, Rfc3376_3_2_AnySourceCoversASource) {
    join(group, s1);
    after(seconds(10));
    join(group);
    EXPECT_EQ(texts(seconds(10)),
              (Texts{"224.0.0.22 to_ex 233.252.0.1", "224.0.0.22 to_ex 233.252.0.1"}));
    leave(group);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 to_in 233.252.0.1,198.51.100.1",
                                         "224.0.0.22 to_in 233.252.0.1,198.51.100.1"}));
}

TEST_F(IgmpTest, Rfc3376_8_1_TheQuerierSaysHowOften) {
    arrive(v3_query(1, {}, {}, 4));
    after(seconds(1));
    join();
    EXPECT_EQ(texts(seconds(20)).size(), 4u);
}

TEST_F(IgmpTest, Rfc1112_6_1_NothingIsSaidOfAllHostsNorToOurselves) {
    ASSERT_EQ(groups().join(0, all_hosts, now), std::errc{});
    ASSERT_EQ(groups().join(link::Interfaces::loopback_index, group, now), std::errc{});
    EXPECT_TRUE(texts(seconds(10)).empty());
    arrive(v3_query(10));
    EXPECT_TRUE(texts(seconds(10)).empty());
}

TEST_F(IgmpTest, Rfc3376_5_2_AGeneralQueryIsAnsweredWithAllGroupsWithinItsTime) {
    join();
    join(other, s1);
    after(seconds(10));
    const Time asked = now;
    arrive(v3_query(50));
    const auto said = after(seconds(10));
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].text, "224.0.0.22 is_ex 233.252.0.1 is_in 233.252.0.2,198.51.100.1");
    EXPECT_GT(said[0].when, asked);
    EXPECT_LE(said[0].when, asked + seconds(5));
}

TEST_F(IgmpTest, Rfc3376_5_2_TheDelayIsRandom) {
    join();
    after(seconds(10));
    std::vector<std::int64_t> delays;
    for (int round = 0; round < 20; ++round) {
        const Time asked = now;
        arrive(v3_query(100));
        const auto said = after(seconds(20));
        ASSERT_EQ(said.size(), 1u);
        delays.push_back((said[0].when - asked).milliseconds());
    }
    std::sort(delays.begin(), delays.end());
    EXPECT_LT(delays.front(), 3'000);
    EXPECT_GT(delays.back(), 7'000);
    EXPECT_LE(delays.back(), 10'000);
}

TEST_F(IgmpTest, Rfc3376_5_2_QueriesInARowAreAnsweredOnce) {
    join();
    after(seconds(10));
    for (int i = 0; i < 50; ++i)
        arrive(v3_query(20));
    EXPECT_EQ(texts(seconds(10)).size(), 1u);
}

TEST_F(IgmpTest, Rfc3376_5_2_AGroupQueryIsAnsweredForThatGroup) {
    join();
    join(other);
    after(seconds(10));
    arrive(v3_query(10, group), group);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 is_ex 233.252.0.1"}));
    arrive(v3_query(10, {233, 252, 0, 9}));
    EXPECT_TRUE(texts(seconds(10)).empty());
    EXPECT_EQ(host.drops()[DropReason::igmp_not_wanted], 1u);
}

TEST_F(IgmpTest, Rfc3376_5_2_ASourceQueryIsAnsweredForThoseThatAreWanted) {
    join(group, s1);
    join(other);
    after(seconds(10));
    arrive(v3_query(10, group, {s1, s2}), group);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 is_in 233.252.0.1,198.51.100.1"}));
    arrive(v3_query(10, group, {s2}), group);
    EXPECT_TRUE(texts(seconds(10)).empty()) << "none of them";
    arrive(v3_query(10, other, {s2}), other);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 is_in 233.252.0.2,198.51.100.2"}))
        << "any source";
}

TEST_F(IgmpTest, Rfc3376_5_2_SourceQueriesAddUpAndAGroupQueryCoversThem) {
    join(group);
    after(seconds(10));
    arrive(v3_query(10, group, {s1}), group);
    arrive(v3_query(10, group, {s2}), group);
    EXPECT_EQ(texts(seconds(10)),
              (Texts{"224.0.0.22 is_in 233.252.0.1,198.51.100.1,198.51.100.2"}));
    arrive(v3_query(10, group, {s1}), group);
    arrive(v3_query(10, group), group);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 is_ex 233.252.0.1"}));
}

TEST_F(IgmpTest, MoreSourcesThanAreRecordedAreAnsweredForTheGroup) {
    join(group);
    after(seconds(10));
    std::vector<Ipv4Address> many;
    for (std::uint32_t i = 0; i <= ip::Igmp::limit_recorded_sources; ++i)
        many.push_back(Ipv4Address(s1.value + i));
    arrive(v3_query(10, group, many), group);
    EXPECT_EQ(texts(seconds(10)), (Texts{"224.0.0.22 is_ex 233.252.0.1"}));
}

TEST_F(IgmpTest, Rfc3376_7_2_1_AnOlderQuerierIsSpokenToInItsVersion) {
    join();
    after(seconds(10));
    arrive(old_message(0x11, 100, {}));
    EXPECT_EQ(host.igmp().version(0, now), IgmpVersion::v2);
    EXPECT_EQ(texts(seconds(10)), (Texts{"233.252.0.1 v2 233.252.0.1"}));
    arrive(old_message(0x11, 0, {}));
    EXPECT_EQ(host.igmp().version(0, now), IgmpVersion::v1);
    EXPECT_EQ(texts(seconds(10)), (Texts{"233.252.0.1 v1 233.252.0.1"}));
    arrive(v3_query(100));
    EXPECT_EQ(host.igmp().version(0, now), IgmpVersion::v1) << "the oldest decides";
    EXPECT_EQ(texts(seconds(10)), (Texts{"233.252.0.1 v1 233.252.0.1"}));
}

TEST_F(IgmpTest, Rfc3376_8_12_OlderQueriersAreForgotten) {
    arrive(old_message(0x11, 100, {}));
    after(seconds(2 * 125 + 10) - nanoseconds(1));
    EXPECT_EQ(host.igmp().version(0, now), IgmpVersion::v2);
    after(seconds(1));
    EXPECT_EQ(host.igmp().version(0, now), IgmpVersion::v3);
    join();
    EXPECT_EQ(texts(seconds(10))[0], "224.0.0.22 to_ex 233.252.0.1");
}

TEST_F(IgmpTest, Rfc3376_7_2_1_AChangeOfVersionForgetsWhatWasPending) {
    join();
    EXPECT_EQ(texts({}).size(), 1u);
    arrive(old_message(0x11, 255, other));
    EXPECT_EQ(host.igmp().version(0, now), IgmpVersion::v3) << "not a general query";
    arrive(old_message(0x11, 255, {}));
    const auto said = texts(seconds(26));
    EXPECT_EQ(said, (Texts{"233.252.0.1 v2 233.252.0.1"})) << "no second to_ex";
}

TEST_F(IgmpTest, Rfc2236_3_JoinsAndLeavesInVersion2) {
    arrive(old_message(0x11, 100, {}));
    join();
    const auto said = after(seconds(30));
    ASSERT_EQ(said.size(), 2u);
    EXPECT_EQ(said[0].text, "233.252.0.1 v2 233.252.0.1");
    EXPECT_EQ(said[1].text, "233.252.0.1 v2 233.252.0.1");
    EXPECT_LE(said[1].when - said[0].when, ip::Igmp::unsolicited_interval_v2);
    leave();
    EXPECT_EQ(texts(seconds(30)), (Texts{"224.0.0.2 leave 233.252.0.1"}));
}

TEST_F(IgmpTest, Rfc2236_3_AnothersReportIsEnough) {
    arrive(old_message(0x11, 100, {}));
    join();
    after(seconds(30));
    arrive(old_message(0x11, 100, {}));
    arrive(old_message(0x16, 0, group), group);
    EXPECT_TRUE(texts(seconds(30)).empty());
    leave();
    EXPECT_TRUE(texts(seconds(30)).empty()) << "the other was the last to report";
}

TEST_F(IgmpTest, Rfc3376_7_2_2_InVersion3AnothersReportIsNot) {
    join();
    after(seconds(10));
    arrive(v3_query(100));
    arrive(old_message(0x16, 0, group), group);
    EXPECT_EQ(texts(seconds(30)), (Texts{"224.0.0.22 is_ex 233.252.0.1"}));
}

TEST_F(IgmpTest, Rfc2236_4_Version1KnowsNoLeaving) {
    arrive(old_message(0x11, 0, {}));
    join();
    EXPECT_EQ(texts(seconds(30)),
              (Texts{"233.252.0.1 v1 233.252.0.1", "233.252.0.1 v1 233.252.0.1"}));
    leave();
    EXPECT_TRUE(texts(seconds(30)).empty());
}

TEST_F(IgmpTest, Rfc2236_3_AQueryOnlyShortensTheDelay) {
    arrive(old_message(0x11, 100, {}));
    join();
    after(seconds(30));
    const Time asked = now;
    arrive(old_message(0x11, 250, {}));
    arrive(old_message(0x11, 10, group), group);
    const auto said = after(seconds(30));
    ASSERT_EQ(said.size(), 1u);
    EXPECT_LE(said[0].when, asked + seconds(1));
}

TEST_F(IgmpTest, Rfc3376_4_WhatComesThroughARouterIsDropped) {
    join();
    after(seconds(10));
    arrive(v3_query(10), all_hosts, 2);
    arrive(v3_query(10), all_hosts, 64);
    EXPECT_EQ(host.drops()[DropReason::igmp_bad_ttl], 2u);
    EXPECT_TRUE(texts(seconds(30)).empty());
}

TEST_F(IgmpTest, DamagedAndForeignMessages) {
    Octets damaged = v3_query(10);
    damaged[5] ^= 1;
    arrive(damaged);
    EXPECT_EQ(host.drops()[DropReason::igmp_bad_checksum], 1u);
    arrive(Octets(7));
    EXPECT_EQ(host.drops()[DropReason::igmp_truncated], 1u);
    arrive(old_message(0x17, 0, group));
    arrive(old_message(0x22, 0, group));
    arrive(old_message(0x13, 0, group));
    arrive(old_message(0x16, 0, group));
    EXPECT_EQ(host.drops()[DropReason::igmp_not_wanted], 4u);
}

// Asking without end for answers without delay costs the link ten reports a second.
TEST_F(IgmpTest, AStormOfQueriesIsBounded) {
    join();
    after(seconds(10));
    std::size_t said = 0;
    for (int i = 0; i < 10'000; ++i) {
        arrive(v3_query(0));
        said += texts(milliseconds(1)).size();
    }
    EXPECT_GT(said, 50u);
    EXPECT_LE(said, 101u);
}

TEST_F(IgmpTest, Rfc3376_4_2_16_ManyGroupsTakeSeveralReports) {
    for (std::uint32_t i = 0; i < ip::GroupMemberships::limit_groups; ++i)
        join(Ipv4Address(group.value + i));
    EXPECT_EQ(groups().join(0, {233, 252, 9, 9}, now), std::errc::no_buffer_space);
    after(seconds(10));
    arrive(v3_query(10));
    std::size_t records = 0;
    const auto said = texts(seconds(10));
    EXPECT_EQ(said.size(), 2u);
    for (const std::string& each : said)
        for (std::size_t at = 0; (at = each.find("is_ex", at)) != std::string::npos; ++at)
            ++records;
    EXPECT_EQ(records, ip::GroupMemberships::limit_groups);
}

TEST_F(IgmpTest, RecordsOfGroupsThatWereLeftAreBounded) {
    for (std::uint32_t i = 0; i < 5'000; ++i) {
        const Ipv4Address each(group.value + i);
        join(each);
        leave(each);
        EXPECT_LE(host.igmp().size(), ip::Igmp::limit_groups);
        host.poll(now);
        device.sent.clear();
    }
    after(seconds(10));
    EXPECT_EQ(host.igmp().size(), 0u);
    EXPECT_TRUE(host.igmp().next_deadline().is_never());
}

TEST_F(IgmpTest, SourcesOfAGroupAreBounded) {
    for (std::uint32_t i = 0; i < ip::GroupMemberships::limit_sources; ++i)
        join(group, Ipv4Address(s1.value + i));
    EXPECT_EQ(groups().join(0, group, now, {198, 51, 100, 200}), std::errc::no_buffer_space);
    EXPECT_EQ(groups().join(0, group, now, s1), std::errc{}) << "one that is there already";
}

TEST(IgmpWithoutAddress, Rfc3376_4_2_13_ReportsComeFromTheUnspecifiedAddress) {
    FakeDevice device;
    const Time now{1'000'000'000};
    Stack host{StackConfig{.seed = Seed::from(7), .start = now}};
    host.add_interface("link0", device);
    ASSERT_EQ(host.ip().groups().join(0, group, now), std::errc{});
    host.poll(now);
    const auto sent = device.take();
    const auto packet = wire::Ipv4View::parse(sent.bytes);
    ASSERT_TRUE(packet);
    EXPECT_TRUE(packet->source().is_unspecified());
    EXPECT_EQ(packet->destination(), ip::igmp_v3_routers_group);
}

}  // namespace
}  // namespace berth::harness
