// What the host takes from the operating system so that the stack need not: time and randomness.
#pragma once

#include <cstdint>

#include "base/random.hpp"
#include "base/time.hpp"

namespace berth::host {

// CLOCK_MONOTONIC, in nanoseconds.
std::int64_t monotonic_ns();
// CLOCK_REALTIME minus CLOCK_MONOTONIC, in nanoseconds: turns the one into the other for captures.
std::int64_t wall_offset_ns();
// 256 bits of getrandom(2). Ends the process if the system has none: without them the numbers that
// leave on the wire could be guessed.
Seed system_seed();

}  // namespace berth::host
