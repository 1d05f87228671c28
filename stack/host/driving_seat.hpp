// The driving seat: which thread runs the stack.
//
// Everything here happens under the core lock, except the waiting itself. A stack has one seat. Who
// holds it waits in the kernel for links, timers and wake-ups (EventSet), then takes the lock and
// serves the stack. The others that have to wait sleep, each on its own descriptor.
//
//   holder       who waits in the kernel
//   nobody       no one, for two milliseconds at most
//   application  a thread that is inside a blocking call: no hand-over on the fast path
//   background   the host's own thread: covers links and timers while no application thread is
//   inside
//
// 1  Taking. A thread that has to wait takes the seat if nobody holds it, or if the background
//    thread does: that one is asked to go (one write to its descriptor) and notices when it next
//    has the lock. It never serves without checking that it is still the holder.
// 2  Driving. The holder notes until when it will sleep, gives the lock back, waits, takes the lock
//    and serves; serving signals the waiters whose sockets became ready. Work that others bring
//    forward (an earlier deadline) pokes the event set. The note is made and read under the lock
//    and the poke is a descriptor that stays readable, so a poke between note and wait is not lost.
// 3  Leaving. When its call is over the holder leaves. If other threads wait, one of them is
// nudged:
//    it wakes and takes the seat, or finds it taken, or, if it leaves as well, nudges the next. So
//    as long as someone waits, someone drives or is on the way.
// 4  The background thread. A hand-over costs 14 to 36 microseconds, so a thread that leaves does
// not
//    wake the background thread; that one looks every millisecond (`grace`) and takes the seat
//    after it saw it empty twice without a take in between. Only when it has seen the same hold
//    last for 10 ms (`deep_sleep_after`) does it sleep without a timeout; then, and only then,
//    leaving wakes it (once: it goes back to looking every millisecond).
// 5  A waiter that cannot drive (it waits for several hosts at once) calls the background thread,
//    which takes the seat at once if it is empty, or when it becomes so.
//
// No lost wake-ups: a waiter looks at its sockets and starts to wait under one hold of the lock,
// and `signalled`, which ends its wait, is set under the lock. `asleep` says under the lock whether
// it needs a write to its descriptor, and `written` that there is one to drain.
//
// This interface is all that threads share in order to wait, so that a host whose users live in
// several processes can put another implementation behind it.
#pragma once

#include <poll.h>

#include <condition_variable>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "host/core_lock.hpp"
#include "host/event_set.hpp"

namespace berth::host {

// What is driven. Called with the core lock held.
class Driven {
  public:
    virtual ~Driven() = default;
    virtual Time now() const = 0;
    // When service() next has something to do without an event. In the past: at once.
    virtual Time next_deadline() = 0;
    // Receives, lets happen what was due, transmits, and signals the waiters that this concerns.
    virtual void service(std::span<const epoll_event> events) = 0;
};

// A thread that waits. It lives on the thread's stack and is registered while it waits.
class Waiter {
  public:
    explicit Waiter(bool can_drive = true) : can_drive_(can_drive) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Descriptors of the kernel's that end the wait as well (berth_poll).
    void set_kernel_descriptors(std::span<pollfd> fds) { kernel_fds_ = fds; }
    // Signal after every service: for conditions that no readiness tells of.
    void set_every_round(bool on) { every_round_ = on; }

    // For a waiter that sleeps by itself (can_drive false): what it sleeps on.
    static const WakeDescriptor& thread_descriptor();

  private:
    friend class DrivingSeat;

    std::span<pollfd> kernel_fds_{};
    const WakeDescriptor* wake_ = nullptr;
    bool can_drive_;
    bool every_round_ = false;
    bool signalled_ = false;
    bool asleep_ = false;
    bool written_ = false;
    bool registered_ = false;
};

enum class Woken : std::uint8_t { signalled, kernel_descriptor, timed_out, interrupted };

class DrivingSeat {
  public:
    static constexpr Duration grace = milliseconds(1);
    static constexpr Duration deep_sleep_after = milliseconds(10);

    DrivingSeat(CoreLock& lock, Driven& driven) : lock_(lock), driven_(driven) {}
    ~DrivingSeat() { stop(); }

    EventSet& events() { return events_; }
    // False: the system had no descriptors left; the seat cannot be used.
    bool is_usable() const { return events_.is_usable() && evict_; }

    // Lock not held.
    void start();
    void stop();

    // All others: with the lock held. A waiter enters, waits as often as it needs, and leaves.
    void enter(Waiter& waiter);
    void leave(Waiter& waiter);
    // Waits until the waiter is signalled, its kernel descriptors are ready, a signal handler ran,
    // or `deadline` is there. The lock is given back meanwhile.
    Woken wait(CoreGuard& guard, Waiter& waiter, Time deadline);

    void signal(Waiter& waiter);
    void signal_all();
    // Signals the waiters that asked to look after every service.
    void signal_every_round();
    // The next deadline may have come closer: whoever sleeps for longer is poked.
    void deadline_is(Time deadline);
    bool is_empty() const { return holder_ == Holder::nobody; }

    // For a waiter that sleeps by itself: after a signal it must be drained, under the lock.
    void begin_sleep(Waiter& waiter);
    bool end_sleep(Waiter& waiter);

    struct Counters {
        std::uint64_t rounds_application = 0;
        std::uint64_t rounds_background = 0;
        std::uint64_t evictions = 0;
        std::uint64_t nudges = 0;
        std::uint64_t background_wakes = 0;
    };
    const Counters& counters() const { return counters_; }

  private:
    enum class Holder : std::uint8_t { nobody, application, background };

    void take(Waiter& waiter);
    void vacate();
    Woken drive(CoreGuard& guard, Waiter& waiter, Time deadline);
    Woken sleep(CoreGuard& guard, Waiter& waiter, Time deadline);
    void call_background();
    Duration until(Time deadline) const;

    void run_background();
    void drive_background(CoreGuard& guard);
    void rest_background(CoreGuard& guard);

    // A `sleeps_until_` that no deadline is earlier than: nobody sleeps, or it was poked already.
    static constexpr Time awake{INT64_MIN};

    CoreLock& lock_;
    Driven& driven_;
    EventSet events_;

    Holder holder_ = Holder::nobody;
    Waiter* driver_ = nullptr;   // the application thread in the seat
    Time sleeps_until_ = awake;  // of the holder
    std::vector<Waiter*> waiters_;
    std::uint64_t takes_ = 0;  // by application threads

    WakeDescriptor evict_;  // only the background thread drains it
    bool evict_written_ = false;
    bool background_wanted_ = false;
    bool background_deep_ = false;
    std::uint64_t seen_takes_ = 0;
    Time seen_since_{};
    bool seen_empty_ = false;
    bool stop_ = false;
    std::condition_variable_any background_rest_;
    std::thread background_;
    Counters counters_;
};

// Enters and leaves.
class SeatVisit {
  public:
    SeatVisit(DrivingSeat& seat, Waiter& waiter) : seat_(seat), waiter_(waiter) {
        seat_.enter(waiter_);
    }
    SeatVisit(const SeatVisit&) = delete;
    SeatVisit& operator=(const SeatVisit&) = delete;
    ~SeatVisit() { seat_.leave(waiter_); }

  private:
    DrivingSeat& seat_;
    Waiter& waiter_;
};

}  // namespace berth::host
