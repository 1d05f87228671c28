#include "host/clock.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace berth::host {

namespace {

std::int64_t read_clock(clockid_t which) {
    timespec t{};
    ::clock_gettime(which, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

std::int64_t monotonic_ns() {
    return read_clock(CLOCK_MONOTONIC);
}

std::int64_t wall_offset_ns() {
    return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
}

Seed system_seed() {
    Seed seed;
    // Up to 256 bytes come whole or not at all (getrandom(2)); only a signal during boot
    // interrupts.
    while (::getrandom(seed.words.data(), sizeof seed.words, 0) !=
           static_cast<ssize_t>(sizeof seed.words)) {
        if (errno != EINTR) std::abort();
    }
    return seed;
}

}  // namespace berth::host
