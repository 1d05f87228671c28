// The input as a source of choices: when it has ended every choice is zero.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace berth::fuzz {

class Input {
  public:
    explicit Input(Bytes bytes) : rest_(bytes) {}

    bool empty() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const std::uint8_t value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }
    std::uint32_t below(std::uint32_t bound) { return byte() % bound; }
    std::uint16_t word() {
        const std::uint8_t high = byte();
        return static_cast<std::uint16_t>(high << 8 | byte());
    }
    std::uint32_t long_word() {
        const std::uint32_t high = word();
        return high << 16 | word();
    }
    // Around zero: -128 … 127.
    std::int32_t near() { return static_cast<std::int8_t>(byte()); }

  private:
    Bytes rest_;
};

}  // namespace berth::fuzz
