// Sequence numbers are a circle (RFC 9293 §3.4): what must hold of the comparisons everywhere on
// it.
#include "tcp/sequence.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace berth::tcp {
namespace {

constexpr int rounds = 100'000;

TEST(SequenceNumbers, of_two_different_ones_exactly_one_comes_first) {
    Random random(Seed::from(1));
    for (int i = 0; i < rounds; ++i) {
        const SequenceNumber a(random.next_u32());
        const std::uint32_t distance = 1 + random.below(0x7fff'ffff);
        const SequenceNumber b = a + distance;
        if (distance == 0x8000'0000) continue;
        ASSERT_TRUE(before(a, b));
        ASSERT_FALSE(before(b, a));
        ASSERT_TRUE(after(b, a));
        ASSERT_EQ(b - a, distance);
        ASSERT_EQ(later(a, b), b);
        ASSERT_EQ(later(b, a), b);
    }
}

TEST(SequenceNumbers, none_comes_before_itself) {
    Random random(Seed::from(2));
    for (int i = 0; i < rounds; ++i) {
        const SequenceNumber a(random.next_u32());
        ASSERT_FALSE(before(a, a));
        ASSERT_TRUE(at_or_before(a, a));
        ASSERT_TRUE(at_or_after(a, a));
    }
}

TEST(SequenceNumbers, the_order_does_not_depend_on_where_the_circle_begins) {
    Random random(Seed::from(3));
    for (int i = 0; i < rounds; ++i) {
        const SequenceNumber a(random.next_u32());
        const SequenceNumber b(random.next_u32());
        const std::uint32_t turn = random.next_u32();
        ASSERT_EQ(before(a, b), before(a + turn, b + turn));
        ASSERT_EQ(in_window(a, b, 1000), in_window(a + turn, b + turn, 1000));
    }
}

TEST(SequenceNumbers, a_window_holds_its_first_numbers_and_no_others) {
    Random random(Seed::from(4));
    for (int i = 0; i < rounds; ++i) {
        const SequenceNumber first(random.next_u32());
        const std::uint32_t size = random.below(1U << 30);
        const std::uint32_t offset = random.next_u32();
        ASSERT_EQ(in_window(first + offset, first, size), offset < size);
    }
    EXPECT_FALSE(in_window(SequenceNumber(5), SequenceNumber(5), 0));
}

TEST(SequenceNumbers, adding_and_subtracting_are_inverse) {
    Random random(Seed::from(5));
    for (int i = 0; i < rounds; ++i) {
        const SequenceNumber a(random.next_u32());
        const std::uint32_t n = random.next_u32();
        ASSERT_EQ(a + n - n, a);
        ASSERT_EQ((a + n) - a, n);
    }
}

}  // namespace
}  // namespace berth::tcp
