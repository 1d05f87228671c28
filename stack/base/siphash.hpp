// SipHash: a keyed hash that withstands chosen inputs (Aumasson and Bernstein, 2012).
//
// siphash_2_4 wherever an output can be seen on the wire (sequence numbers, ports); siphash_1_3 for
// tables, where only collisions matter.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace berth {

struct SipHashKey {
    std::uint64_t k0 = 0;
    std::uint64_t k1 = 0;
};

std::uint64_t siphash_2_4(const SipHashKey&, Bytes message);
std::uint64_t siphash_1_3(const SipHashKey&, Bytes message);
// The same as siphash_1_3 over the sixteen bytes of two little-endian words, without the byte loop.
std::uint64_t siphash_1_3(const SipHashKey&, std::uint64_t word0, std::uint64_t word1);

}  // namespace berth
