// Randomness as the core knows it: an injected, seeded generator whose past outputs do not betray
// its future ones, because ports, sequence numbers and identifiers that leave on the wire are drawn
// from it (RFC 6056 §3, RFC 6528 §3). ChaCha with 12 rounds (RFC 8439 describes the 20-round form).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace berth {

// 256 bits. In production from the operating system; in tests spelled out, so that a run repeats.
struct Seed {
    std::array<std::uint32_t, 8> words{};
    static constexpr Seed from(std::uint64_t number) {
        Seed seed;
        seed.words[0] = static_cast<std::uint32_t>(number);
        seed.words[1] = static_cast<std::uint32_t>(number >> 32);
        return seed;
    }
};

class Random {
  public:
    explicit Random(const Seed& seed);

    std::uint32_t next_u32();
    std::uint64_t next_u64();
    // Uniform in [0, bound), without modulo bias; `bound` > 0.
    std::uint32_t below(std::uint32_t bound);
    // True with probability parts_per_million / 1,000,000.
    bool chance(std::uint32_t parts_per_million);
    // An independent generator: the same seed and label give the same stream, whatever else was
    // drawn.
    Random fork(std::uint64_t label) const;

  private:
    void refill();

    std::array<std::uint32_t, 16> state_{};
    std::array<std::uint32_t, 16> block_{};
    std::size_t used_ = 16;
};

}  // namespace berth
