// What ICMP may teach about the MTU of a path (RFC 1191 §4, §6, §7.1; RFC 5927 §7).
#include "ip/path_mtu_cache.hpp"

#include <gtest/gtest.h>

namespace berth::ip {
namespace {

constexpr Ipv4Address here{192, 0, 2, 1};
constexpr Ipv4Address there{198, 51, 100, 1};
constexpr Time start = Time{} + seconds(1000);
constexpr std::uint16_t link_mtu = 1500;

class PathMtuCacheTest : public ::testing::Test {
  protected:
    PathMtuCache cache;
    bool says(std::uint16_t mtu, std::uint16_t packet_bytes = link_mtu, Time now = start,
              Ipv4Address destination = there) {
        return cache.lower(destination, mtu, packet_bytes,
                           cache.find(destination).value_or(link_mtu), now);
    }
};

TEST_F(PathMtuCacheTest, NothingIsKnownAtFirst_Rfc1191_3) {
    EXPECT_EQ(cache.find(there), std::nullopt);
    EXPECT_FALSE(cache.is_locked(there));
    EXPECT_TRUE(cache.next_deadline().is_never());
    EXPECT_EQ(cache.size(), 0u);
}

TEST_F(PathMtuCacheTest, ARouterLowersTheValueOfOneDestination_Rfc1191_3) {
    EXPECT_TRUE(says(1400));
    EXPECT_EQ(cache.find(there), 1400);
    EXPECT_EQ(cache.find(here), std::nullopt);
    EXPECT_TRUE(says(1000, 1400));
    EXPECT_EQ(cache.find(there), 1000);
    EXPECT_EQ(cache.size(), 1u);
}

TEST_F(PathMtuCacheTest, NoMessageRaisesIt_Rfc1191_3) {
    says(1000);
    EXPECT_FALSE(says(1400));
    EXPECT_EQ(cache.find(there), 1000);
    EXPECT_FALSE(says(1500));
    EXPECT_FALSE(says(65535));
    EXPECT_EQ(cache.find(there), 1000);
}

TEST_F(PathMtuCacheTest, AClaimThatThePacketRefutesIsNone_Rfc5927_7_2) {
    EXPECT_FALSE(says(1000, 1000)) << "a packet of that size would have fitted";
    EXPECT_FALSE(says(1000, 600));
    EXPECT_EQ(cache.size(), 0u);
    EXPECT_TRUE(says(1000, 1001));
}

TEST_F(PathMtuCacheTest, AnOlderRouterMeansTheNextPlateau_Rfc1191_7_1) {
    EXPECT_TRUE(says(0, 1500));
    EXPECT_EQ(cache.find(there), 1492);
    EXPECT_TRUE(says(0, 1492));
    EXPECT_EQ(cache.find(there), 1006);
    EXPECT_TRUE(says(0, 1006)) << "508 is below what is believed";
    EXPECT_EQ(cache.find(there), PathMtuCache::min_mtu);
    EXPECT_TRUE(cache.is_locked(there));
}

TEST_F(PathMtuCacheTest, ThePlateausAreThoseOfTheTable_Rfc1191_7_1) {
    for (const auto& [bytes, plateau] : {std::pair{65535, 32000},
                                         {32000, 17914},
                                         {17914, 8166},
                                         {8166, 4352},
                                         {4352, 2002},
                                         {2002, 1492},
                                         {1492, 1006},
                                         {1006, 508},
                                         {508, 296},
                                         {296, 68},
                                         {68, 68},
                                         {20, 68}}) {
        EXPECT_EQ(next_plateau_below(static_cast<std::uint16_t>(bytes)), plateau) << bytes;
    }
}

TEST_F(PathMtuCacheTest, AnAbsurdClaimIsClampedAndDfGoesOff_Rfc1191_3) {
    EXPECT_TRUE(says(68));
    EXPECT_EQ(cache.find(there), PathMtuCache::min_mtu);
    EXPECT_TRUE(cache.is_locked(there));
    EXPECT_FALSE(says(552, 1500)) << "it stays locked until it ages";
    EXPECT_TRUE(cache.is_locked(there));
}

TEST_F(PathMtuCacheTest, TheSmallestBelievedIsNotLocked_Rfc1191_3) {
    EXPECT_TRUE(says(PathMtuCache::min_mtu));
    EXPECT_FALSE(cache.is_locked(there));
    EXPECT_TRUE(says(PathMtuCache::min_mtu - 1, PathMtuCache::min_mtu));
    EXPECT_EQ(cache.find(there), PathMtuCache::min_mtu);
    EXPECT_TRUE(cache.is_locked(there));
}

TEST_F(PathMtuCacheTest, ALinkNarrowerThanTheMinimumKeepsItsOwn_Rfc1191_3) {
    EXPECT_TRUE(cache.lower(there, 100, 296, 296, start));
    EXPECT_EQ(cache.find(there), 296) << "min_mtu must not raise it";
    EXPECT_TRUE(cache.is_locked(there));
}

TEST_F(PathMtuCacheTest, AValueAgesAfterTenMinutes_Rfc1191_6_3) {
    says(1400);
    EXPECT_EQ(cache.next_deadline(), start + minutes(10));
    cache.advance(start + minutes(10) - nanoseconds(1));
    EXPECT_EQ(cache.find(there), 1400);
    cache.advance(start + minutes(10));
    EXPECT_EQ(cache.find(there), std::nullopt);
    EXPECT_TRUE(cache.next_deadline().is_never());
}

TEST_F(PathMtuCacheTest, HearingItAgainMakesItYoung_Rfc1191_6_3) {
    says(1400);
    EXPECT_FALSE(says(1400, 1500, start + minutes(5)));
    cache.advance(start + minutes(10));
    EXPECT_EQ(cache.find(there), 1400);
    EXPECT_EQ(cache.next_deadline(), start + minutes(15));
}

TEST_F(PathMtuCacheTest, ALargerClaimDoesNotKeepASmallerValueAlive_Rfc1191_6_3) {
    says(1000);
    says(1400, 1500, start + minutes(5));
    cache.advance(start + minutes(10));
    EXPECT_EQ(cache.find(there), std::nullopt);
}

TEST_F(PathMtuCacheTest, TheGenerationTellsOfEveryChange_Rfc1191_6_1) {
    const auto first = cache.generation();
    says(1400);
    const auto second = cache.generation();
    EXPECT_NE(first, second);
    says(1400);
    EXPECT_EQ(cache.generation(), second) << "nothing has changed";
    cache.advance(start + minutes(1));
    EXPECT_EQ(cache.generation(), second);
    cache.advance(start + minutes(10));
    EXPECT_NE(cache.generation(), second);
}

TEST_F(PathMtuCacheTest, TheLeastRecentlyLearnedGoesWhenItIsFull) {
    const auto destination = [](std::size_t i) {
        return Ipv4Address(there.value + static_cast<std::uint32_t>(i));
    };
    for (std::size_t i = 0; i < PathMtuCache::limit_entries; ++i)
        says(1400, 1500, start + milliseconds(static_cast<std::int64_t>(i)), destination(i));
    says(1300, 1400, start + seconds(2), destination(0));  // learned anew
    says(1400, 1500, start + seconds(3), here);
    EXPECT_EQ(cache.size(), PathMtuCache::limit_entries);
    EXPECT_EQ(cache.find(destination(0)), 1300);
    EXPECT_EQ(cache.find(destination(1)), std::nullopt);
    EXPECT_EQ(cache.find(destination(2)), 1400);
    EXPECT_EQ(cache.find(here), 1400);
}

TEST_F(PathMtuCacheTest, TheEntriesCanBeListed) {
    says(1400);
    says(60, 1500, start, here);
    const auto entries = cache.entries();
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].destination, here);
    EXPECT_TRUE(entries[0].is_locked);
    EXPECT_EQ(entries[1].mtu, 1400);
    EXPECT_EQ(entries[1].expires, start + minutes(10));
}

}  // namespace
}  // namespace berth::ip
