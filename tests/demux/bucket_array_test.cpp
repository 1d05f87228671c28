// One array of buckets: what is left behind when entries go, and when a home moves away.
#include "demux/bucket_array.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "base/random.hpp"

namespace berth::demux {
namespace {

using Hash = BucketArray::Hash;

// Entries with hashes of the test's own choice.
struct Hashed {
    std::unique_ptr<Entry> entry;
    Hash hash;
};

std::vector<Hashed> entries(std::size_t count, Hash mask, std::uint64_t seed) {
    Random random(Seed::from(seed));
    std::vector<Hashed> made;
    for (std::uint32_t n = 0; n < count; ++n) {
        const FourTuple four_tuple{{Ipv4Address(192, 0, 2, 1), 80}, {Ipv4Address(n), 1}};
        made.push_back(
            {std::make_unique<Entry>(four_tuple, EntryKind::udp), random.next_u64() & mask});
    }
    return made;
}

Entry* find(const BucketArray& array, const Hashed& wanted) {
    return array.find(wanted.entry->four_tuple, wanted.hash, array.home(wanted.hash));
}

std::size_t overflow_sum(const BucketArray& array) {
    std::size_t sum = 0;
    for (std::uint32_t i = 0; i < array.buckets(); ++i)
        sum += array.at(i).overflow();
    return sum;
}

TEST(BucketArray, ErasedEntriesLeaveNoTrace) {
    // Nine tenths full, so that many buckets overflow; nothing may slow the searches of those who
    // stay.
    constexpr std::uint32_t buckets = 100;
    BucketArray array(buckets);
    array.prepare(buckets);
    auto inside = entries(630, ~Hash{0}, 1);
    for (auto& [entry, hash] : inside)
        array.insert(*entry, hash);
    EXPECT_GT(overflow_sum(array), 100u);
    EXPECT_GT(array.longest_probe(), 3u);
    for (const auto& one : inside) {
        ASSERT_EQ(find(array, one), one.entry.get());
        ASSERT_TRUE(array.erase(*one.entry, one.hash));
        ASSERT_EQ(find(array, one), nullptr);
    }
    EXPECT_EQ(overflow_sum(array), 0u);
    array.for_each([](Entry&) { FAIL() << "something stayed"; });
}

TEST(BucketArray, FillsToTheLastSlotAndWrapsAround) {
    constexpr std::uint32_t buckets = 8;
    BucketArray array(buckets);
    array.prepare(buckets);
    // All homes in the last bucket: all but seven entries go round the end.
    auto inside = entries(buckets * Bucket::slots, 0, 2);
    for (auto& one : inside)
        one.hash = ~Hash{0};
    for (auto& [entry, hash] : inside)
        array.insert(*entry, hash);
    for (const auto& one : inside)
        ASSERT_EQ(find(array, one), one.entry.get());
    // A stranger with the same home and tag: the search must come to an end in a full array.
    const FourTuple stranger{{Ipv4Address(192, 0, 2, 1), 80}, {Ipv4Address(99), 2}};
    EXPECT_EQ(array.find(stranger, ~Hash{0}, buckets - 1), nullptr);
    for (const auto& one : inside)
        ASSERT_TRUE(array.erase(*one.entry, one.hash));
    EXPECT_EQ(overflow_sum(array), 0u);
}

TEST(BucketArray, EveryTagIsFound) {
    BucketArray array(64);
    array.prepare(64);
    auto inside = entries(256, 0, 4);
    for (std::size_t tag = 0; tag < inside.size(); ++tag) {
        inside[tag].hash = Hash{tag} << 56 | tag;  // 0 among them, which says "empty" in a bucket
        array.insert(*inside[tag].entry, inside[tag].hash);
    }
    for (const auto& one : inside)
        ASSERT_EQ(find(array, one), one.entry.get());
}

TEST(BucketArray, TakingHomesInOrderEmptiesItAndTakesEachOnce) {
    constexpr std::uint32_t buckets = 200;
    BucketArray array(buckets);
    array.prepare(buckets);
    auto inside = entries(1200, ~Hash{0}, 5);
    std::map<const Entry*, Hash> hashes;
    for (auto& [entry, hash] : inside) {
        array.insert(*entry, hash);
        hashes[entry.get()] = hash;
    }
    const auto hash_of = [&](const FourTuple& tuple) {
        return inside[tuple.remote.address.value].hash;
    };
    std::size_t taken = 0;
    for (std::uint32_t home = 0; home < buckets; ++home) {
        array.take_home(home, hash_of, [&](Entry& entry, Hash hash) {
            EXPECT_EQ(hash, hashes.at(&entry));
            EXPECT_EQ(array.home(hash), home);
            ++taken;
        });
        for (const auto& one : inside) {
            Entry* const expected = array.home(one.hash) > home ? one.entry.get() : nullptr;
            ASSERT_EQ(find(array, one), expected) << "after home " << home;
        }
    }
    EXPECT_EQ(taken, inside.size());
    EXPECT_EQ(overflow_sum(array), 0u);
}

TEST(BucketArray, ALargerArrayKeepsTheOrderOfHomes) {
    const BucketArray small(1000);
    const BucketArray large(1500);
    Random random(Seed::from(6));
    for (int i = 0; i < 10'000; ++i) {
        const Hash one = random.next_u64();
        const Hash other = random.next_u64();
        if (small.home(one) < small.home(other)) {
            ASSERT_LE(large.home(one), large.home(other));
        }
        ASSERT_LT(large.home(one), large.buckets());
    }
    EXPECT_EQ(large.home(~Hash{0}), large.buckets() - 1);
    EXPECT_EQ(large.home(0), 0u);
}

}  // namespace
}  // namespace berth::demux
