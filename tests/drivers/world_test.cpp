#include "drivers/world/world.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace berth::drivers {
namespace {

using test::ethernet_frame;
using test::station;

// Sends back whatever it hears, up to a number of times, and notes when.
class Echo final : public WorldNode {
  public:
    Echo(link::LinkDevice& link, int replies) : link_(link), replies_(replies) {}
    void run(Time now) override {
        for (const auto& frame : test::receive_all(link_, now)) {
            heard_at.push_back(now);
            if (replies_ > 0) {
                --replies_;
                test::send(link_, frame, now);
            }
        }
    }
    Time next_deadline() const override { return Time::never(); }

    std::vector<Time> heard_at;

  private:
    link::LinkDevice& link_;
    int replies_;
};

// Runs at a fixed interval.
class Clock final : public WorldNode {
  public:
    explicit Clock(Duration interval) : interval_(interval) {}
    void run(Time now) override {
        ++ticks;
        next_ = now + interval_;
    }
    Time next_deadline() const override { return next_; }
    int ticks = 0;

  private:
    Duration interval_;
    Time next_{};
};

TEST(World, FramesTravelInVirtualTime) {
    CableOptions options;
    options.latency = milliseconds(10);
    Cable cable = Cable::make(options);
    Echo left(*cable.a, 3);
    Echo right(*cable.b, 3);
    World world;
    world.attach(left, *cable.a);
    world.attach(right, *cable.b);
    test::send(*cable.a, ethernet_frame(station(2), station(1)), Time{});
    EXPECT_EQ(world.next_event(), Time{} + milliseconds(10));
    EXPECT_EQ(world.run_until([] { return false; }, Time{} + seconds(9)), World::Outcome::idle);
    const auto at = [](std::int64_t ms) { return Time{} + milliseconds(ms); };
    EXPECT_EQ(right.heard_at, (std::vector<Time>{at(10), at(30), at(50), at(70)}));
    EXPECT_EQ(left.heard_at, (std::vector<Time>{at(20), at(40), at(60)}));
    EXPECT_EQ(world.now(), at(70));
    EXPECT_EQ(world.steps(), 7U);
}

TEST(World, StopsWhereItIsTold) {
    Clock clock(milliseconds(1));
    World world;
    world.add(clock);
    EXPECT_EQ(world.run_until(Time{} + microseconds(3'500)), World::Outcome::reached);
    EXPECT_EQ(clock.ticks, 4);
    EXPECT_EQ(world.now(), Time{} + microseconds(3'500));
    EXPECT_EQ(world.run_until([&] { return clock.ticks == 10; }, Time::never()),
              World::Outcome::reached);
    EXPECT_EQ(world.now(), Time{} + milliseconds(9));
    EXPECT_EQ(world.run_until([] { return false; }, Time::never(), 5),
              World::Outcome::out_of_steps);
    EXPECT_EQ(clock.ticks, 15);
}

TEST(World, EmptyWorldPassesTheTime) {
    World world(Time{5});
    EXPECT_EQ(world.run_until([] { return false; }, Time{9}), World::Outcome::idle);
    EXPECT_EQ(world.run_until(Time{9}), World::Outcome::reached);
    EXPECT_EQ(world.now(), Time{9});
}

TEST(World, NodeThatNeverLetsTimePassIsFound) {
    Clock clock(Duration{});
    World world;
    world.add(clock);
    EXPECT_EQ(world.run_until(Time{} + seconds(1)), World::Outcome::spinning);
}

TEST(World, ImpairedCableRepeatsWithItsSeed) {
    const auto run = [](std::uint64_t seed) {
        ImpairmentOptions impairment;
        impairment.loss_ppm = 50'000;
        impairment.delay = milliseconds(5);
        impairment.jitter = milliseconds(3);
        ImpairedCable cable = make_impaired_cable({}, impairment, Seed::from(seed));
        Echo left(*cable.a, 1'000);
        Echo right(*cable.b, 1'000);
        World world;
        world.attach(left, *cable.a);
        world.attach(right, *cable.b);
        for (std::uint8_t i = 0; i < 20; ++i) {
            test::send(*cable.a, ethernet_frame(station(2), station(1), 60, i), Time{});
        }
        world.run_until(Time{} + seconds(60));
        return std::pair{left.heard_at, right.heard_at};
    };
    const auto first = run(1);
    EXPECT_EQ(first, run(1));
    EXPECT_NE(first, run(2));
    EXPECT_GT(first.first.size(), 20U);
}

}  // namespace
}  // namespace berth::drivers
