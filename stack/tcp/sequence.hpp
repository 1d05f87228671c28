// Sequence numbers (RFC 9293 §3.4): a circle, so there is no `<`. Which of two comes first is only
// defined for numbers less than 2^31 apart, and the functions say so in their names.
#pragma once

#include <cstdint>

namespace berth::tcp {

struct SequenceNumber {
    std::uint32_t value = 0;

    constexpr SequenceNumber() = default;
    constexpr explicit SequenceNumber(std::uint32_t v) : value(v) {}

    constexpr bool operator==(const SequenceNumber&) const = default;
    constexpr SequenceNumber operator+(std::uint32_t n) const { return SequenceNumber(value + n); }
    constexpr SequenceNumber operator-(std::uint32_t n) const { return SequenceNumber(value - n); }
    constexpr SequenceNumber& operator+=(std::uint32_t n) {
        value += n;
        return *this;
    }
    // How many numbers from `b` to `a`, going up; meaningful when `a` is not before `b`.
    constexpr std::uint32_t operator-(SequenceNumber b) const { return value - b.value; }
};

constexpr bool before(SequenceNumber a, SequenceNumber b) {
    return static_cast<std::int32_t>(a.value - b.value) < 0;
}
constexpr bool after(SequenceNumber a, SequenceNumber b) {
    return before(b, a);
}
constexpr bool at_or_before(SequenceNumber a, SequenceNumber b) {
    return !after(a, b);
}
constexpr bool at_or_after(SequenceNumber a, SequenceNumber b) {
    return !before(a, b);
}
constexpr SequenceNumber later(SequenceNumber a, SequenceNumber b) {
    return after(a, b) ? a : b;
}

// first <= n < first + size, on the circle.
constexpr bool in_window(SequenceNumber n, SequenceNumber first, std::uint32_t size) {
    return n - first < size;
}

}  // namespace berth::tcp
