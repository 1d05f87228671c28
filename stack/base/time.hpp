// Time as the core knows it: an argument. Nanoseconds since an epoch that the embedder chooses; the
// core never reads a clock.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace berth {

struct Duration {
    std::int64_t ns = 0;

    constexpr std::int64_t microseconds() const { return ns / 1'000; }
    constexpr std::int64_t milliseconds() const { return ns / 1'000'000; }
    constexpr std::int64_t seconds() const { return ns / 1'000'000'000; }
    constexpr auto operator<=>(const Duration&) const = default;
};

constexpr Duration nanoseconds(std::int64_t n) {
    return {n};
}
constexpr Duration microseconds(std::int64_t n) {
    return {n * 1'000};
}
constexpr Duration milliseconds(std::int64_t n) {
    return {n * 1'000'000};
}
constexpr Duration seconds(std::int64_t n) {
    return {n * 1'000'000'000};
}
constexpr Duration minutes(std::int64_t n) {
    return seconds(60 * n);
}

constexpr Duration operator+(Duration a, Duration b) {
    return {a.ns + b.ns};
}
constexpr Duration operator-(Duration a, Duration b) {
    return {a.ns - b.ns};
}
constexpr Duration operator*(Duration a, std::int64_t n) {
    return {a.ns * n};
}
constexpr Duration operator*(std::int64_t n, Duration a) {
    return {a.ns * n};
}
constexpr Duration operator/(Duration a, std::int64_t n) {
    return {a.ns / n};
}

struct Time {
    std::int64_t ns = 0;

    // Later than every real time: the deadline of something that has none.
    static constexpr Time never() { return {std::numeric_limits<std::int64_t>::max()}; }
    constexpr bool is_never() const { return *this == never(); }
    constexpr auto operator<=>(const Time&) const = default;
};

constexpr Time operator+(Time t, Duration d) {
    return t.is_never() ? t : Time{t.ns + d.ns};
}
constexpr Time operator-(Time t, Duration d) {
    return t.is_never() ? t : Time{t.ns - d.ns};
}
constexpr Duration operator-(Time a, Time b) {
    return {a.ns - b.ns};
}
constexpr Time earlier(Time a, Time b) {
    return a < b ? a : b;
}

}  // namespace berth
