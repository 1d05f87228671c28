#include "base/random.hpp"

#include <bit>

namespace berth {
namespace {

using ChaChaState = std::array<std::uint32_t, 16>;

// The words of the state (RFC 8439 §2.3), here with a 64-bit counter and a 64-bit nonce.
constexpr std::array<std::uint32_t, 4> chacha_constants = {0x61707865, 0x3320646e, 0x79622d32,
                                                           0x6b206574};
constexpr std::size_t key_at = 4;
constexpr std::size_t counter_at = 12;
constexpr std::size_t nonce_at = 14;
constexpr int double_rounds = 6;  // 12 rounds

constexpr void quarter_round(ChaChaState& x, std::size_t a, std::size_t b, std::size_t c,
                             std::size_t d) {
    x[a] += x[b];
    x[d] = std::rotl(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = std::rotl(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = std::rotl(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = std::rotl(x[b] ^ x[c], 7);
}

ChaChaState chacha_block(const ChaChaState& state) {
    ChaChaState x = state;
    for (int i = 0; i < double_rounds; ++i) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] += state[i];
    return x;
}

}  // namespace

Random::Random(const Seed& seed) {
    for (std::size_t i = 0; i < chacha_constants.size(); ++i)
        state_[i] = chacha_constants[i];
    for (std::size_t i = 0; i < seed.words.size(); ++i)
        state_[key_at + i] = seed.words[i];
}

void Random::refill() {
    block_ = chacha_block(state_);
    used_ = 0;
    if (++state_[counter_at] == 0) ++state_[counter_at + 1];
}

std::uint32_t Random::next_u32() {
    if (used_ == block_.size()) refill();
    return block_[used_++];
}

std::uint64_t Random::next_u64() {
    const std::uint64_t low = next_u32();
    return std::uint64_t{next_u32()} << 32 | low;
}

// The high word of a 32×32-bit product is uniform once the few low words that would favour some
// results are drawn again (Lemire 2019).
std::uint32_t Random::below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next_u32()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
        const std::uint32_t threshold = (0U - bound) % bound;
        while (static_cast<std::uint32_t>(product) < threshold) {
            product = std::uint64_t{next_u32()} * bound;
        }
    }
    return static_cast<std::uint32_t>(product >> 32);
}

bool Random::chance(std::uint32_t parts_per_million) {
    return below(1'000'000) < parts_per_million;
}

// The fork's key is a block of ours that no drawing ever reaches: the last counter value, with the
// label as the nonce.
Random Random::fork(std::uint64_t label) const {
    ChaChaState state = state_;
    state[counter_at] = 0xffffffff;
    state[counter_at + 1] = 0xffffffff;
    state[nonce_at] = static_cast<std::uint32_t>(label);
    state[nonce_at + 1] = static_cast<std::uint32_t>(label >> 32);
    const ChaChaState block = chacha_block(state);
    Seed seed;
    for (std::size_t i = 0; i < seed.words.size(); ++i)
        seed.words[i] = block[i];
    return Random(seed);
}

}  // namespace berth
