#include "base/buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

namespace berth {
namespace {

TEST(BufferPool, GivesTheSmallestBlockThatHoldsTheBytes) {
    BufferPool pool;
    EXPECT_EQ(pool.take().capacity(), BufferPool::small_block_bytes);
    EXPECT_EQ(pool.take(0).capacity(), BufferPool::small_block_bytes);
    EXPECT_EQ(pool.take(BufferPool::small_block_bytes).capacity(), BufferPool::small_block_bytes);
    EXPECT_EQ(pool.take(BufferPool::small_block_bytes + 1).capacity(),
              BufferPool::large_block_bytes);
    EXPECT_EQ(pool.take(BufferPool::large_block_bytes).capacity(), BufferPool::large_block_bytes);
    EXPECT_FALSE(pool.take(BufferPool::large_block_bytes + 1));
    EXPECT_EQ(pool.outstanding(), 0U);
}

TEST(BufferPool, EveryByteOfABlockIsWritable) {
    BufferPool pool;
    for (const std::size_t bytes : {std::size_t{1}, BufferPool::large_block_bytes}) {
        Buffer buffer = pool.take(bytes);
        ASSERT_TRUE(buffer);
        ASSERT_EQ(buffer.bytes().size(), buffer.capacity());
        std::memset(buffer.data(), 0x5a, buffer.capacity());
        EXPECT_EQ(buffer.bytes().front(), 0x5a);
        EXPECT_EQ(buffer.bytes().back(), 0x5a);
    }
}

TEST(BufferPool, CountsWhatIsOutAndHandsABlockOutAgain) {
    BufferPool pool;
    Buffer first = pool.take();
    Buffer second = pool.take(BufferPool::large_block_bytes);
    EXPECT_EQ(pool.outstanding(), 2U);
    const std::uint8_t* const block = first.data();
    first.release();
    EXPECT_EQ(pool.outstanding(), 1U);
    EXPECT_FALSE(first);
    first.release();  // nothing left to release
    EXPECT_EQ(pool.outstanding(), 1U);
    const Buffer third = pool.take();
    EXPECT_EQ(third.data(), block);
    EXPECT_NE(third.data(), second.data());
}

TEST(BufferPool, BlocksInUseAreDistinct) {
    BufferPool pool;
    std::vector<Buffer> buffers;
    const std::size_t count = BufferPool::small_blocks_kept + 10;
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < count; ++i) {
            buffers.push_back(pool.take());
            std::memset(buffers.back().data(), static_cast<int>(i & 0xff),
                        buffers.back().capacity());
        }
        EXPECT_EQ(pool.outstanding(), count);
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(buffers[i].bytes().back(), i & 0xff) << "block " << i;
        }
        buffers.clear();  // more than the pool keeps
        EXPECT_EQ(pool.outstanding(), 0U);
    }
}

TEST(Buffer, MovesOwnershipAndLeavesNothingBehind) {
    BufferPool pool;
    Buffer from = pool.take();
    const std::uint8_t* const block = from.data();
    Buffer to = std::move(from);
    EXPECT_EQ(to.data(), block);
    EXPECT_FALSE(from);  // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_EQ(from.capacity(), 0U);
    EXPECT_EQ(pool.outstanding(), 1U);

    Buffer other = pool.take();
    other = std::move(to);  // gives its own block back
    EXPECT_EQ(other.data(), block);
    EXPECT_EQ(pool.outstanding(), 1U);

    Buffer& same = other;
    other = std::move(same);
    EXPECT_EQ(other.data(), block);
    EXPECT_EQ(pool.outstanding(), 1U);

    other = Buffer();
    EXPECT_EQ(pool.outstanding(), 0U);
}

}  // namespace
}  // namespace berth
