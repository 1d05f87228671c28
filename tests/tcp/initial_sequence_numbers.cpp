// RFC 6528 §3: ISN = M + F(four-tuple, secret), as a value: what one number says about another.
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "tcp/isn.hpp"

namespace berth::tcp {
namespace {

constexpr SipHashKey secret{0x0123'4567'89ab'cdef, 0xfedc'ba98'7654'3210};
constexpr FourTuple tuple{{Ipv4Address(192, 0, 2, 2), 80}, {Ipv4Address(198, 51, 100, 7), 40000}};
constexpr Time start{1'000'000'000};

std::uint32_t isn(const FourTuple& of, Time when = start, const SipHashKey& key = secret) {
    return initial_sequence_number(of, key, when).value;
}

TEST(InitialSequenceNumberValue, one_tuples_numbers_only_go_up_rfc9293_3_4_1_must_8) {
    SequenceNumber previous(isn(tuple));
    // Through several of its cycles of 4.8 hours, in steps of up to a quarter of one.
    Time now = start;
    for (const std::int64_t step_us :
         {4LL, 5LL, 1'000LL, 1'000'000LL, 60'000'000LL, 3'600'000'000LL, 4'000'000'000LL,
          4'000'000'000LL, 4'200'000'000LL, 7LL, 4'294'000'000LL}) {
        now = now + microseconds(step_us);
        const SequenceNumber next(isn(tuple, now));
        EXPECT_TRUE(after(next, previous)) << "after a step of " << step_us << " us";
        previous = next;
    }
}

TEST(InitialSequenceNumberValue, the_tick_is_4_microseconds_rfc9293_3_4_1) {
    EXPECT_EQ(isn(tuple, start + nanoseconds(3'999)), isn(tuple));
    EXPECT_EQ(isn(tuple, start + nanoseconds(4'000)), isn(tuple) + 1);
    // 2^32 ticks: a cycle of about 4.77 hours.
    EXPECT_EQ(isn(tuple, start + microseconds(4LL << 32)), isn(tuple));
}

// F takes in all of the four-tuple: each of its parts changes the number, and by an amount that
// says nothing about the next.
TEST(InitialSequenceNumberValue, each_part_of_the_tuple_counts_rfc6528_3) {
    std::set<std::uint32_t> numbers{isn(tuple)};
    std::set<std::uint32_t> steps;
    std::size_t drawn = 1;
    std::uint32_t previous = isn(tuple);
    for (std::uint32_t n = 1; n <= 50; ++n) {
        std::array<FourTuple, 4> others{tuple, tuple, tuple, tuple};
        others[0].local.address.value += n;
        others[1].local.port = static_cast<Port>(tuple.local.port + n);
        others[2].remote.address.value += n;
        others[3].remote.port = static_cast<Port>(tuple.remote.port + n);
        for (const FourTuple& other : others) {
            numbers.insert(isn(other));
            steps.insert(isn(other) - previous);
            previous = isn(other);
            ++drawn;
        }
    }
    EXPECT_EQ(numbers.size(), drawn);
    EXPECT_EQ(steps.size(), drawn - 1);
}

// Local and remote are not interchangeable: the two ends of one connection differ.
TEST(InitialSequenceNumberValue, both_ends_of_a_connection_differ_rfc6528_3) {
    EXPECT_NE(isn(tuple), isn({tuple.remote, tuple.local}));
}

TEST(InitialSequenceNumberValue, either_half_of_the_secret_counts_rfc6528_3) {
    EXPECT_NE(isn(tuple), isn(tuple, start, {secret.k0 ^ 1, secret.k1}));
    EXPECT_NE(isn(tuple), isn(tuple, start, {secret.k0, secret.k1 ^ 1}));
}

// Seen from one port, the numbers towards others are spread over the whole space: none of 16 parts
// gets less than a third or more than thrice its share of 4,000.
TEST(InitialSequenceNumberValue, what_one_client_sees_says_nothing_about_another_rfc6528_3) {
    std::array<int, 16> part{};
    for (std::uint32_t n = 1; n <= 4'000; ++n) {
        FourTuple other = tuple;
        other.remote.port = static_cast<Port>(1024 + n);
        ++part[(isn(other) - isn(tuple)) >> 28];
    }
    for (const int hits : part) {
        EXPECT_GT(hits, 83);
        EXPECT_LT(hits, 750);
    }
}

}  // namespace
}  // namespace berth::tcp
