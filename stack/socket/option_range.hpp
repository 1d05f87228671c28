// Bounds on what a program may ask of a socket's buffers.
#pragma once

#include <algorithm>
#include <cstdint>

namespace berth::socket {

inline constexpr std::int64_t min_buffer_bytes = 2'048;  // as Linux's floors, in round
inline constexpr std::int64_t max_buffer_bytes =
    64 * 1024 * 1024;  // what a window can describe sensibly

constexpr std::uint32_t clamp_buffer(std::int64_t bytes) {
    return static_cast<std::uint32_t>(std::clamp(bytes, min_buffer_bytes, max_buffer_bytes));
}

}  // namespace berth::socket
