// Initial sequence numbers: ISN = M + F(four-tuple, secret) (RFC 6528 §3; RFC 9293 §3.4.1 MUST-8,
// SHLD-1). M is a timer of 4 µs ticks, so that a later incarnation of the same four-tuple starts
// above an earlier one; F keeps anybody else from guessing where that is.
#pragma once

#include <array>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "tcp/sequence.hpp"

namespace berth::tcp {

inline std::array<std::uint8_t, 12> bytes_of(const FourTuple& tuple) {
    std::array<std::uint8_t, 12> bytes{};
    store_be32(bytes, 0, tuple.local.address.value);
    store_be16(bytes, 4, tuple.local.port);
    store_be32(bytes, 6, tuple.remote.address.value);
    store_be16(bytes, 10, tuple.remote.port);
    return bytes;
}

inline SequenceNumber initial_sequence_number(const FourTuple& tuple, const SipHashKey& secret,
                                              Time now) {
    const auto ticks = static_cast<std::uint64_t>(now.ns) / 4'000;
    return SequenceNumber(static_cast<std::uint32_t>(ticks + siphash_2_4(secret, bytes_of(tuple))));
}

// TSval's unit is a millisecond (RFC 7323 §5.4); where it starts is keyed by the address pair, so
// that it says nothing about uptime and is equal across incarnations (RFC 7323 §7.1, RFC 6191).
inline std::uint32_t timestamp_offset(Ipv4Address local, Ipv4Address remote,
                                      const SipHashKey& secret) {
    std::array<std::uint8_t, 8> bytes{};
    store_be32(bytes, 0, local.value);
    store_be32(bytes, 4, remote.value);
    return static_cast<std::uint32_t>(siphash_2_4(secret, bytes));
}
inline std::uint32_t timestamp_at(Time now, std::uint32_t offset) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.ns) / 1'000'000) + offset;
}

}  // namespace berth::tcp
