#include "base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

namespace berth {
namespace {

// The key stream of ChaCha12 under an all-zero key and nonce, blocks 0 and 1, as published in
// draft-strombergson-chacha-test-vectors (TC1, 256-bit key), read as little-endian words.
TEST(Random, IsChaCha12) {
    constexpr std::array<std::uint32_t, 32> published = {
        0x6a9af49b, 0x53f95507, 0x12ce1f81, 0xd583265f, 0xbbc32904, 0x1474e049, 0xa589007e,
        0x5f15ae2e, 0x79f86405, 0xc0e37ad2, 0x3428e82c, 0x798cfaac, 0x2c9f623a, 0x1969dea0,
        0x2fe80b61, 0xbe261341, 0x4188d50b, 0xfe743e20, 0x3371fc86, 0x3d17e08c, 0xb7eb28c6,
        0xcccbbd19, 0x21851515, 0xb489c04c, 0xcd8d2542, 0x11f14ca1, 0x97b802c6, 0x43c88c1b,
        0xca461ee9, 0xc0515190, 0xb0a64427, 0x1693e617};
    Random random{Seed{}};
    for (std::size_t i = 0; i < published.size(); ++i) {
        EXPECT_EQ(random.next_u32(), published[i]) << "word " << i;
    }
}

TEST(Random, TheSameSeedRepeatsAndAnotherDoesNot) {
    Random a{Seed::from(7)};
    Random b{Seed::from(7)};
    Random c{Seed::from(8)};
    Random d{Seed::from(std::uint64_t{7} << 32)};
    int equal = 0;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t drawn = a.next_u64();
        EXPECT_EQ(drawn, b.next_u64());
        equal += drawn == c.next_u64() ? 1 : 0;
        equal += drawn == d.next_u64() ? 1 : 0;
    }
    EXPECT_EQ(equal, 0);
}

TEST(Random, SixtyFourBitsAreTwoDraws) {
    Random words{Seed::from(1)};
    Random doubles{Seed::from(1)};
    for (int i = 0; i < 20; ++i) {
        const std::uint64_t low = words.next_u32();
        const std::uint64_t high = words.next_u32();
        EXPECT_EQ(doubles.next_u64(), high << 32 | low);
    }
}

TEST(Random, AForkDependsOnSeedAndLabelOnly) {
    Random fresh{Seed::from(3)};
    Random used{Seed::from(3)};
    for (int i = 0; i < 1000; ++i)
        used.next_u32();
    Random from_fresh = fresh.fork(42);
    Random from_used = used.fork(42);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(from_fresh.next_u64(), from_used.next_u64());
}

TEST(Random, ForkingDrawsNothing) {
    Random forked{Seed::from(3)};
    Random plain{Seed::from(3)};
    (void)forked.fork(1);
    for (int i = 0; i < 40; ++i)
        EXPECT_EQ(forked.next_u32(), plain.next_u32());
}

TEST(Random, ForksOfDifferentLabelsAndTheirParentDiffer) {
    const Random parent{Seed::from(3)};
    std::set<std::uint64_t> seen = {Random(parent).next_u64()};
    for (const std::uint64_t label : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2},
                                      std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        Random child = parent.fork(label);
        EXPECT_TRUE(seen.insert(child.next_u64()).second) << "label " << label;
        EXPECT_TRUE(seen.insert(child.fork(label).next_u64()).second) << "label " << label;
    }
}

TEST(Random, BelowStaysBelow) {
    Random random{Seed::from(5)};
    for (const std::uint32_t bound : {1U, 2U, 3U, 10U, 0x80000000U, 0x80000001U, 0xffffffffU}) {
        for (int i = 0; i < 1000; ++i)
            ASSERT_LT(random.below(bound), bound);
    }
}

// Three quarters of 2^32 as the bound: without the rejection one third of the results would come up
// twice as often as the others.
TEST(Random, BelowIsUniformForAnAwkwardBound) {
    Random random{Seed::from(6)};
    constexpr std::uint32_t third = 0x40000000;
    std::array<int, 3> hits{};
    constexpr int draws = 30'000;
    for (int i = 0; i < draws; ++i)
        ++hits[random.below(3 * third) / third];
    for (const int hit : hits)
        EXPECT_NEAR(hit, draws / 3, 500);  // six standard deviations
    std::array<int, 3> low_bits{};
    for (int i = 0; i < draws; ++i)
        ++low_bits[random.below(3 * third) % 3];
    for (const int hit : low_bits)
        EXPECT_NEAR(hit, draws / 3, 500);
}

TEST(Random, ChanceCountsInPartsPerMillion) {
    Random random{Seed::from(9)};
    int hits = 0;
    for (int i = 0; i < 100'000; ++i) {
        ASSERT_FALSE(random.chance(0));
        ASSERT_TRUE(random.chance(1'000'000));
        hits += random.chance(250'000) ? 1 : 0;
    }
    EXPECT_NEAR(hits, 25'000, 900);  // more than six standard deviations
}

}  // namespace
}  // namespace berth
