#include "drivers/impairment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>

#include "drivers/cable.hpp"
#include "support.hpp"
#include "wire/ipv4.hpp"

namespace berth::drivers {
namespace {

using test::ethernet_frame;
using test::Frames;
using test::receive_all;
using test::send;
using test::station;

struct Pair {
    std::unique_ptr<ImpairedLink> near;
    std::unique_ptr<CableEnd> far;
};

Pair impaired(const ImpairmentOptions& options, std::uint64_t seed = 1,
              const CableOptions& cable_options = {}) {
    Cable cable = Cable::make(cable_options);
    Pair pair;
    pair.near = std::make_unique<ImpairedLink>(std::move(cable.a), options, Seed::from(seed));
    pair.far = std::move(cable.b);
    return pair;
}

// A frame whose payload is its number.
std::vector<std::uint8_t> numbered(std::uint32_t number) {
    auto frame = ethernet_frame(station(2), station(1), 60);
    store_be32(frame, 14, number);
    return frame;
}

// Sends `count` numbered frames a millisecond apart and receives them a second later.
std::vector<std::uint32_t> numbers_through(Pair& pair, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_TRUE(send(*pair.near, numbered(i), Time{} + milliseconds(i)));
        receive_all(*pair.near, Time{} + milliseconds(i));  // lets what is due leave
    }
    receive_all(*pair.near, Time{} + seconds(1'000));
    std::vector<std::uint32_t> numbers;
    for (const auto& frame : receive_all(*pair.far, Time{} + seconds(1'000))) {
        numbers.push_back(load_be32(frame, 14));
    }
    return numbers;
}

TEST(Impairment, NothingAskedNothingDone) {
    Pair pair = impaired({});
    const auto there = numbered(1);
    const auto back = numbered(2);
    EXPECT_TRUE(send(*pair.near, there));
    EXPECT_TRUE(send(*pair.far, back));
    EXPECT_EQ(receive_all(*pair.far), Frames{there});
    EXPECT_EQ(receive_all(*pair.near), Frames{back});
}

TEST(Impairment, LossComesNearItsProbabilityInEachDirection) {
    ImpairmentOptions options;
    options.loss_ppm = 100'000;
    CableOptions roomy;
    roomy.queue_frames = 20'000;
    Pair pair = impaired(options, 3, roomy);
    constexpr std::uint32_t count = 10'000;
    for (std::uint32_t i = 0; i < count; ++i) {
        send(*pair.near, numbered(i));
        send(*pair.far, numbered(i));
    }
    const std::size_t far = receive_all(*pair.far).size();
    const std::size_t near = receive_all(*pair.near).size();
    // Nine in ten of 10,000: the standard deviation is 30.
    EXPECT_NEAR(static_cast<double>(far), 9'000, 150);
    EXPECT_NEAR(static_cast<double>(near), 9'000, 150);
    EXPECT_EQ(pair.near->outward().lost, count - far);
    EXPECT_EQ(pair.near->inward().lost, count - near);
    EXPECT_EQ(pair.near->outward().frames, count);
    EXPECT_NE(pair.near->outward(), pair.near->inward()) << "the directions share no luck";
}

TEST(Impairment, SameSeedSameLuck) {
    ImpairmentOptions options;
    options.loss_ppm = 100'000;
    options.duplicate_ppm = 50'000;
    options.reorder_ppm = 100'000;
    options.jitter = milliseconds(2);
    options.delay = milliseconds(3);
    const auto run = [&](std::uint64_t seed) {
        Pair pair = impaired(options, seed);
        return numbers_through(pair, 800);
    };
    const auto first = run(5);
    EXPECT_EQ(first, run(5));
    EXPECT_NE(first, run(6));
}

TEST(Impairment, DuplicatesArriveTwice) {
    ImpairmentOptions options;
    options.duplicate_ppm = 50'000;
    Pair pair = impaired(options);
    const auto numbers = numbers_through(pair, 2'000);
    const std::set<std::uint32_t> distinct(numbers.begin(), numbers.end());
    EXPECT_EQ(distinct.size(), 2'000U);
    EXPECT_EQ(numbers.size(), 2'000U + pair.near->outward().duplicated);
    EXPECT_NEAR(static_cast<double>(pair.near->outward().duplicated), 100, 50);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST(Impairment, ReorderingLosesNothing) {
    ImpairmentOptions options;
    options.reorder_ppm = 100'000;
    Pair pair = impaired(options);
    auto numbers = numbers_through(pair, 2'000);
    ASSERT_EQ(numbers.size(), 2'000U);
    EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
    EXPECT_NEAR(static_cast<double>(pair.near->outward().reordered), 200, 70);
    std::sort(numbers.begin(), numbers.end());
    for (std::uint32_t i = 0; i < 2'000; ++i)
        ASSERT_EQ(numbers[i], i);
}

TEST(Impairment, DelayAndJitterKeepTheOrder) {
    ImpairmentOptions options;
    options.delay = milliseconds(20);
    options.jitter = milliseconds(5);
    Pair pair = impaired(options);
    std::set<std::int64_t> delays;
    for (std::uint32_t i = 0; i < 200; ++i) {
        const Time now = Time{} + seconds(i);
        ASSERT_TRUE(send(*pair.far, numbered(i), now));
        receive_all(*pair.near, now);
        const Duration delay = pair.near->next_arrival() - now;
        ASSERT_GE(delay, milliseconds(15));
        ASSERT_LE(delay, milliseconds(25));
        delays.insert(delay.ns);
        ASSERT_EQ(receive_all(*pair.near, now + delay - nanoseconds(1)).size(), 0U);
        ASSERT_EQ(receive_all(*pair.near, now + delay).size(), 1U);
    }
    EXPECT_GT(delays.size(), 100U) << "the delay does not vary";
    const auto numbers = numbers_through(pair, 500);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST(Impairment, RateSpacesFramesAndTheQueueOverflows) {
    ImpairmentOptions options;
    options.rate_bits_per_second = 8'000;  // a byte each millisecond
    options.queue_frames = 4;
    Pair pair = impaired(options);
    for (std::uint32_t i = 0; i < 6; ++i)
        send(*pair.near, numbered(i));  // 74 bytes each
    EXPECT_EQ(pair.near->outward().overflowed, 2U);
    EXPECT_EQ(pair.near->next_arrival(), Time{} + milliseconds(74));
    for (std::int64_t i = 1; i <= 4; ++i) {
        receive_all(*pair.near, Time{} + milliseconds(74 * i) - nanoseconds(1));
        EXPECT_EQ(receive_all(*pair.far, Time{} + seconds(9)).size(), 0U);
        receive_all(*pair.near, Time{} + milliseconds(74 * i));
        EXPECT_EQ(receive_all(*pair.far, Time{} + seconds(9)).size(), 1U);
    }
    EXPECT_TRUE(pair.near->next_arrival().is_never());
}

std::size_t differing_bits(Bytes a, Bytes b) {
    std::size_t bits = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        bits += static_cast<std::size_t>(std::popcount(static_cast<std::uint8_t>(a[i] ^ b[i])));
    }
    return bits;
}

TEST(Impairment, CorruptionFlipsOneBitInsideTheDatagram) {
    ImpairmentOptions options;
    options.corrupt_ppm = 1'000'000;
    Pair pair = impaired(options);
    // 40 bytes of datagram, then 6 of padding that must stay as they are.
    auto frame = ethernet_frame(station(2), station(1), 46, 0, 0x0800);
    wire::Ipv4Header header;
    header.total_length = 40;
    header.source = Ipv4Address(192, 0, 2, 1);
    header.destination = Ipv4Address(192, 0, 2, 2);
    wire::write(header, MutableBytes(frame).subspan(14));
    std::set<std::size_t> touched;
    for (int i = 0; i < 2'000; ++i) {
        ASSERT_TRUE(send(*pair.near, frame));
        const Frames got = receive_all(*pair.far);
        ASSERT_EQ(got.size(), 1U);
        ASSERT_EQ(got[0].size(), frame.size());
        ASSERT_EQ(differing_bits(got[0], frame), 1U);
        const auto where = std::mismatch(frame.begin(), frame.end(), got[0].begin()).first;
        touched.insert(static_cast<std::size_t>(where - frame.begin()));
    }
    EXPECT_EQ(*touched.begin(), 14U);
    EXPECT_EQ(*touched.rbegin(), 53U);
    EXPECT_EQ(touched.size(), 40U) << "every octet of the datagram is hit sooner or later";
    EXPECT_EQ(pair.near->outward().corrupted, 2'000U);
}

TEST(Impairment, CorruptionFindsTheDatagramBehindAVlanTag) {
    ImpairmentOptions options;
    options.corrupt_ppm = 1'000'000;
    Pair pair = impaired(options);
    auto frame = ethernet_frame(station(2), station(1), 50, 0, 0x8100);
    const MutableBytes behind = MutableBytes(frame).subspan(14);
    store_be16(behind, 0, 10);
    store_be16(behind, 2, 0x0800);
    wire::Ipv4Header header;
    header.total_length = 40;
    wire::write(header, behind.subspan(4));
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(send(*pair.near, frame));
        const Frames got = receive_all(*pair.far);
        ASSERT_EQ(got.size(), 1U);
        ASSERT_EQ(differing_bits(got[0], frame), 1U);
        const auto where = std::mismatch(frame.begin(), frame.end(), got[0].begin()).first;
        ASSERT_GE(where - frame.begin(), 18);
        ASSERT_LT(where - frame.begin(), 58);
    }
}

TEST(Impairment, FramesThatAreNoDatagramsAreSparedUnlessAskedFor) {
    ImpairmentOptions options;
    options.corrupt_ppm = 1'000'000;
    const auto arp = ethernet_frame(station(2), station(1), 46, 0, 0x0806);
    const std::vector<std::uint8_t> stump{1, 2, 3};
    Pair pair = impaired(options);
    send(*pair.near, arp);
    send(*pair.near, stump);
    EXPECT_EQ(receive_all(*pair.far), (Frames{arp, stump}));
    EXPECT_EQ(pair.near->outward().corrupted, 0U);

    options.flip_scope = FlipScope::frame;
    Pair any = impaired(options);
    send(*any.near, arp);
    EXPECT_EQ(differing_bits(receive_all(*any.far).at(0), arp), 1U);
}

TEST(Impairment, FrameRefusedBelowIsKept) {
    CableOptions narrow;
    narrow.queue_frames = 1;
    narrow.when_full = WhenFull::refuse;
    Pair pair = impaired({}, 1, narrow);
    for (std::uint32_t i = 0; i < 3; ++i)
        EXPECT_TRUE(send(*pair.near, numbered(i)));
    for (std::uint32_t i = 0; i < 3; ++i) {
        const Frames got = receive_all(*pair.far);
        ASSERT_EQ(got.size(), 1U);
        EXPECT_EQ(load_be32(got[0], 14), i);
        receive_all(*pair.near);
    }
}

}  // namespace
}  // namespace berth::drivers
