// The sum is kept over 64-bit words in memory order: since 2^64 - 1 is a multiple of 2^16 - 1, it
// folds to the same 16 bits, and since one's complement sums do not depend on byte order (RFC 1071
// §2 B), it is swapped into place once, at the end.
#include "wire/checksum.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace berth::wire {
namespace {

// One's complement addition: the carry comes back in at the low end.
constexpr std::uint64_t add_words(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t sum = a + b;
    return sum + (sum < a ? 1 : 0);
}

constexpr std::uint16_t fold(std::uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// A 16-bit word between host order and the order in which it lies in memory.
constexpr std::uint16_t swap_to_network(std::uint16_t word) {
    if constexpr (std::endian::native == std::endian::big) return word;
    return static_cast<std::uint16_t>(word << 8 | word >> 8);
}

// A word as it lies in memory, whatever its alignment.
template <class Word>
std::uint64_t load(const std::uint8_t* from) {
    Word word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

std::uint64_t sum_of(Bytes bytes) {
    const std::uint8_t* from = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t sum = 0;
    // Four sums side by side, or each addition would wait for the carry of the one before.
    if (left >= 32) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        std::uint64_t fourth = 0;
        for (; left >= 32; left -= 32, from += 32) {
            sum = add_words(sum, load<std::uint64_t>(from));
            second = add_words(second, load<std::uint64_t>(from + 8));
            third = add_words(third, load<std::uint64_t>(from + 16));
            fourth = add_words(fourth, load<std::uint64_t>(from + 24));
        }
        sum = add_words(add_words(sum, second), add_words(third, fourth));
    }
    for (; left >= 8; left -= 8, from += 8)
        sum = add_words(sum, load<std::uint64_t>(from));
    // At most seven bytes more. A missing last byte counts as zero (RFC 1071 §1).
    std::uint64_t tail = 0;
    if ((left & 4) != 0) {
        tail = load<std::uint32_t>(from);
        from += 4;
    }
    if ((left & 2) != 0) {
        tail += load<std::uint16_t>(from);
        from += 2;
    }
    if ((left & 1) != 0) tail += swap_to_network(static_cast<std::uint16_t>(*from << 8));
    return add_words(sum, tail);
}

}  // namespace

void Checksum::add(Bytes bytes) {
    const std::uint64_t sum = sum_of(bytes);
    // After an odd byte every byte of this piece sits in the other half of its word; turning the
    // sum by eight bits moves them all (RFC 1071 §2 B).
    sum_ = add_words(sum_, odd_ ? std::rotl(sum, 8) : sum);
    odd_ ^= (bytes.size() & 1) != 0;
}

void Checksum::add16(std::uint16_t host_order_word) {
    const std::uint64_t word = swap_to_network(host_order_word);
    sum_ = add_words(sum_, odd_ ? std::rotl(word, 8) : word);
}

void Checksum::add_pseudo_header(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                                 std::uint16_t length) {
    // At most six times 16 bits: no carry is lost before the fold.
    const std::uint64_t sum = (std::uint64_t{source.value} >> 16) + (source.value & 0xffff) +
                              (std::uint64_t{destination.value} >> 16) +
                              (destination.value & 0xffff) + protocol + length;
    add16(fold(sum));
}

std::uint16_t Checksum::finish() const {
    return static_cast<std::uint16_t>(~swap_to_network(fold(sum_)));
}

std::uint16_t checksum_of(Bytes bytes) {
    Checksum checksum;
    checksum.add(bytes);
    return checksum.finish();
}

std::uint16_t checksum_updated(std::uint16_t checksum, std::uint16_t old_word,
                               std::uint16_t new_word) {
    // HC' = ~(~HC + ~m + m'): unlike the form of RFC 1141 it never makes a zero sum of a nonzero
    // one.
    const std::uint64_t sum = std::uint64_t{static_cast<std::uint16_t>(~checksum)} +
                              static_cast<std::uint16_t>(~old_word) + new_word;
    return static_cast<std::uint16_t>(~fold(sum));
}

}  // namespace berth::wire
