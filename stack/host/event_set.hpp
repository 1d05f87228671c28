// The kernel epoll in which a host waits: the links' descriptors and a wake-up.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.hpp"
#include "drivers/unique_fd.hpp"

namespace berth::host {

// An eventfd. Where the system has no descriptor left for it, it is false and -1: who sleeps on it
// then looks again every `look_again` instead of losing a wake-up.
class WakeDescriptor {
  public:
    WakeDescriptor();
    static constexpr Duration look_again = milliseconds(1);

    explicit operator bool() const { return static_cast<bool>(fd_); }
    int get() const { return fd_.get(); }
    void write() const;
    void drain() const;

  private:
    drivers::UniqueFd fd_;
};

enum class WaitEnd : std::uint8_t { events, timed_out, interrupted };

class EventSet {
  public:
    EventSet();

    // False: the system had no descriptors left.
    bool is_usable() const { return usable_; }
    // Readable like any descriptor when something in the set is ready.
    int descriptor() const { return epoll_.get(); }

    // `tag` comes back with the descriptor's events. False: the kernel refused (a file that cannot
    // be polled).
    bool add(int fd, std::uint32_t tag);
    void want_write(int fd, std::uint32_t tag, bool on);
    void remove(int fd);

    // Ends the wait under way, or else the next one. Any thread, with or without the core lock.
    void poke();

    // Waits for at most `timeout` (negative: without end) and drains the wake-up. Only the holder
    // of the driving seat calls these. `count` gets how many of `events` were filled.
    WaitEnd wait(std::span<epoll_event> events, Duration timeout, std::size_t& count);
    std::size_t collect(std::span<epoll_event> events);

    static constexpr std::size_t events_at_once = 16;
    static constexpr Duration without_end{-1};

  private:
    std::size_t filter(std::span<epoll_event> events, std::size_t count);

    static constexpr std::uint32_t wake_tag = 0xffffffff;

    drivers::UniqueFd epoll_;
    WakeDescriptor wake_;
    bool usable_;
    // Set: somebody has written to wake_ (or is about to) since it was drained.
    std::atomic<bool> poked_{false};
};

}  // namespace berth::host
