// Half of a 64-bit count whose lower half somebody keeps anyway, as a difference of sequence
// numbers: how often that came round.
#pragma once

#include <cstdint>

namespace berth::tcp {

class WrapCount {
  public:
    // The lower half has moved forward, by less than 2^32.
    void follow(std::uint32_t before, std::uint32_t now) {
        if (now < before) ++wraps_;
    }
    std::uint64_t whole(std::uint32_t low) const { return std::uint64_t{wraps_} << 32 | low; }

  private:
    std::uint16_t wraps_ = 0;  // 281 TB in all
};

}  // namespace berth::tcp
