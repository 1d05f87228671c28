#include "ip/identification.hpp"

namespace berth::ip {

Identification::Identification(Random random) {
    counter_ = static_cast<std::uint16_t>(random.next_u32());
    for (auto& round : rounds_) {
        for (auto& value : round)
            value = static_cast<std::uint8_t>(random.next_u32());
    }
}

std::uint16_t Identification::next() {
    auto left = static_cast<std::uint8_t>(counter_ >> 8);
    auto right = static_cast<std::uint8_t>(counter_);
    ++counter_;
    for (const auto& round : rounds_) {
        const auto mixed = static_cast<std::uint8_t>(left ^ round[right]);
        left = right;
        right = mixed;
    }
    return static_cast<std::uint16_t>(left << 8 | right);
}

}  // namespace berth::ip
