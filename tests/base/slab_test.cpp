#include "base/slab.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <set>
#include <vector>

#include "base/random.hpp"

namespace berth {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool each_slot_alone = true;
#else
constexpr bool each_slot_alone = false;
#endif

struct Record {
    explicit Record(std::uint64_t value) { words.fill(value); }
    ~Record() { words.fill(~std::uint64_t{0}); }
    bool holds(std::uint64_t value) const {
        return std::all_of(words.begin(), words.end(), [&](auto word) { return word == value; });
    }
    std::array<std::uint64_t, 9> words;
};

TEST(Slab, RecordsLieApartAndKeepWhatTheyHold) {
    Slab<Record> slab;
    std::vector<Record*> records;
    for (std::uint64_t i = 0; i < 10'000; ++i)
        records.push_back(slab.create(i));
    EXPECT_EQ(slab.size(), records.size());
    EXPECT_EQ(std::set<Record*>(records.begin(), records.end()).size(), records.size());
    for (std::uint64_t i = 0; i < records.size(); ++i)
        ASSERT_TRUE(records[i]->holds(i));
    for (Record* record : records)
        slab.destroy(*record);
    EXPECT_EQ(slab.size(), 0U);
}

TEST(Slab, AMillionCostHardlyMoreThanTheirSize) {
    struct Small {
        std::array<std::uint64_t, 8> words{};
    };
    Slab<Small> slab;
    std::vector<Small*> records;
    constexpr std::size_t count = 200'000;
    for (std::size_t i = 0; i < count; ++i)
        records.push_back(slab.create());
    EXPECT_LE(slab.memory_bytes(), count * sizeof(Small) * 101 / 100);
    for (Small* record : records) {
        if (!each_slot_alone) {
            ASSERT_EQ(std::bit_cast<std::uintptr_t>(record) % 64, 0U);
        }
        slab.destroy(*record);
    }
}

#ifndef __SANITIZE_ADDRESS__  // under it there are no pages
TEST(Slab, EmptyPagesAreGivenBackButForAFew) {
    Slab<Record> slab;
    std::vector<Record*> records;
    for (std::uint64_t i = 0; i < 100'000; ++i)
        records.push_back(slab.create(i));
    EXPECT_GT(slab.memory_bytes(), 200 * SlabPages::page_bytes);
    Record* last = records.back();
    records.pop_back();
    for (Record* record : records)
        slab.destroy(*record);
    EXPECT_LE(slab.memory_bytes(), (SlabPages::empty_pages_kept + 1) * SlabPages::page_bytes);
    EXPECT_TRUE(last->holds(99'999));
    slab.destroy(*last);
    EXPECT_LE(slab.memory_bytes(), SlabPages::empty_pages_kept * SlabPages::page_bytes);
}

TEST(Slab, ChurnWithinOnePageAllocatesNothing) {
    Slab<Record> slab;
    slab.destroy(*slab.create(std::uint64_t{1}));
    const std::size_t before = slab.memory_bytes();
    for (std::uint64_t i = 0; i < 10'000; ++i)
        slab.destroy(*slab.create(i));
    EXPECT_EQ(slab.memory_bytes(), before);
}
#endif

// Against the simple model: which records there are, and what each holds.
TEST(Slab, DoesWhatTheModelDoes) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Random random(Seed::from(seed));
        Slab<Record> slab;
        std::vector<std::pair<Record*, std::uint64_t>> model;
        for (std::uint64_t step = 0; step < 50'000; ++step) {
            // Waves: it fills to several pages and empties again.
            const std::uint32_t percent_created = step / 5'000 % 2 == 0 ? 70 : 30;
            if (model.empty() || random.below(100) < percent_created) {
                model.emplace_back(slab.create(step), step);
                continue;
            }
            const std::size_t at = random.below(static_cast<std::uint32_t>(model.size()));
            ASSERT_TRUE(model[at].first->holds(model[at].second)) << "seed " << seed;
            slab.destroy(*model[at].first);
            model[at] = model.back();
            model.pop_back();
        }
        ASSERT_EQ(slab.size(), model.size());
        for (const auto& [record, value] : model) {
            ASSERT_TRUE(record->holds(value));
            slab.destroy(*record);
        }
    }
}

#ifndef __SANITIZE_ADDRESS__  // it would be a leak
TEST(Slab, WhatIsLeftGoesWithIt) {
    Slab<Record> slab;
    for (std::uint64_t i = 0; i < 5'000; ++i)
        static_cast<void>(slab.create(i));
}
#endif

TEST(Slab, AConstructorThatThrowsLeavesNothingBehind) {
    struct Thrower {
        explicit Thrower(bool throws) {
            if (throws) throw 1;
        }
        std::uint64_t word = 0;
    };
    Slab<Thrower> slab;
    EXPECT_THROW(static_cast<void>(slab.create(true)), int);
    EXPECT_EQ(slab.size(), 0U);
    Thrower* good = slab.create(false);
    EXPECT_EQ(slab.size(), 1U);
    slab.destroy(*good);
}

}  // namespace
}  // namespace berth
