// What a peer can make us hold, and do, with segments ahead of a gap: bounded memory by true cost,
// and little work for each segment however the gaps lie (CVE-2018-5390, "SegmentSmack").
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/random.hpp"
#include "tcp/reassembly.hpp"

namespace berth::tcp {
namespace {

constexpr std::size_t megabyte = 1024 * 1024;

class OutOfOrderMemory : public ::testing::Test {
  protected:
    BufferPool pool;
    Reassembly held;

    KeptBytes bytes(std::uint32_t count) {
        KeptBytes kept;
        kept.buffer = pool.take(count);
        std::fill_n(kept.buffer.data(), count, std::uint8_t{1});
        kept.length = count;
        return kept;
    }
    Reassembly::Outcome insert(std::uint32_t at, std::uint32_t count, std::size_t limit) {
        return held.insert(SequenceNumber(at), bytes(count), limit, pool);
    }
};

TEST_F(OutOfOrderMemory, a_hundred_thousand_holes_cost_no_more_than_the_bound) {
    constexpr std::size_t limit = 12 * megabyte;
    std::size_t refused = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i)
        refused += insert(1 + 2 * i, 1, limit).held ? 0 : 1;
    EXPECT_LE(held.memory_bytes(), limit);
    EXPECT_LE(pool.outstanding() * BufferPool::small_block_bytes, limit);
    EXPECT_EQ(refused, 100'000 - held.islands());
    EXPECT_GT(held.islands(), 5000U);
}

TEST_F(OutOfOrderMemory, what_lies_furthest_goes_first_so_that_the_stream_goes_on) {
    constexpr std::size_t limit = 100 * (2048 + 160);
    // From far to near: each is nearer than all that is held, and so has its place.
    for (std::uint32_t i = 100'000; i > 0; --i)
        ASSERT_TRUE(insert(2 * i, 1, limit).held);
    EXPECT_LE(held.memory_bytes(), limit);
    EXPECT_EQ(held.islands(), 100U);
    EXPECT_TRUE(held.island_of(SequenceNumber(2)));
    EXPECT_TRUE(held.island_of(SequenceNumber(200)));
    EXPECT_FALSE(held.island_of(SequenceNumber(202)));
    // And what would be the furthest is refused.
    EXPECT_FALSE(insert(1000, 1, limit).held);
    EXPECT_EQ(insert(1, 1, limit).held, true);  // it joins its neighbour, in the neighbour's block
}

TEST_F(OutOfOrderMemory, neighbours_share_blocks) {
    for (std::uint32_t i = 0; i < 2000; ++i)
        ASSERT_TRUE(insert(1 + i, 1, megabyte).held);
    EXPECT_EQ(held.islands(), 1U);
    EXPECT_EQ(pool.outstanding(), 1U);
    // Backwards, too.
    for (std::uint32_t i = 0; i < 1000; ++i)
        ASSERT_TRUE(insert(100'000 - i, 1, megabyte).held);
    EXPECT_EQ(held.islands(), 2U);
    EXPECT_LE(held.memory_bytes(), megabyte);
}

TEST_F(OutOfOrderMemory, one_segment_over_many_holes_frees_what_they_cost) {
    for (std::uint32_t i = 0; i < 700; ++i)
        ASSERT_TRUE(insert(2 + 2 * i, 1, 2 * megabyte).held);
    EXPECT_EQ(pool.outstanding(), 700U);
    ASSERT_TRUE(insert(1, 1401, 2 * megabyte).held);
    EXPECT_EQ(held.islands(), 1U);
    EXPECT_LE(pool.outstanding(), 2U);
    std::uint32_t length = 0;
    for (const KeptBytes& chunk : held.take_at(SequenceNumber(1)))
        length += chunk.length;
    EXPECT_EQ(length, 1401U);
    EXPECT_TRUE(held.empty());
    EXPECT_EQ(held.memory_bytes(), 0U);
    EXPECT_EQ(pool.outstanding(), 0U);
}

TEST_F(OutOfOrderMemory, beyond_the_end_of_the_stream_nothing_is_kept) {
    ASSERT_TRUE(insert(10, 100, megabyte).held);
    ASSERT_TRUE(insert(200, 100, megabyte).held);
    held.cut_at(SequenceNumber(50));
    EXPECT_EQ(held.islands(), 1U);
    EXPECT_EQ(held.island_of(SequenceNumber(10))->end, SequenceNumber(50));
    held.cut_at(SequenceNumber(10));
    EXPECT_TRUE(held.empty());
    EXPECT_EQ(held.memory_bytes(), 0U);
}

// Four times the holes must not take sixteen times as long. The order is the worst for a list or an
// array: each goes in front of, or between, all that is there.
TEST_F(OutOfOrderMemory, the_work_for_a_segment_hardly_grows_with_the_holes_cve_2018_5390) {
    const auto time_for = [](std::uint32_t holes) {
        BufferPool blocks;
        Reassembly early;
        Random random(Seed::from(7));
        std::vector<std::uint32_t> order;
        for (std::uint32_t i = 0; i < holes; ++i)
            order.push_back(1 + 2 * i);
        for (std::uint32_t i = holes; i > 1; --i)
            std::swap(order[i - 1], order[random.below(i)]);
        const auto begin = std::chrono::steady_clock::now();
        for (const std::uint32_t at : order) {
            KeptBytes kept;
            kept.buffer = blocks.take(1);
            kept.length = 1;
            early.insert(SequenceNumber(at), std::move(kept), std::size_t{1} << 40, blocks);
        }
        EXPECT_EQ(early.islands(), holes);
        return std::chrono::steady_clock::now() - begin;
    };
    const auto best_of = [&](std::uint32_t holes) {
        auto best = time_for(holes);
        for (int i = 0; i < 4; ++i)
            best = std::min(best, time_for(holes));
        return best;
    };
    EXPECT_LT(best_of(16'000), 11 * best_of(4'000));
}

}  // namespace
}  // namespace berth::tcp
