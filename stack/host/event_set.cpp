#include "host/event_set.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace berth::host {

namespace {

// How long in whole milliseconds, rounded up so that a wait never ends early and spins.
int milliseconds_up(Duration timeout) {
    if (timeout.ns < 0) return -1;
    constexpr std::int64_t longest = 1'000'000'000;  // 11 days; the caller looks again then
    const std::int64_t ms = timeout.ns / 1'000'000 + (timeout.ns % 1'000'000 != 0 ? 1 : 0);
    return static_cast<int>(ms < longest ? ms : longest);
}

int wait_precisely(int epoll, epoll_event* events, int capacity, Duration timeout) {
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 35)
    static std::atomic<bool> missing{false};  // Linux before 5.11, and some sandboxes
    if (!missing.load(std::memory_order_relaxed)) {
        const timespec t{static_cast<time_t>(timeout.ns / 1'000'000'000),
                         static_cast<long>(timeout.ns % 1'000'000'000)};
        const int n =
            ::epoll_pwait2(epoll, events, capacity, timeout.ns < 0 ? nullptr : &t, nullptr);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n;
        missing.store(true, std::memory_order_relaxed);
    }
#endif
#endif
    return ::epoll_wait(epoll, events, capacity, milliseconds_up(timeout));
}

}  // namespace

WakeDescriptor::WakeDescriptor() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void WakeDescriptor::write() const {
    const std::uint64_t one = 1;
    // It fails only when the counter is full: then the descriptor is readable already.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void WakeDescriptor::drain() const {
    std::uint64_t counter = 0;
    [[maybe_unused]] const auto got = ::read(fd_.get(), &counter, sizeof counter);
}

EventSet::EventSet()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      usable_(epoll_ && wake_ && add(wake_.get(), wake_tag)) {}

bool EventSet::add(int fd, std::uint32_t tag) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = tag;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventSet::want_write(int fd, std::uint32_t tag, bool on) {
    epoll_event event{};
    event.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.u32 = tag;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventSet::remove(int fd) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void EventSet::poke() {
    if (!poked_.exchange(true, std::memory_order_acq_rel)) wake_.write();
}

std::size_t EventSet::filter(std::span<epoll_event> events, std::size_t count) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (events[i].data.u32 != wake_tag) {
            events[kept++] = events[i];
            continue;
        }
        // Drain first, clear second. The other way round, a poke in between would be swallowed with
        // the flag left set, and every later one would think that it had been written already.
        wake_.drain();
        poked_.exchange(false, std::memory_order_acq_rel);
    }
    return kept;
}

WaitEnd EventSet::wait(std::span<epoll_event> events, Duration timeout, std::size_t& count) {
    count = 0;
    const int n =
        wait_precisely(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    if (n < 0) return WaitEnd::interrupted;
    if (n == 0) return WaitEnd::timed_out;
    count = filter(events, static_cast<std::size_t>(n));
    return WaitEnd::events;
}

std::size_t EventSet::collect(std::span<epoll_event> events) {
    const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    return n <= 0 ? 0 : filter(events, static_cast<std::size_t>(n));
}

}  // namespace berth::host
