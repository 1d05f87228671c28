// The sender's parts as values: the estimator of the timeout (RFC 6298) and the buffer.
#include <gtest/gtest.h>

#include <deque>

#include "base/random.hpp"
#include "link/frame.hpp"
#include "tcp/rtt_estimator.hpp"
#include "tcp/send_buffer.hpp"
#include "tcp/sender.hpp"

namespace berth::tcp {
namespace {

constexpr Duration lowest = milliseconds(1);
constexpr Duration highest = seconds(60);

TEST(RttEstimatorTest, before_a_sample_it_is_the_initial_one_rfc6298_2_1) {
    const RttEstimator rtt(seconds(1));
    EXPECT_FALSE(rtt.has_sample());
    EXPECT_EQ(rtt.rto(0, highest), seconds(1));
}

TEST(RttEstimatorTest, the_first_sample_gives_three_round_trips_rfc6298_2_2) {
    RttEstimator rtt(seconds(1));
    rtt.sample(milliseconds(100), lowest, highest);
    EXPECT_EQ(rtt.srtt(), milliseconds(100));
    EXPECT_EQ(rtt.rttvar(), milliseconds(50));
    EXPECT_EQ(rtt.rto(0, highest), milliseconds(300));
}

TEST(RttEstimatorTest, a_later_one_is_blended_in_rfc6298_2_3) {
    RttEstimator rtt(seconds(1));
    rtt.sample(milliseconds(100), lowest, highest);
    rtt.sample(milliseconds(180), lowest, highest);
    EXPECT_EQ(rtt.rttvar(), microseconds(57'500));  // 3/4 · 50 + 1/4 · 80
    EXPECT_EQ(rtt.srtt(), milliseconds(110));       // 7/8 · 100 + 1/8 · 180
    EXPECT_EQ(rtt.rto(0, highest), milliseconds(340));
    rtt.sample(milliseconds(30), lowest, highest);
    EXPECT_EQ(rtt.rttvar(), microseconds(63'125));
    EXPECT_EQ(rtt.srtt(), milliseconds(100));
}

TEST(RttEstimatorTest, it_keeps_to_its_bounds_rfc6298_2_4_2_5) {
    RttEstimator rtt(seconds(1));
    rtt.sample(microseconds(50), milliseconds(200), highest);
    EXPECT_EQ(rtt.rto(0, highest), milliseconds(200));
    rtt.sample(seconds(500), milliseconds(200), highest);
    EXPECT_EQ(rtt.rto(0, highest), highest);
}

TEST(RttEstimatorTest, the_clock_is_no_finer_than_a_millisecond_rfc6298_2_3) {
    RttEstimator rtt(seconds(1));
    for (int i = 0; i < 100; ++i)
        rtt.sample(milliseconds(20), lowest, highest);
    EXPECT_EQ(rtt.rto(0, highest), milliseconds(21));
}

TEST(RttEstimatorTest, a_round_trip_of_nothing_is_a_sample_too_rfc6298_2_2) {
    RttEstimator rtt(seconds(1));
    rtt.sample({}, milliseconds(200), highest);
    EXPECT_TRUE(rtt.has_sample());
    for (int i = 0; i < 100; ++i)
        rtt.sample({}, milliseconds(200), highest);
    EXPECT_TRUE(rtt.has_sample());
    EXPECT_EQ(rtt.rto(0, highest), milliseconds(200));
}

TEST(RttEstimatorTest, each_timeout_doubles_it_up_to_the_maximum_rfc6298_5_5) {
    const RttEstimator rtt(seconds(1));
    EXPECT_EQ(rtt.rto(1, highest), seconds(2));
    EXPECT_EQ(rtt.rto(5, highest), seconds(32));
    EXPECT_EQ(rtt.rto(6, highest), highest);
    EXPECT_EQ(rtt.rto(255, highest), highest);
}

TEST(RttEstimatorTest, after_a_lost_syn_it_is_three_seconds_rfc6298_5_7) {
    RttEstimator rtt(seconds(1));
    rtt.fall_back_after_syn_loss(lowest, highest);
    EXPECT_EQ(rtt.rto(0, highest), seconds(3));
    rtt.sample(milliseconds(100), lowest, highest);
    rtt.fall_back_after_syn_loss(lowest, highest);
    EXPECT_EQ(rtt.rto(0, highest), milliseconds(300)) << "a measurement is better";
}

TEST(RttEstimatorTest, absurd_samples_do_not_overflow_it) {
    RttEstimator rtt(seconds(1));
    for (int i = 0; i < 20; ++i)
        rtt.sample(seconds(i % 2 == 0 ? 1'000'000'000 : -5), lowest, seconds(1'000'000));
    EXPECT_GT(rtt.srtt(), Duration{});
    EXPECT_LE(rtt.rto(20, seconds(1'000'000)), seconds(1'000'000));
}

TEST(ShortTimeTest, a_moment_is_found_again_though_32_bits_have_gone_round) {
    for (const std::int64_t begin_s : {0LL, 4'294'967LL, 4'294'967'000LL}) {
        const Time then = Time{} + seconds(begin_s) + milliseconds(123);
        const Time now = then + seconds(40LL * 24 * 3600);
        EXPECT_EQ(moment_of_millis(millis_of(then), now), then);
        EXPECT_EQ(since_millis(millis_of(then), now), seconds(40LL * 24 * 3600));
        EXPECT_EQ(since_micros(micros_of(then), then + seconds(4000)), seconds(4000));
    }
}

// Any sequence of appends, reads at any place and consumes gives the bytes of the stream.
TEST(SendBufferTest, it_is_a_stream_whatever_the_pieces) {
    Random random(Seed::from(7));
    SendBuffer buffer;
    std::deque<std::uint8_t> model;
    for (int step = 0; step < 3000; ++step) {
        std::vector<std::uint8_t> text(random.below(step % 7 == 0 ? 60'000 : 3'000));
        for (auto& byte : text)
            byte = static_cast<std::uint8_t>(random.below(256));
        const Bytes parts[] = {Bytes(text).first(text.size() / 3),
                               Bytes(text).subspan(text.size() / 3)};
        const std::size_t room = 200'000 > model.size() ? 200'000 - model.size() : 0;
        const std::size_t taken = buffer.append(parts, room);
        ASSERT_EQ(taken, std::min(room, text.size()));
        model.insert(model.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(taken));
        ASSERT_EQ(buffer.size(), model.size());
        if (model.empty()) {
            ASSERT_EQ(buffer.memory_bytes(), 0U);
            continue;
        }
        const auto offset = random.below(static_cast<std::uint32_t>(model.size()));
        const std::size_t length = 1 + random.below(static_cast<std::uint32_t>(
                                           std::min<std::size_t>(model.size() - offset, 1460)));
        link::OutFrame frame;
        buffer.slice_into(frame, offset, length);
        std::vector<std::uint8_t> read;
        for (const Bytes slice : frame.slices())
            read.insert(read.end(), slice.begin(), slice.end());
        ASSERT_TRUE(std::equal(read.begin(), read.end(), model.begin() + offset,
                               model.begin() + offset + static_cast<std::ptrdiff_t>(length)));
        const std::size_t gone = random.below(5) == 0
                                     ? model.size()
                                     : random.below(static_cast<std::uint32_t>(
                                           std::min<std::size_t>(model.size() + 1, 40'000)));
        buffer.consume(gone);
        model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(gone));
    }
}

}  // namespace
}  // namespace berth::tcp
