// Moments in 32 bits, for what a connection remembers as long as it lives: enough to tell how long
// ago something was, for 71 minutes or 49 days.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace berth::tcp {

constexpr std::uint32_t micros_of(Time t) {
    return static_cast<std::uint32_t>(t.ns / 1'000);
}
constexpr std::uint32_t millis_of(Time t) {
    return static_cast<std::uint32_t>(t.ns / 1'000'000);
}
constexpr Duration since_micros(std::uint32_t then, Time now) {
    return microseconds(micros_of(now) - then);
}
constexpr Duration since_millis(std::uint32_t then, Time now) {
    return milliseconds(millis_of(now) - then);
}
// The moment itself, given any later one.
constexpr Time moment_of_millis(std::uint32_t then, Time now) {
    return Time{now.ns / 1'000'000 * 1'000'000} - since_millis(then, now);
}

}  // namespace berth::tcp
