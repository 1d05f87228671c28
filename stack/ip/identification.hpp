// The IP identification field (RFC 791 §3.2, RFC 6864).
#pragma once

#include <array>
#include <cstdint>

#include "base/random.hpp"

namespace berth::ip {

// A number for each datagram that a router may fragment: none repeats before all 65,536 were used
// (RFC 6864 §4.3), and one does not betray the next, as a counter would (idle scans, RFC 7739). A
// four-round Feistel network permutes a counter.
class Identification {
  public:
    explicit Identification(Random random);
    std::uint16_t next();

  private:
    std::uint16_t counter_ = 0;
    std::array<std::array<std::uint8_t, 256>, 4> rounds_{};
};

}  // namespace berth::ip
