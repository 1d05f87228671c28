// What test data consists of: each byte depends on its place in the stream, so that a lost, doubled
// or displaced byte is noticed wherever it happens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace berth::harness {

// Which stream: two directions never carry the same bytes.
enum class Source : std::uint8_t { app, peer };

constexpr std::uint8_t pattern_byte(Source source, std::uint64_t position) {
    std::uint64_t x = position * 2 + static_cast<std::uint64_t>(source) + 1;
    x *= 0x9e3779b97f4a7c15;
    return static_cast<std::uint8_t>(x >> 56);
}

inline std::vector<std::uint8_t> pattern(Source source, std::uint64_t position, std::size_t bytes) {
    std::vector<std::uint8_t> data(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        data[i] = pattern_byte(source, position + i);
    return data;
}

}  // namespace berth::harness
