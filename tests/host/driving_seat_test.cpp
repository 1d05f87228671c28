// The driving seat against a fake stack: who drives, who sleeps, and that no wake-up is lost.
#include "host/driving_seat.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <map>
#include <thread>

#include "host/clock.hpp"

namespace berth::host {
namespace {

// Work for waiters comes in through an eventfd, as packets would; or at a time, as timers do.
class FakeStack final : public Driven {
  public:
    FakeStack() : seat(lock, *this) { seat.events().add(link.get(), 0); }

    Time now() const override { return Time{monotonic_ns()}; }
    Time next_deadline() override { return deadline; }
    void service(std::span<const epoll_event>) override {
        ++services;
        // As a device: whatever has come in so far.
        link.drain();
        const std::uint64_t arrived = sent.load();
        while (handled < arrived) {
            ++handled;
            ++available;
        }
        if (available > 0)
            for (Waiter* waiter : waiting)
                seat.signal(*waiter);
        if (deadline <= now()) {
            deadline = Time::never();
            ++timers;
            for (Waiter* waiter : waiting)
                seat.signal(*waiter);
        }
    }

    void send() {
        sent.fetch_add(1);
        link.write();
    }

    // Blocks until there is an item and takes it; false: the deadline came first.
    bool take_item(Time until) {
        CoreGuard guard(lock);
        if (available == 0) {
            Waiter waiter;
            const SeatVisit visit(seat, waiter);
            waiting.push_back(&waiter);
            Woken woken = Woken::signalled;
            while (available == 0 && woken != Woken::timed_out)
                woken = seat.wait(guard, waiter, until);
            std::erase(waiting, &waiter);
            if (available == 0) return false;
        }
        --available;
        return true;
    }

    CoreLock lock;
    WakeDescriptor link;
    std::atomic<std::uint64_t> sent{0};
    std::uint64_t handled = 0;
    std::uint64_t available = 0;
    std::uint64_t services = 0;
    std::uint64_t timers = 0;
    Time deadline = Time::never();
    std::vector<Waiter*> waiting;
    DrivingSeat seat;
};

constexpr Duration patience = seconds(60);

Time later(const FakeStack& stack) {
    return stack.now() + patience;
}

TEST(DrivingSeat, ABlockedThreadDrivesItselfWithoutABackgroundThread) {
    FakeStack stack;  // seat.start() was not called: nobody else could serve
    stack.send();
    EXPECT_TRUE(stack.take_item(later(stack)));
    const CoreGuard guard(stack.lock);
    EXPECT_GE(stack.seat.counters().rounds_application, 1u);
    EXPECT_EQ(stack.seat.counters().rounds_background, 0u);
    EXPECT_TRUE(stack.seat.is_empty());
}

TEST(DrivingSeat, AWaitEndsAtItsDeadline) {
    FakeStack stack;
    const Time before = stack.now();
    EXPECT_FALSE(stack.take_item(before + milliseconds(3)));
    EXPECT_GE(stack.now() - before, milliseconds(3));
}

TEST(DrivingSeat, TheBackgroundThreadServesWhenNobodyIsInside) {
    FakeStack stack;
    stack.seat.start();
    stack.send();
    for (;;) {
        const CoreGuard guard(stack.lock);
        if (stack.handled == 1) break;
    }
    const CoreGuard guard(stack.lock);
    EXPECT_GE(stack.seat.counters().rounds_background, 1u);
}

TEST(DrivingSeat, TheBackgroundThreadKeepsTimers) {
    FakeStack stack;
    stack.seat.start();
    {
        const CoreGuard guard(stack.lock);
        stack.deadline = stack.now() + milliseconds(2);
        stack.seat.deadline_is(stack.deadline);
    }
    for (;;) {
        const CoreGuard guard(stack.lock);
        if (stack.timers == 1) break;
    }
}

TEST(DrivingSeat, ABusyCallerDoesNotWakeTheBackgroundThread) {
    FakeStack stack;
    stack.seat.start();
    // Each turn is far shorter than the 10 ms after which the background thread sleeps deeply.
    for (int i = 0; i < 2000; ++i) {
        stack.send();
        ASSERT_TRUE(stack.take_item(later(stack)));
    }
    const CoreGuard guard(stack.lock);
    // A pause of this test's thread can let it fall asleep, but hardly ever.
    EXPECT_LT(stack.seat.counters().background_wakes, 200u);
}

TEST(DrivingSeat, AnEarlierDeadlineReachesAThreadThatSleepsInTheSeat) {
    FakeStack stack;
    stack.seat.start();
    std::atomic<bool> done{false};
    std::thread driver([&] {
        stack.take_item(later(stack));
        done = true;
    });
    for (;;) {  // until it sits
        const CoreGuard guard(stack.lock);
        if (stack.seat.counters().rounds_application > 0) break;
    }
    {
        const CoreGuard guard(stack.lock);
        stack.deadline = stack.now();
        stack.seat.deadline_is(stack.deadline);
    }
    for (;;) {
        const CoreGuard guard(stack.lock);
        if (stack.timers == 1) break;
    }
    EXPECT_FALSE(done);
    stack.send();
    driver.join();
}

TEST(DrivingSeat, KernelDescriptorsEndAWait) {
    FakeStack stack;
    const WakeDescriptor other;
    other.write();
    pollfd kernel{other.get(), POLLIN, 0};
    CoreGuard guard(stack.lock);
    Waiter waiter;
    waiter.set_kernel_descriptors({&kernel, 1});
    const SeatVisit visit(stack.seat, waiter);
    EXPECT_EQ(stack.seat.wait(guard, waiter, later(stack)), Woken::kernel_descriptor);
    EXPECT_EQ(kernel.revents, POLLIN);
}

TEST(DrivingSeat, AWaiterThatCannotDriveGetsTheBackgroundThread) {
    FakeStack stack;
    stack.seat.start();
    Waiter waiter(false);
    {
        const CoreGuard guard(stack.lock);
        stack.seat.enter(waiter);
        stack.waiting.push_back(&waiter);
        stack.seat.begin_sleep(waiter);
    }
    stack.send();
    pollfd own{Waiter::thread_descriptor().get(), POLLIN, 0};
    EXPECT_EQ(::poll(&own, 1, 60'000), 1);
    const CoreGuard guard(stack.lock);
    EXPECT_TRUE(stack.seat.end_sleep(waiter));
    stack.seat.leave(waiter);
    EXPECT_EQ(stack.seat.counters().rounds_application, 0u);
}

// Many threads wait for single items that come one at a time, at odd moments. Each item is sent
// only after the one before was taken, so a single lost wake-up leaves everybody waiting.
void stress(int threads, int items, bool background) {
    FakeStack stack;
    if (background) stack.seat.start();
    std::atomic<int> taken{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> pool;
    const auto work = [&](int number) {
        unsigned noise = static_cast<unsigned>(number) * 2654435761u + 1;
        while (taken.load() < items) {
            if (stack.take_item(later(stack))) {
                if (taken.fetch_add(1) + 1 < items)
                    stack.send();
                else
                    for (int i = 0; i < threads; ++i)
                        stack.send();  // lets the others go
            } else {
                lost.fetch_add(1);
                return;
            }
            noise = noise * 1664525u + 1013904223u;
            for (unsigned spin = noise >> 22; spin > 0; --spin)
                std::atomic_signal_fence(std::memory_order_seq_cst);
            if (noise >> 28 == 0) std::this_thread::yield();
        }
    };
    for (int i = 0; i < threads; ++i)
        pool.emplace_back(work, i);
    stack.send();
    for (std::thread& thread : pool)
        thread.join();
    EXPECT_EQ(lost, 0);
    EXPECT_GE(taken, items);
}

int scale() {
    const char* full = std::getenv("BERTH_TEST_FULL");
    return full != nullptr && full[0] == '1' ? 20 : 1;
}

TEST(DrivingSeatStress, TwoThreads) {
    stress(2, 20'000 * scale(), true);
}
TEST(DrivingSeatStress, EightThreads) {
    stress(8, 20'000 * scale(), true);
}
TEST(DrivingSeatStress, WithoutABackgroundThread) {
    stress(4, 20'000 * scale(), false);
}

}  // namespace
}  // namespace berth::host
