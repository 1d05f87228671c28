// What the tests of all the wire formats share: bytes from text, damage, and random values.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/random.hpp"
#include "berth/address.hpp"

namespace berth {

// For readable failures.
inline void PrintTo(DropReason reason, std::ostream* os) {
    *os << text_of(reason).name;
}
inline void PrintTo(Ipv4Address address, std::ostream* os) {
    *os << to_string(address);
}
inline void PrintTo(const MacAddress& address, std::ostream* os) {
    *os << to_string(address);
}

}  // namespace berth

namespace berth::wire_test {

inline constexpr Ipv4Address client(192, 0, 2, 1);
inline constexpr Ipv4Address server(192, 0, 2, 2);
inline constexpr MacAddress client_mac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr MacAddress server_mac{{0x02, 0, 0, 0, 0, 0x02}};

// Sized exactly, so that a sanitizer sees the first byte that is read or written beyond.
using Octets = std::vector<std::uint8_t>;

// "0102 ff" as bytes; spaces are for the reader.
inline Octets from_hex(std::string_view text) {
    Octets octets;
    int high = -1;
    for (const char c : text) {
        if (c == ' ') continue;
        const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
        if (high < 0) {
            high = digit;
        } else {
            octets.push_back(static_cast<std::uint8_t>(high << 4 | digit));
            high = -1;
        }
    }
    EXPECT_EQ(high, -1) << "odd number of digits: " << text;
    return Octets(octets.begin(), octets.end());
}

inline std::string to_hex(Bytes bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0xf];
    }
    return text;
}

inline Octets text_bytes(std::string_view text) {
    return Octets(text.begin(), text.end());
}

inline Octets random_octets(Random& random, std::size_t size) {
    Octets octets(size);
    for (auto& octet : octets)
        octet = static_cast<std::uint8_t>(random.next_u32());
    return octets;
}

inline std::uint8_t random_u8(Random& random) {
    return static_cast<std::uint8_t>(random.next_u32());
}
inline std::uint16_t random_u16(Random& random) {
    return static_cast<std::uint16_t>(random.next_u32());
}
inline MacAddress random_mac(Random& random) {
    MacAddress mac;
    for (auto& octet : mac.octets)
        octet = random_u8(random);
    return mac;
}

// Calls try_it(shorter) for every proper prefix of `whole`, the empty one included.
template <class TryIt>
void for_each_truncation(const Octets& whole, TryIt try_it) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
        SCOPED_TRACE("cut to " + std::to_string(size) + " bytes");
        const Octets shorter(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        try_it(shorter);
    }
}

// Calls try_it(damaged, byte, bit) for every bit of `whole`; bit 0 is the lowest.
template <class TryIt>
void for_each_bit_flip(const Octets& whole, TryIt try_it) {
    for (std::size_t byte = 0; byte < whole.size(); ++byte) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            SCOPED_TRACE("byte " + std::to_string(byte) + ", bit " + std::to_string(bit));
            Octets damaged = whole;
            damaged[byte] = static_cast<std::uint8_t>(damaged[byte] ^ (1U << bit));
            try_it(damaged, byte, bit);
        }
    }
}

}  // namespace berth::wire_test
