// The core lock: one mutex protects the stack of a host and all that belongs to it.
//
// A thread that drives the stack takes the lock again and again with hardly a pause; an ordinary
// mutex would let it win every race against a thread that has to be woken first. So the driver
// comes back politely: it lets those that already wait go first, for a bounded time.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

namespace berth::host {

class CoreLock {
  public:
    void lock() {
        if (mutex_.try_lock()) return;
        contenders_.fetch_add(1, std::memory_order_relaxed);
        mutex_.lock();
        contenders_.fetch_sub(1, std::memory_order_relaxed);
    }
    void unlock() { mutex_.unlock(); }

    void lock_politely() {
        for (int i = 0; i < courtesy_yields; ++i) {
            if (contenders_.load(std::memory_order_relaxed) == 0) break;
            std::this_thread::yield();
        }
        lock();
    }

  private:
    // About the time that the kernel takes to wake a thread: 14 … 36 microseconds were measured.
    static constexpr int courtesy_yields = 100;

    std::mutex mutex_;
    std::atomic<int> contenders_{0};
};

using CoreGuard = std::unique_lock<CoreLock>;

}  // namespace berth::host
