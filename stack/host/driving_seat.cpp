#include "host/driving_seat.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>

namespace berth::host {

namespace {

// ppoll(2) with a timeout as EventSet::wait has it.
int poll_precisely(std::span<pollfd> fds, Duration timeout) {
    const timespec t{static_cast<time_t>(timeout.ns / 1'000'000'000),
                     static_cast<long>(timeout.ns % 1'000'000'000)};
    return ::ppoll(fds.data(), static_cast<nfds_t>(fds.size()), timeout.ns < 0 ? nullptr : &t,
                   nullptr);
}

// Waits for one descriptor of the host's and those of the caller, whose results are filled in. The
// caller's array is left alone unless one of its descriptors is ready.
struct MixedPoll {
    int result = 0;
    bool own_ready = false;
    bool kernel_ready = false;
};

MixedPoll poll_with(int own, std::span<pollfd> kernel_fds, Duration timeout) {
    MixedPoll mixed;
    if (kernel_fds.empty()) {
        pollfd one{own, POLLIN, 0};
        mixed.result = poll_precisely({&one, 1}, timeout);
        mixed.own_ready = mixed.result > 0;
        return mixed;
    }
    thread_local std::vector<pollfd> all;
    all.assign(kernel_fds.begin(), kernel_fds.end());
    all.push_back({own, POLLIN, 0});
    mixed.result = poll_precisely(all, timeout);
    if (mixed.result <= 0) return mixed;
    mixed.own_ready = all.back().revents != 0;
    mixed.kernel_ready = mixed.result > (mixed.own_ready ? 1 : 0);
    for (std::size_t i = 0; i < kernel_fds.size(); ++i)
        kernel_fds[i].revents = all[i].revents;
    return mixed;
}

}  // namespace

const WakeDescriptor& Waiter::thread_descriptor() {
    thread_local WakeDescriptor descriptor;
    return descriptor;
}

void DrivingSeat::start() {
    background_ = std::thread([this] { run_background(); });
}

void DrivingSeat::stop() {
    if (!background_.joinable()) return;
    {
        CoreGuard guard(lock_);
        stop_ = true;
        evict_.write();
        background_rest_.notify_all();
    }
    background_.join();
}

Duration DrivingSeat::until(Time deadline) const {
    if (deadline.is_never()) return EventSet::without_end;
    const Time now = driven_.now();
    return deadline <= now ? Duration{0} : deadline - now;
}

// ---- application threads
// -------------------------------------------------------------------------

void DrivingSeat::enter(Waiter& waiter) {
    waiters_.push_back(&waiter);
    waiter.registered_ = true;
    // Rule 5.
    if (!waiter.can_drive_ && holder_ == Holder::nobody) call_background();
}

void DrivingSeat::leave(Waiter& waiter) {
    waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &waiter));
    waiter.registered_ = false;
    if (driver_ == &waiter) {
        driver_ = nullptr;
        holder_ = Holder::nobody;
    }
    if (holder_ == Holder::nobody) vacate();
}

// Rule 3, and the end of rule 4. Also run by a thread that leaves without having driven: it may
// have been the one that was nudged.
void DrivingSeat::vacate() {
    bool someone_waits = false;
    for (Waiter* other : waiters_) {
        if (!other->can_drive_) {
            someone_waits = true;
            continue;
        }
        ++counters_.nudges;
        if (other->asleep_ && !other->written_) {
            other->written_ = true;
            other->wake_->write();
        }
        return;
    }
    if (someone_waits) {
        call_background();
    } else if (background_deep_) {
        // Only out of its deep sleep: whoever leaves now is likely to be back within the grace.
        background_deep_ = false;
        ++counters_.background_wakes;
        background_rest_.notify_one();
    }
}

void DrivingSeat::call_background() {
    if (background_wanted_) return;
    background_wanted_ = true;
    background_deep_ = false;
    ++counters_.background_wakes;
    background_rest_.notify_one();
}

void DrivingSeat::take(Waiter& waiter) {
    if (holder_ == Holder::background && !evict_written_) {
        evict_written_ = true;
        ++counters_.evictions;
        evict_.write();
    }
    holder_ = Holder::application;
    driver_ = &waiter;
    background_wanted_ = false;
    ++takes_;
}

void DrivingSeat::signal(Waiter& waiter) {
    if (waiter.signalled_) return;
    waiter.signalled_ = true;
    if (waiter.asleep_) {
        if (!waiter.written_) {
            waiter.written_ = true;
            waiter.wake_->write();
        }
    } else if (driver_ == &waiter && sleeps_until_ != awake) {
        sleeps_until_ = awake;
        events_.poke();
    }
}

void DrivingSeat::signal_all() {
    for (Waiter* waiter : waiters_)
        signal(*waiter);
}

void DrivingSeat::signal_every_round() {
    for (Waiter* waiter : waiters_)
        if (waiter->every_round_) signal(*waiter);
}

void DrivingSeat::deadline_is(Time deadline) {
    if (deadline >= sleeps_until_) return;
    sleeps_until_ = awake;
    events_.poke();
}

Woken DrivingSeat::wait(CoreGuard& guard, Waiter& waiter, Time deadline) {
    Woken woken = Woken::signalled;
    while (!waiter.signalled_) {
        if (!deadline.is_never() && driven_.now() >= deadline) {
            woken = Woken::timed_out;
            break;
        }
        if (driver_ == &waiter) {
            woken = drive(guard, waiter, deadline);
        } else if (holder_ != Holder::application) {
            take(waiter);
            woken = drive(guard, waiter, deadline);
        } else {
            woken = sleep(guard, waiter, deadline);
        }
        if (woken == Woken::kernel_descriptor || woken == Woken::interrupted) break;
        woken = Woken::signalled;
    }
    waiter.signalled_ = false;
    return woken;
}

Woken DrivingSeat::drive(CoreGuard& guard, Waiter& waiter, Time deadline) {
    const Time wake_at = earlier(deadline, driven_.next_deadline());
    const Duration timeout = until(wake_at);
    sleeps_until_ = wake_at;
    ++counters_.rounds_application;
    guard.unlock();

    std::array<epoll_event, EventSet::events_at_once> events;
    std::size_t count = 0;
    Woken woken = Woken::timed_out;
    if (waiter.kernel_fds_.empty()) {
        const WaitEnd end = events_.wait(events, timeout, count);
        if (end == WaitEnd::interrupted) woken = Woken::interrupted;
    } else {
        const MixedPoll mixed = poll_with(events_.descriptor(), waiter.kernel_fds_, timeout);
        if (mixed.result < 0) woken = Woken::interrupted;
        if (mixed.kernel_ready) woken = Woken::kernel_descriptor;
        if (mixed.own_ready) count = events_.collect(events);
    }

    lock_.lock_politely();
    guard = CoreGuard(lock_, std::adopt_lock);
    sleeps_until_ = awake;
    driven_.service({events.data(), count});
    return woken;
}

void DrivingSeat::begin_sleep(Waiter& waiter) {
    waiter.wake_ = &Waiter::thread_descriptor();
    waiter.asleep_ = true;
}

bool DrivingSeat::end_sleep(Waiter& waiter) {
    waiter.asleep_ = false;
    if (waiter.written_) waiter.wake_->drain();
    waiter.written_ = false;
    const bool signalled = waiter.signalled_;
    waiter.signalled_ = false;
    return signalled;
}

Woken DrivingSeat::sleep(CoreGuard& guard, Waiter& waiter, Time deadline) {
    begin_sleep(waiter);
    if (!*waiter.wake_) deadline = earlier(deadline, driven_.now() + WakeDescriptor::look_again);
    const Duration timeout = until(deadline);
    guard.unlock();
    const MixedPoll mixed = poll_with(waiter.wake_->get(), waiter.kernel_fds_, timeout);
    guard.lock();
    waiter.asleep_ = false;
    if (waiter.written_) waiter.wake_->drain();
    waiter.written_ = false;
    if (mixed.result < 0) return Woken::interrupted;
    return mixed.kernel_ready ? Woken::kernel_descriptor : Woken::timed_out;
}

// ---- the background thread
// -----------------------------------------------------------------------

void DrivingSeat::run_background() {
    CoreGuard guard(lock_);
    while (!stop_) {
        if (holder_ == Holder::background)
            drive_background(guard);
        else
            rest_background(guard);
    }
    if (holder_ == Holder::background) holder_ = Holder::nobody;
}

void DrivingSeat::drive_background(CoreGuard& guard) {
    const Time wake_at = driven_.next_deadline();
    const Duration timeout = until(wake_at);
    sleeps_until_ = wake_at;
    ++counters_.rounds_background;
    guard.unlock();
    std::array<pollfd, 2> fds{{{events_.descriptor(), POLLIN, 0}, {evict_.get(), POLLIN, 0}}};
    poll_precisely(fds, timeout);
    lock_.lock_politely();
    guard = CoreGuard(lock_, std::adopt_lock);
    if (evict_written_) {
        evict_written_ = false;
        evict_.drain();
    }
    // Rule 1: `sleeps_until_` and the events are the new holder's if there is one.
    if (holder_ != Holder::background) return;
    sleeps_until_ = awake;
    std::array<epoll_event, EventSet::events_at_once> events;
    const std::size_t count = events_.collect(events);
    driven_.service({events.data(), count});
}

// Rule 4.
void DrivingSeat::rest_background(CoreGuard& guard) {
    const bool empty = holder_ == Holder::nobody;
    const bool unchanged = takes_ == seen_takes_;
    if (empty && (background_wanted_ || (unchanged && seen_empty_))) {
        holder_ = Holder::background;
        background_wanted_ = false;
        seen_empty_ = false;
        return;
    }
    const Time now = driven_.now();
    if (!unchanged) seen_since_ = now;
    seen_takes_ = takes_;
    seen_empty_ = empty;
    background_wanted_ = false;
    if (!empty && unchanged && now - seen_since_ > deep_sleep_after) {
        background_deep_ = true;
        background_rest_.wait(guard, [this] { return stop_ || !background_deep_; });
        return;
    }
    background_rest_.wait_for(guard, std::chrono::nanoseconds(grace.ns),
                              [this] { return stop_ || background_wanted_; });
}

}  // namespace berth::host
