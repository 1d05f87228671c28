#include "base/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/random.hpp"

namespace berth {
namespace {

constexpr std::int64_t tick_ns = std::int64_t{1} << 16;

TEST(TimerWheel, IsNeverDueWhenNothingIsArmed) {
    TimerWheel wheel(Time{0});
    EXPECT_TRUE(wheel.next_deadline().is_never());
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(1'000'000)), nullptr);
}

TEST(TimerWheel, PopsAtTheDeadlineAndNotBefore) {
    for (const Duration wait :
         {nanoseconds(0), nanoseconds(1), microseconds(50), microseconds(66), milliseconds(3),
          milliseconds(200), seconds(3), minutes(2), minutes(60 * 24 * 365)}) {
        const Time start = Time{0} + seconds(1'700'000'000) + nanoseconds(12345);
        TimerWheel wheel(start);
        TimerEntry entry;
        EXPECT_FALSE(entry.is_armed());
        const Time deadline = start + wait;
        wheel.arm(entry, deadline);
        EXPECT_TRUE(entry.is_armed());
        EXPECT_LE(wheel.next_deadline(), deadline);
        EXPECT_EQ(wheel.pop_expired(deadline - nanoseconds(1)), nullptr) << wait.ns;
        EXPECT_EQ(wheel.next_deadline(), deadline) << "one tick before, it must be exact";
        EXPECT_EQ(wheel.pop_expired(deadline), &entry) << wait.ns;
        EXPECT_FALSE(entry.is_armed());
        EXPECT_EQ(wheel.pop_expired(deadline + seconds(1)), nullptr);
        EXPECT_TRUE(wheel.next_deadline().is_never());
    }
}

TEST(TimerWheel, PopsWhatWasArmedForThePast) {
    TimerWheel wheel(Time{0} + seconds(5));
    TimerEntry earlier_one;
    TimerEntry negative;
    wheel.arm(earlier_one, Time{0} + seconds(2));
    wheel.arm(negative, Time{-7});
    EXPECT_EQ(wheel.next_deadline(), Time{-7});
    EXPECT_NE(wheel.pop_expired(Time{0} + seconds(5)), nullptr);
    EXPECT_NE(wheel.pop_expired(Time{0} + seconds(5)), nullptr);
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(5)), nullptr);
}

TEST(TimerWheel, TheSameTickHoldsWhatIsDueAndWhatIsNot) {
    TimerWheel wheel(Time{0});
    TimerEntry first;
    TimerEntry second;
    wheel.arm(second, Time{10 * tick_ns + 200});
    wheel.arm(first, Time{10 * tick_ns + 100});
    EXPECT_EQ(wheel.next_deadline(), Time{10 * tick_ns + 100});
    EXPECT_EQ(wheel.pop_expired(Time{10 * tick_ns + 150}), &first);
    EXPECT_EQ(wheel.pop_expired(Time{10 * tick_ns + 150}), nullptr);
    EXPECT_EQ(wheel.next_deadline(), Time{10 * tick_ns + 200});
    EXPECT_EQ(wheel.pop_expired(Time{10 * tick_ns + 200}), &second);
}

// What is overdue lies in the slot of the current tick, whatever its deadline.
TEST(TimerWheel, AnOverdueEntryIsNotHiddenByOneThatWaitsToBePopped) {
    const Time now{100 * tick_ns};
    TimerWheel wheel(now);
    TimerEntry first;
    TimerEntry second;
    TimerEntry more_overdue;
    wheel.arm(first, Time{5});
    wheel.arm(second, Time{6});
    ASSERT_NE(wheel.pop_expired(now), nullptr);
    wheel.arm(more_overdue, Time{3});
    EXPECT_EQ(wheel.next_deadline(), Time{3});
}

TEST(TimerWheel, CancelledAndMovedEntriesKeepTheirWord) {
    TimerWheel wheel(Time{0});
    TimerEntry cancelled;
    TimerEntry later;
    TimerEntry sooner;
    wheel.arm(cancelled, Time{0} + milliseconds(5));
    wheel.arm(later, Time{0} + milliseconds(6));
    wheel.arm(sooner, Time{0} + seconds(9));
    wheel.cancel(cancelled);
    EXPECT_FALSE(cancelled.is_armed());
    wheel.arm(later, Time{0} + seconds(60));
    wheel.arm(sooner, Time{0} + milliseconds(7));
    EXPECT_EQ(wheel.pop_expired(Time{0} + milliseconds(6)), nullptr);
    EXPECT_EQ(wheel.pop_expired(Time{0} + milliseconds(7)), &sooner);
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(59)), nullptr);
    EXPECT_LE(wheel.next_deadline(), Time{0} + seconds(60));
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(60)), &later);
    wheel.cancel(later);  // armed no more: nothing happens
    EXPECT_TRUE(wheel.next_deadline().is_never());
}

TEST(TimerWheel, AnEntryThatIsDestroyedIsForgotten) {
    TimerWheel wheel(Time{0});
    TimerEntry kept;
    wheel.arm(kept, Time{0} + milliseconds(2));
    {
        TimerEntry gone;
        wheel.arm(gone, Time{0} + milliseconds(1));
        TimerEntry gone_too;
        wheel.arm(gone_too, Time{0} + milliseconds(2));
    }
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(1)), &kept);
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(1)), nullptr);
}

TEST(TimerWheel, AWheelThatIsDestroyedLetsGoOfItsEntries) {
    TimerEntry near_entry;
    TimerEntry far_entry;
    TimerEntry due;
    TimerEntry also_due;
    {
        TimerWheel wheel(Time{0});
        wheel.arm(near_entry, Time{0} + milliseconds(1));
        wheel.arm(far_entry, Time{0} + seconds(1000));
        wheel.arm(due, Time{1});
        wheel.arm(also_due, Time{1});
        ASSERT_NE(wheel.pop_expired(Time{1}), nullptr);  // the other one waits to be popped
    }
    for (const TimerEntry* entry : {&near_entry, &far_entry, &due, &also_due}) {
        EXPECT_FALSE(entry->is_armed());
    }
    TimerWheel other(Time{0});
    other.arm(near_entry, Time{5});
    EXPECT_EQ(other.pop_expired(Time{5}), &near_entry);
}

TEST(TimerWheel, AHandlerMayDestroyAnyOtherEntry) {
    TimerWheel wheel(Time{0});
    std::vector<std::unique_ptr<TimerEntry>> entries;
    for (int i = 0; i < 10; ++i) {
        entries.push_back(std::make_unique<TimerEntry>());
        wheel.arm(*entries.back(), Time{1});
    }
    const TimerEntry* const popped = wheel.pop_expired(Time{1});
    ASSERT_NE(popped, nullptr);
    entries.clear();
    EXPECT_EQ(wheel.pop_expired(Time{1}), nullptr);
}

// A clock that steps back must not make anything late, early or lost.
TEST(TimerWheel, SurvivesAClockThatStepsBack) {
    TimerWheel wheel(Time{0} + seconds(10));
    TimerEntry entry;
    wheel.arm(entry, Time{0} + seconds(4));
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(3)), nullptr);
    EXPECT_EQ(wheel.next_deadline(), Time{0} + seconds(4));
    EXPECT_EQ(wheel.pop_expired(Time{0} + seconds(4)), &entry);
}

// Whoever sleeps until next_deadline() again and again is woken early at most once a level.
TEST(TimerWheel, ReachesADeadlineInFewSteps) {
    Random random{Seed::from(11)};
    for (int round = 0; round < 500; ++round) {
        Time now{static_cast<std::int64_t>(random.next_u64() >> 3)};
        TimerWheel wheel(now);
        TimerEntry entry;
        const Time deadline = now + nanoseconds(static_cast<std::int64_t>(random.next_u64() >>
                                                                          (3 + random.below(58))));
        wheel.arm(entry, deadline);
        int steps = 0;
        TimerEntry* popped = wheel.pop_expired(now);
        while (popped == nullptr && steps <= 8) {
            ++steps;
            ASSERT_GT(wheel.next_deadline(), now) << "a step that leads nowhere";
            now = wheel.next_deadline();
            popped = wheel.pop_expired(now);
        }
        ASSERT_EQ(popped, &entry);
        ASSERT_EQ(now, deadline);
    }
}

// The simple model: a deadline per entry, and nothing else.
class WheelAndModel {
  public:
    WheelAndModel(std::uint64_t seed, Time start)
        : random_(Seed::from(seed)), now_(start), wheel_(start) {
        for (auto& slot : entries_)
            slot = std::make_unique<TimerEntry>();
    }

    void step() {
        const std::size_t at = random_.below(static_cast<std::uint32_t>(entries_.size()));
        switch (random_.below(8)) {
            case 0: wheel_.cancel(*entries_[at]); break;
            case 1: entries_[at] = std::make_unique<TimerEntry>(); break;
            case 2:
            case 3: advance(); break;
            default: arm(at); break;
        }
        if (random_.chance(20'000)) advance_to_next_deadline();
        check_next_deadline();
    }

  private:
    // All magnitudes from a nanosecond to two days, a few of them in the past.
    Duration some_duration() {
        const auto ns = static_cast<std::int64_t>(random_.next_u64() >> (17 + random_.below(47)));
        return nanoseconds(ns);
    }

    void arm(std::size_t at) {
        const bool past = random_.chance(50'000);
        wheel_.arm(*entries_[at], past ? now_ - some_duration() : now_ + some_duration());
    }

    void advance() {
        // Mostly short steps: the wheel must also be used while its entries are near.
        const Duration step = random_.chance(900'000) ? some_duration() / 1000 : some_duration();
        drain(now_ + step);
    }

    void advance_to_next_deadline() {
        const Time next = wheel_.next_deadline();
        if (!next.is_never() && next > now_) drain(next);
    }

    void drain(Time now) {
        now_ = now;
        std::vector<const TimerEntry*> due;
        for (const auto& entry : entries_) {
            if (entry->deadline() <= now_) due.push_back(entry.get());
        }
        while (TimerEntry* popped = wheel_.pop_expired(now_)) {
            const auto found = std::find(due.begin(), due.end(), popped);
            ASSERT_NE(found, due.end()) << "popped before its deadline, or twice";
            ASSERT_FALSE(popped->is_armed());
            due.erase(found);
            check_next_deadline();
            if (random_.chance(300'000)) {
                // The handler arms one that is not in question here.
                wheel_.arm(*popped, now_ + nanoseconds(1) + some_duration());
            }
            if (!due.empty() && random_.chance(50'000)) {
                wheel_.cancel(*find(due.back()));
                due.pop_back();
            } else if (!due.empty() && random_.chance(50'000)) {
                wheel_.arm(*find(due.back()), now_ + nanoseconds(1) + some_duration());
                due.pop_back();
            }
        }
        ASSERT_TRUE(due.empty()) << due.size() << " entries were due and not popped";
        ASSERT_GT(wheel_.next_deadline(), now_) << "who sleeps until then would spin";
    }

    TimerEntry* find(const TimerEntry* wanted) {
        for (const auto& entry : entries_) {
            if (entry.get() == wanted) return entry.get();
        }
        return nullptr;
    }

    void check_next_deadline() {
        Time earliest = Time::never();
        for (const auto& entry : entries_)
            earliest = earlier(earliest, entry->deadline());
        if (earliest.is_never()) {
            ASSERT_TRUE(wheel_.next_deadline().is_never());
        } else {
            ASSERT_LE(wheel_.next_deadline(), earliest) << "late";
        }
    }

    Random random_;
    Time now_;
    TimerWheel wheel_;
    std::array<std::unique_ptr<TimerEntry>, 60> entries_;
};

TEST(TimerWheel, DoesWhatTheModelDoes) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const std::int64_t epoch_s = seed % 3 == 0 ? 1'700'000'000 : seed % 3 == 1 ? 0 : -5;
        WheelAndModel both(seed, Time{0} + seconds(epoch_s));
        for (int i = 0; i < 5000; ++i) {
            both.step();
            ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed << ", step " << i;
        }
    }
}

// The cheapness that lazy re-arming promises: the wheel is not touched until the old slot comes up.
TEST(TimerWheel, RearmingForLaterLeavesTheSlotUntilItComesUp) {
    TimerWheel wheel(Time{0});
    TimerEntry entry;
    wheel.arm(entry, Time{0} + seconds(1));
    const Time slot_of_the_first = wheel.next_deadline();
    for (int i = 1; i <= 100; ++i)
        wheel.arm(entry, Time{0} + seconds(1) + milliseconds(i));
    EXPECT_EQ(wheel.next_deadline(), slot_of_the_first);
    EXPECT_EQ(wheel.pop_expired(slot_of_the_first), nullptr);
    EXPECT_GT(wheel.next_deadline(), slot_of_the_first);
    EXPECT_EQ(wheel.pop_expired(Time{0} + milliseconds(1100)), &entry);
}

}  // namespace
}  // namespace berth
