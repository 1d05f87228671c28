// The four-tuple table against a model, through growth, and against peers who choose their keys.
#include "demux/connection_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/random.hpp"

namespace berth::demux {
namespace {

constexpr SipHashKey key_a{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr SipHashKey key_b{0x1122334455667788, 0x99aabbccddeeff00};

FourTuple tuple(std::uint32_t remote_address, Port remote_port) {
    return {{Ipv4Address(192, 0, 2, 1), 80}, {Ipv4Address(remote_address), remote_port}};
}
FourTuple numbered(std::uint32_t n) {
    return tuple(0xc6120000 + (n >> 16), static_cast<Port>(n));  // 198.18.0.0/15
}

// Entries of consecutive numbers, kept at their addresses.
std::vector<std::unique_ptr<Entry>> entries(std::uint32_t count) {
    std::vector<std::unique_ptr<Entry>> made;
    for (std::uint32_t n = 0; n < count; ++n) {
        made.push_back(std::make_unique<Entry>(numbered(n), EntryKind::connection));
    }
    return made;
}

TEST(ConnectionTable, AnEmptyTableHasNothing) {
    const ConnectionTable table(key_a);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(table.find(numbered(1)), nullptr);
    table.for_each([](Entry&) { FAIL() << "there is nothing to visit"; });
}

TEST(ConnectionTable, EveryPartOfTheFourTupleCounts) {
    ConnectionTable table(key_a);
    const FourTuple base{{Ipv4Address(192, 0, 2, 1), 80}, {Ipv4Address(192, 0, 2, 9), 40000}};
    Entry entry(base, EntryKind::connection);
    ASSERT_TRUE(table.insert(entry));
    EXPECT_EQ(table.find(base), &entry);

    FourTuple other = base;
    other.local.address = Ipv4Address(192, 0, 2, 2);
    EXPECT_EQ(table.find(other), nullptr);
    other = base;
    other.local.port = 81;
    EXPECT_EQ(table.find(other), nullptr);
    other = base;
    other.remote.address = Ipv4Address(192, 0, 2, 8);
    EXPECT_EQ(table.find(other), nullptr);
    other = base;
    other.remote.port = 40001;
    EXPECT_EQ(table.find(other), nullptr);
    EXPECT_EQ(table.find({base.remote, base.local}), nullptr)
        << "the mirrored four-tuple is another";
}

TEST(ConnectionTable, ASecondEntryOfAFourTupleIsRefused) {
    ConnectionTable table(key_a);
    Entry first(numbered(7), EntryKind::connection);
    Entry second(numbered(7), EntryKind::time_wait);
    EXPECT_TRUE(table.insert(first));
    EXPECT_FALSE(table.insert(second));
    EXPECT_FALSE(table.insert(first));
    EXPECT_EQ(table.find(numbered(7)), &first);
    EXPECT_EQ(table.size(), 1u);
}

TEST(ConnectionTable, EraseTakesThatEntryAndNotItsTwin) {
    ConnectionTable table(key_a);
    Entry inside(numbered(7), EntryKind::connection);
    const Entry twin(numbered(7), EntryKind::connection);
    ASSERT_TRUE(table.insert(inside));
    EXPECT_FALSE(table.erase(twin));
    EXPECT_EQ(table.find(numbered(7)), &inside);
    EXPECT_TRUE(table.erase(inside));
    EXPECT_FALSE(table.erase(inside));
    EXPECT_EQ(table.find(numbered(7)), nullptr);
    EXPECT_EQ(table.size(), 0u);
}

TEST(ConnectionTable, ReplacePutsTheConnectionWhereTheHalfOpenRecordWas) {
    ConnectionTable table(key_a);
    auto others = entries(1000);
    for (auto& entry : others)
        ASSERT_TRUE(table.insert(*entry));
    Entry connection(numbered(500), EntryKind::connection);
    table.replace(*others[500], connection);
    EXPECT_EQ(table.find(numbered(500)), &connection);
    EXPECT_EQ(table.size(), 1000u);
    EXPECT_FALSE(table.erase(*others[500]));
    EXPECT_TRUE(table.erase(connection));
    EXPECT_EQ(table.find(numbered(500)), nullptr);
}

// A run of random operations over `range` four-tuples, compared with std::map after every one.
class ModelRun {
  public:
    ModelRun(std::uint64_t seed, std::uint32_t range)
        : random_(Seed::from(seed)), table_(key_a), range_(range) {}

    void step(std::uint32_t insert_percent) {
        const FourTuple four_tuple = numbered(random_.below(range_));
        const auto known = model_.find(four_tuple);
        Entry* const expected = known == model_.end() ? nullptr : known->second.get();
        ASSERT_EQ(table_.find(four_tuple), expected);
        if (random_.below(100) < insert_percent) {
            insert(four_tuple, expected != nullptr);
        } else if (random_.below(4) == 0 && expected != nullptr) {
            auto successor = std::make_unique<Entry>(four_tuple, EntryKind::time_wait);
            table_.replace(*expected, *successor);
            ASSERT_EQ(table_.find(four_tuple), successor.get());
            known->second = std::move(successor);
        } else if (expected != nullptr) {
            ASSERT_TRUE(table_.erase(*expected));
            ASSERT_EQ(table_.find(four_tuple), nullptr);
            model_.erase(known);
        }
        ASSERT_EQ(table_.size(), model_.size());
        if (table_.shape().growing) ++steps_while_growing_;
    }

    void compare_all() {
        for (const auto& [four_tuple, entry] : model_)
            ASSERT_EQ(table_.find(four_tuple), entry.get());
        std::set<const Entry*> visited;
        table_.for_each([&](Entry& entry) {
            EXPECT_TRUE(visited.insert(&entry).second) << "visited twice";
            const auto known = model_.find(entry.four_tuple);
            ASSERT_NE(known, model_.end());
            EXPECT_EQ(known->second.get(), &entry);
        });
        EXPECT_EQ(visited.size(), model_.size());
    }

    std::size_t size() const { return model_.size(); }
    int steps_while_growing() const { return steps_while_growing_; }
    bool growing() const { return table_.shape().growing; }

  private:
    void insert(const FourTuple& four_tuple, bool taken) {
        auto entry = std::make_unique<Entry>(four_tuple, EntryKind::connection);
        ASSERT_EQ(table_.insert(*entry), !taken);
        if (!taken) model_.emplace(four_tuple, std::move(entry));
    }

    Random random_;
    ConnectionTable table_;
    std::uint32_t range_;
    std::map<FourTuple, std::unique_ptr<Entry>> model_;
    int steps_while_growing_ = 0;
};

TEST(ConnectionTable, AgreesWithAMapUnderRandomOperations) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(::testing::Message() << "seed " << seed);
        const auto range = static_cast<std::uint32_t>(20 * seed * seed);
        ModelRun run(seed, range);
        for (std::uint32_t i = 0; i < 5000; ++i) {
            // Filling up, emptying, and both in turn.
            ASSERT_NO_FATAL_FAILURE(run.step(i % 2000 < 1200 ? 80 : 20));
        }
        ASSERT_NO_FATAL_FAILURE(run.compare_all());
    }
}

TEST(ConnectionTable, AgreesWithAMapAtEveryStageOfAGrowthOverSegments) {
    ModelRun run(99, 400'000);  // several segments of buckets
    bool was_growing = false;
    int growths = 0;
    for (std::uint32_t i = 0; i < 260'000; ++i) {
        ASSERT_NO_FATAL_FAILURE(run.step(85));
        if (run.growing() && !was_growing) ++growths;
        was_growing = run.growing();
        if (i % 20'000 == 0) {
            ASSERT_NO_FATAL_FAILURE(run.compare_all());
        }
    }
    ASSERT_NO_FATAL_FAILURE(run.compare_all());
    EXPECT_GT(run.size(), std::size_t{4} * BucketArray::segment_buckets * Bucket::slots / 2);
    EXPECT_GT(growths, 10);
    EXPECT_GT(run.steps_while_growing(), 10'000);
}

TEST(ConnectionTable, ABatchFindsWhatSingleLookupsFind) {
    ConnectionTable table(key_a);
    auto inside = entries(20'000);
    Random random(Seed::from(5));
    std::vector<FourTuple> wanted;
    std::vector<Entry*> found;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        ASSERT_TRUE(table.insert(*inside[i]));
        if (i % 97 != 0) continue;
        wanted.resize(random.below(70));  // none, less than a batch, some batches, a remainder
        for (FourTuple& four_tuple : wanted)
            four_tuple = numbered(random.below(static_cast<std::uint32_t>(2 * i + 2)));
        found.assign(wanted.size() + 1, inside[0].get());
        table.find_batch(wanted, found);
        for (std::size_t n = 0; n < wanted.size(); ++n)
            ASSERT_EQ(found[n], table.find(wanted[n]));
        ASSERT_EQ(found.back(), inside[0].get()) << "beyond the burst nothing is written";
    }
}

TEST(ConnectionTable, NoOperationPaysForTheWholeTable) {
    // Each insertion takes at most a few segments' worth of memory and never two tables' worth: the
    // front of the old array goes back while the larger one is filled.
    ConnectionTable table(key_a);
    auto inside = entries(400'000);
    constexpr std::size_t segment_bytes =
        std::size_t{BucketArray::segment_buckets} * sizeof(Bucket);
    std::size_t before = table.memory_bytes();
    for (const auto& entry : inside) {
        ASSERT_TRUE(table.insert(*entry));
        const std::size_t now = table.memory_bytes();
        ASSERT_LE(now, before + 2 * segment_bytes) << "at " << table.size() << " entries";
        if (table.size() > 200'000) {
            ASSERT_LE(now, table.size() * 21) << "at " << table.size() << " entries";
        }
        before = now;
    }
    EXPECT_GT(table.memory_bytes(), table.size() * 64 / Bucket::slots);
}

TEST(ConnectionTable, ErasingAndInsertingForEverNeitherGrowsNorSlowsIt) {
    ConnectionTable table(key_a);
    auto inside = entries(200'000);
    constexpr std::size_t alive = 1000;
    for (std::size_t i = 0; i < alive; ++i)
        ASSERT_TRUE(table.insert(*inside[i]));
    const std::size_t memory = table.memory_bytes();
    for (std::size_t i = alive; i < inside.size(); ++i) {
        ASSERT_TRUE(table.erase(*inside[i - alive]));
        ASSERT_TRUE(table.insert(*inside[i]));
    }
    EXPECT_EQ(table.size(), alive);
    EXPECT_EQ(table.memory_bytes(), memory);
    EXPECT_LE(table.shape().longest_probe, 24u);
}

// What an attacker may pick: ports and addresses in any regular pattern.
TEST(ConnectionTable, WithstandsKeysThatAPeerChooses) {
    struct Pattern {
        const char* name;
        FourTuple (*make)(std::uint32_t n);
    };
    constexpr Pattern patterns[] = {
        {"one address, all ports",
         [](std::uint32_t n) { return tuple(0xc6120001, static_cast<Port>(n)); }},
        {"equal low bits", [](std::uint32_t n) { return tuple(n << 16, 40000); }},
        {"equal high bits", [](std::uint32_t n) { return tuple(0xc6120000 + n, 40000); }},
        {"sum of address and port constant",
         [](std::uint32_t n) { return tuple(0xc6120000 - n, static_cast<Port>(n)); }},
        {"address and port cancel by xor",
         [](std::uint32_t n) { return tuple(0xc6120000 ^ n, static_cast<Port>(n)); }},
        {"multiples of a table size", [](std::uint32_t n) { return tuple(n * 12288, 40000); }},
    };
    for (const Pattern& pattern : patterns) {
        SCOPED_TRACE(pattern.name);
        ConnectionTable table(key_a);
        std::vector<std::unique_ptr<Entry>> inside;
        for (std::uint32_t n = 0; n < 60'000; ++n) {
            inside.push_back(std::make_unique<Entry>(pattern.make(n), EntryKind::half_open));
            ASSERT_TRUE(table.insert(*inside.back()));
        }
        EXPECT_LE(table.shape().longest_probe, 24u);
    }
}

TEST(ConnectionTable, CollisionsUnderOneKeyAreNoneUnderAnother) {
    // Four-tuples that all meet in the first 1/256 of any table with key A.
    ConnectionTable known(key_a);
    ConnectionTable secret(key_b);
    std::vector<std::unique_ptr<Entry>> inside;
    for (std::uint32_t n = 0; inside.size() < 3000; ++n) {
        const FourTuple four_tuple = numbered(n);
        if (known.hash(four_tuple) >> 56 != 0) continue;
        inside.push_back(std::make_unique<Entry>(four_tuple, EntryKind::half_open));
        ASSERT_TRUE(known.insert(*inside.back()));
        ASSERT_TRUE(secret.insert(*inside.back()));
    }
    EXPECT_GT(known.shape().longest_probe, 100u) << "whoever knows the key can collide";
    EXPECT_LE(secret.shape().longest_probe, 24u) << "whoever does not know it cannot";
    // Even there, with saturated overflow counters, every answer is right.
    for (const auto& entry : inside)
        ASSERT_EQ(known.find(entry->four_tuple), entry.get());
    for (const auto& entry : inside) {
        ASSERT_TRUE(known.erase(*entry));
        ASSERT_EQ(known.find(entry->four_tuple), nullptr);
    }
    EXPECT_EQ(known.size(), 0u);
}

TEST(Bucket, ComparesAllTagsAtOnceWithAndWithoutSimd) {
    Random random(Seed::from(3));
    for (int round = 0; round < 20'000; ++round) {
        // Bytes from a small set, so that equal and almost equal neighbours are frequent.
        constexpr std::uint8_t bytes[] = {0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff};
        std::uint64_t control = 0;
        for (int i = 0; i < 8; ++i)
            control = control << 8 | bytes[random.below(8)];
        const std::uint8_t value = bytes[random.below(8)];
        std::uint64_t expected = 0;
        for (int i = 0; i < 8; ++i) {
            if (static_cast<std::uint8_t>(control >> (8 * i)) == value)
                expected |= std::uint64_t{0x80} << (8 * i);
        }
        ASSERT_EQ(equal_bytes_portable(control, value), expected);
        ASSERT_EQ(equal_bytes(control, value), expected);
    }
}

TEST(Bucket, ASaturatedOverflowCounterStays) {
    Bucket bucket;
    EXPECT_EQ(bucket.overflow(), 0);
    bucket.add_overflow();
    bucket.add_overflow();
    bucket.remove_overflow();
    EXPECT_EQ(bucket.overflow(), 1);
    for (int i = 0; i < 300; ++i)
        bucket.add_overflow();
    EXPECT_EQ(bucket.overflow(), Bucket::overflow_saturated);
    for (int i = 0; i < 300; ++i)
        bucket.remove_overflow();
    EXPECT_EQ(bucket.overflow(), Bucket::overflow_saturated);
    EXPECT_TRUE(bucket.taken().empty()) << "the counter is not a tag";
}

}  // namespace
}  // namespace berth::demux
