#include "base/siphash.hpp"

#include <bit>
#include <cstddef>

namespace berth {
namespace {

class SipState {
  public:
    explicit SipState(const SipHashKey& key)
        : v0_(key.k0 ^ 0x736f6d6570736575),
          v1_(key.k1 ^ 0x646f72616e646f6d),
          v2_(key.k0 ^ 0x6c7967656e657261),
          v3_(key.k1 ^ 0x7465646279746573) {}

    template <int rounds>
    void compress(std::uint64_t word) {
        v3_ ^= word;
        for (int i = 0; i < rounds; ++i)
            round();
        v0_ ^= word;
    }

    template <int rounds>
    std::uint64_t finish() {
        v2_ ^= 0xff;
        for (int i = 0; i < rounds; ++i)
            round();
        return v0_ ^ v1_ ^ v2_ ^ v3_;
    }

  private:
    void round() {
        v0_ += v1_;
        v1_ = std::rotl(v1_, 13) ^ v0_;
        v0_ = std::rotl(v0_, 32);
        v2_ += v3_;
        v3_ = std::rotl(v3_, 16) ^ v2_;
        v0_ += v3_;
        v3_ = std::rotl(v3_, 21) ^ v0_;
        v2_ += v1_;
        v1_ = std::rotl(v1_, 17) ^ v2_;
        v2_ = std::rotl(v2_, 32);
    }

    std::uint64_t v0_, v1_, v2_, v3_;
};

std::uint64_t load_little_endian(Bytes bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        word |= std::uint64_t{bytes[i]} << (8 * i);
    return word;
}

// The last word holds what is left of the message and, in its top byte, the message's length.
constexpr std::uint64_t length_byte(std::size_t length) {
    return static_cast<std::uint64_t>(length) << 56;
}

template <int compression_rounds, int final_rounds>
std::uint64_t siphash(const SipHashKey& key, Bytes message) {
    SipState state(key);
    Bytes rest = message;
    for (; rest.size() >= 8; rest = rest.subspan(8)) {
        state.compress<compression_rounds>(load_little_endian(rest.first<8>()));
    }
    state.compress<compression_rounds>(load_little_endian(rest) | length_byte(message.size()));
    return state.finish<final_rounds>();
}

}  // namespace

std::uint64_t siphash_2_4(const SipHashKey& key, Bytes message) {
    return siphash<2, 4>(key, message);
}

std::uint64_t siphash_1_3(const SipHashKey& key, Bytes message) {
    return siphash<1, 3>(key, message);
}

std::uint64_t siphash_1_3(const SipHashKey& key, std::uint64_t word0, std::uint64_t word1) {
    SipState state(key);
    state.compress<1>(word0);
    state.compress<1>(word1);
    state.compress<1>(length_byte(2 * sizeof(std::uint64_t)));
    return state.finish<3>();
}

}  // namespace berth
