// Byte ranges and network byte order. Callers have checked the length: these never look beyond it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace berth {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

constexpr std::uint16_t load_be16(Bytes b, std::size_t at) {
    return static_cast<std::uint16_t>(b[at] << 8 | b[at + 1]);
}
constexpr std::uint32_t load_be32(Bytes b, std::size_t at) {
    return std::uint32_t{b[at]} << 24 | std::uint32_t{b[at + 1]} << 16 |
           std::uint32_t{b[at + 2]} << 8 | b[at + 3];
}
constexpr void store_be16(MutableBytes b, std::size_t at, std::uint16_t v) {
    b[at] = static_cast<std::uint8_t>(v >> 8);
    b[at + 1] = static_cast<std::uint8_t>(v);
}
constexpr void store_be32(MutableBytes b, std::size_t at, std::uint32_t v) {
    store_be16(b, at, static_cast<std::uint16_t>(v >> 16));
    store_be16(b, at + 2, static_cast<std::uint16_t>(v));
}

}  // namespace berth
