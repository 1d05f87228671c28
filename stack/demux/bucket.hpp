// A bucket of the four-tuple table: one cache line with seven entries and their one-byte tags,
// which are compared at once.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "demux/entry.hpp"

namespace berth::demux {

// A set of slots of one bucket: the top bit of byte i stands for slot i.
class SlotSet {
  public:
    constexpr explicit SlotSet(std::uint64_t bits) : bits_(bits) {}
    constexpr bool empty() const { return bits_ == 0; }
    constexpr std::size_t first() const {
        return static_cast<std::size_t>(std::countr_zero(bits_)) / 8;
    }
    constexpr void remove_first() { bits_ &= bits_ - 1; }
    constexpr std::uint64_t bits() const { return bits_; }

  private:
    std::uint64_t bits_;
};

// The bytes of `control` equal to `value`, eight at once and without a false positive. Plain
// arithmetic: what is used where there is no SSE2.
constexpr std::uint64_t equal_bytes_portable(std::uint64_t control, std::uint8_t value) {
    constexpr std::uint64_t low_bits = 0x7f7f7f7f7f7f7f7f;
    constexpr std::uint64_t ones = 0x0101010101010101;
    const std::uint64_t difference = control ^ (ones * value);
    return ~(((difference & low_bits) + low_bits) | difference | low_bits);
}

inline std::uint64_t equal_bytes(std::uint64_t control, std::uint8_t value) {
#if defined(__SSE2__) && defined(__x86_64__)
    constexpr std::uint64_t top_bits = 0x8080808080808080;
    const __m128i tags = _mm_cvtsi64_si128(static_cast<long long>(control));
    const __m128i equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(value)));
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(equal)) & top_bits;
#else
    return equal_bytes_portable(control, value);
#endif
}

class alignas(64) Bucket {
  public:
    static constexpr std::size_t slots = 7;
    static constexpr std::uint8_t empty_tag = 0;
    // An overflow counter that got here stays here: the bucket is probed past for ever, which costs
    // time and nothing else.
    static constexpr std::uint8_t overflow_saturated = 255;

    // Never empty_tag. The bucket is chosen by the hash's high half, so these bits are independent.
    static constexpr std::uint8_t tag_of(std::uint64_t hash) {
        const auto tag = static_cast<std::uint8_t>(hash);
        return tag == empty_tag ? std::uint8_t{1} : tag;
    }

    SlotSet with_tag(std::uint8_t tag) const {
        return SlotSet(equal_bytes(control_, tag) & slot_bits);
    }
    SlotSet vacant() const { return with_tag(empty_tag); }
    SlotSet taken() const { return SlotSet(~equal_bytes(control_, empty_tag) & slot_bits); }
    Entry* entry(std::size_t slot) const { return entries_[slot]; }

    // `slot` < slots, in all of these.
    void put(std::size_t slot, std::uint8_t tag, Entry& entry) {
        control_ = (control_ & ~byte_mask(slot)) | std::uint64_t{tag} << shift_of(slot);
        entries_[slot] = &entry;
    }
    void exchange(std::size_t slot, Entry& entry) { entries_[slot] = &entry; }
    void clear(std::size_t slot) { control_ &= ~byte_mask(slot); }

    // How many entries wanted this bucket, found it full and live further on. Zero ends a search.
    std::uint8_t overflow() const { return static_cast<std::uint8_t>(control_ >> overflow_shift); }
    void add_overflow() {
        if (overflow() != overflow_saturated) control_ += std::uint64_t{1} << overflow_shift;
    }
    void remove_overflow() {
        if (overflow() != overflow_saturated) control_ -= std::uint64_t{1} << overflow_shift;
    }

  private:
    static constexpr int overflow_shift = 56;
    static constexpr std::uint64_t slot_bits = 0x0080808080808080;
    // The mask changes nothing: a slot is below 7, which an analyzer cannot see.
    static constexpr std::size_t shift_of(std::size_t slot) { return 8 * (slot & 7); }
    static constexpr std::uint64_t byte_mask(std::size_t slot) {
        return std::uint64_t{0xff} << shift_of(slot);
    }

    std::uint64_t control_ = 0;  // byte i: the tag of slot i; byte 7: the overflow counter
    std::array<Entry*, slots> entries_{};  // meaningful where the tag is not empty_tag
};
static_assert(sizeof(Bucket) == 64, "a bucket is one cache line");

}  // namespace berth::demux
