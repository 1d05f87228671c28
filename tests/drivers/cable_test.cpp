#include "drivers/cable.hpp"

#include <gtest/gtest.h>

#include "drivers/callback.hpp"
#include "support.hpp"

namespace berth::drivers {
namespace {

using test::ethernet_frame;
using test::receive_all;
using test::send;
using test::station;

TEST(Cable, CarriesFramesBothWaysInOrder) {
    Cable cable = Cable::make();
    const auto first = ethernet_frame(station(2), station(1), 1500, 1);
    const auto second = ethernet_frame(station(2), station(1), 3, 2);
    const auto back = ethernet_frame(station(1), station(2), 64, 3);
    EXPECT_TRUE(send(*cable.a, first));
    EXPECT_TRUE(send(*cable.a, second));
    EXPECT_TRUE(send(*cable.b, back));
    EXPECT_EQ(receive_all(*cable.b), (test::Frames{first, second}));
    EXPECT_EQ(receive_all(*cable.a), test::Frames{back});
    EXPECT_TRUE(receive_all(*cable.a).empty());
}

TEST(Cable, LatencyAndRateDecideTheArrival) {
    CableOptions options;
    options.latency = milliseconds(5);
    options.rate_bits_per_second = 8'000'000;  // a byte each microsecond
    Cable cable = Cable::make(options);
    const auto frame = ethernet_frame(station(2), station(1), 986);  // 1000 bytes: 1 ms
    EXPECT_TRUE(send(*cable.a, frame, Time{0}));
    EXPECT_TRUE(send(*cable.a, frame, Time{0}));
    EXPECT_EQ(cable.b->next_arrival(), Time{} + milliseconds(6));
    EXPECT_TRUE(receive_all(*cable.b, Time{} + milliseconds(6) - nanoseconds(1)).empty());
    EXPECT_EQ(receive_all(*cable.b, Time{} + milliseconds(6)).size(), 1U);
    EXPECT_EQ(cable.b->next_arrival(), Time{} + milliseconds(7));

    BufferPool pool;
    std::array<link::Frame, 4> burst;
    ASSERT_EQ(cable.b->receive(pool, burst, Time{} + milliseconds(50)), 1U);
    EXPECT_EQ(burst[0].arrival, Time{} + milliseconds(7)) << "the arrival is the wire's, not ours";
    EXPECT_TRUE(cable.b->next_arrival().is_never());
    EXPECT_TRUE(cable.a->next_arrival().is_never());
}

TEST(Cable, FullQueueDropsAndCounts) {
    CableOptions options;
    options.queue_frames = 3;
    Cable cable = Cable::make(options);
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(send(*cable.a, ethernet_frame(station(2), station(1))));
    EXPECT_EQ(cable.a->dropped(), 2U);
    EXPECT_EQ(receive_all(*cable.b).size(), 3U);
}

TEST(Cable, FullQueueRefusesIfAsked) {
    CableOptions options;
    options.queue_frames = 2;
    options.when_full = WhenFull::refuse;
    Cable cable = Cable::make(options);
    std::vector<link::OutFrame> burst(4);
    const auto bytes = ethernet_frame(station(2), station(1));
    for (link::OutFrame& frame : burst)
        frame.add_slice(bytes);
    EXPECT_EQ(cable.a->send(burst, Time{}), 2U);
    EXPECT_EQ(receive_all(*cable.b).size(), 2U);
    EXPECT_EQ(cable.a->send(std::span<const link::OutFrame>(burst).subspan(2), Time{}), 2U);
    EXPECT_EQ(cable.a->dropped(), 0U);
}

TEST(Cable, TheEndThatRemainsComesToItsEnd) {
    Cable cable = Cable::make();
    EXPECT_TRUE(send(*cable.a, ethernet_frame(station(2), station(1))));
    EXPECT_FALSE(cable.b->at_end());
    cable.a.reset();
    EXPECT_FALSE(cable.b->at_end()) << "a frame is still under way";
    EXPECT_EQ(receive_all(*cable.b).size(), 1U);
    EXPECT_TRUE(cable.b->at_end());
    EXPECT_TRUE(send(*cable.b, ethernet_frame(station(1), station(2)))) << "into nothing";
}

TEST(Cable, QueueGrowsAcrossItsWrap) {
    Cable cable = Cable::make();
    std::uint8_t sent = 0;
    std::uint8_t got = 0;
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 7; ++i) {
            ASSERT_TRUE(send(*cable.a, ethernet_frame(station(2), station(1), 20, sent++)));
        }
        BufferPool pool;
        std::array<link::Frame, 5> burst;
        const std::size_t count = cable.b->receive(pool, burst, Time{});
        ASSERT_EQ(count, burst.size());
        for (const link::Frame& frame : burst)
            ASSERT_EQ(frame.bytes()[14], got++);
    }
    EXPECT_EQ(receive_all(*cable.b).size(), 80U);
}

TEST(Cable, FrameTooLargeForAnyBlockIsDropped) {
    Cable cable = Cable::make();
    const std::vector<std::uint8_t> huge(BufferPool::large_block_bytes + 1);
    EXPECT_TRUE(send(*cable.a, huge));
    EXPECT_EQ(cable.a->dropped(), 1U);
    EXPECT_TRUE(cable.b->next_arrival().is_never());
}

TEST(Callback, FramesGoInAndOutThroughTheEmbeddersFunctions) {
    test::Frames out;
    std::vector<Time> emissions;
    bool willing = true;
    CallbackLink link({}, [&](Bytes frame, Time emission) {
        if (!willing) return false;
        out.emplace_back(frame.begin(), frame.end());
        emissions.push_back(emission);
        return true;
    });
    const auto frame = ethernet_frame(station(2), station(1), 100, 9);
    EXPECT_TRUE(send(link, frame, Time{42}));
    EXPECT_EQ(out, test::Frames{frame});
    EXPECT_EQ(emissions, std::vector<Time>{Time{42}});
    willing = false;
    EXPECT_FALSE(send(link, frame, Time{43})) << "a refused frame stays with the stack";

    EXPECT_TRUE(link.next_arrival().is_never());
    EXPECT_TRUE(link.inject(frame, Time{100}));
    EXPECT_TRUE(link.inject(frame, Time{90})) << "raised to the one before it";
    EXPECT_EQ(link.next_arrival(), Time{100});
    EXPECT_TRUE(receive_all(link, Time{99}).empty());
    EXPECT_EQ(receive_all(link, Time{100}), (test::Frames{frame, frame}));
}

TEST(Callback, QueueIsBounded) {
    CallbackLink link(
        {}, [](Bytes, Time) { return true; }, 2);
    const auto frame = ethernet_frame(station(2), station(1));
    EXPECT_TRUE(link.inject(frame, Time{}));
    EXPECT_TRUE(link.inject(frame, Time{}));
    EXPECT_FALSE(link.inject(frame, Time{}));
    EXPECT_FALSE(link.inject({}, Time{}));
    EXPECT_EQ(link.refused(), 2U);
    EXPECT_EQ(link.waiting(), 2U);
}

}  // namespace
}  // namespace berth::drivers
