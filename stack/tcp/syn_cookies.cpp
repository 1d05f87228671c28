#include "tcp/syn_cookies.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "tcp/isn.hpp"

namespace berth::tcp {

namespace {

constexpr std::uint32_t data_mask = 0x00ff'ffff;
constexpr int minute_shift = 24;

// Three bits of MSS: the least that we ever send with, what nobody said (536), and what the common
// links leave, with and without tunnels.
constexpr std::array<std::uint16_t, 8> mss_table{64, 256, 536, 1220, 1380, 1440, 1460, 8960};

std::uint32_t index_of(std::uint16_t mss) {
    std::uint32_t index = 0;
    while (index + 1 < mss_table.size() && mss_table[index + 1] <= mss)
        ++index;
    return index;
}

std::uint32_t minute_of(Time now) {
    return static_cast<std::uint32_t>(now.ns / SynCookies::period.ns);
}

// The low bits of a timestamp.
constexpr std::uint32_t shift_mask = 0xf;  // the peer's window shift
constexpr std::uint32_t no_shift = 0xf;
constexpr std::uint32_t sack_bit = 0x10;
constexpr std::uint32_t ecn_bit = 0x20;
constexpr std::uint32_t offer_mask = 0x3f;

}  // namespace

std::uint32_t SynCookies::keyed(const FourTuple& four_tuple, std::uint32_t irs,
                                std::uint32_t minute) const {
    const auto tuple = bytes_of(four_tuple);
    std::array<std::uint8_t, 20> bytes{};
    std::copy(tuple.begin(), tuple.end(), bytes.begin());
    store_be32(bytes, 12, irs);
    store_be32(bytes, 16, minute);
    return static_cast<std::uint32_t>(siphash_2_4(key_, bytes));
}

// Minute numbers begin at 1 in G, so that F (minute 0) is never one of them.
SequenceNumber SynCookies::make(const FourTuple& four_tuple, SequenceNumber irs,
                                std::uint16_t peer_mss, Time now) const {
    const std::uint32_t minute = minute_of(now) + 1;
    const std::uint32_t data = keyed(four_tuple, irs.value, minute) + index_of(peer_mss);
    return SequenceNumber(keyed(four_tuple, 0, 0) + irs.value + (minute << minute_shift) +
                          (data & data_mask));
}

std::optional<std::uint16_t> SynCookies::check(const FourTuple& four_tuple, SequenceNumber irs,
                                               SequenceNumber cookie, Time now) const {
    const std::uint32_t said = cookie.value - keyed(four_tuple, 0, 0) - irs.value;
    const std::uint32_t this_minute = minute_of(now) + 1;
    const std::uint32_t age = (this_minute - (said >> minute_shift)) & 0xff;
    if (age >= good_periods) return std::nullopt;
    const std::uint32_t index =
        (said - keyed(four_tuple, irs.value, this_minute - age)) & data_mask;
    if (index >= mss_table.size()) return std::nullopt;
    return mss_table[index];
}

std::uint32_t timestamp_with(const CookieOffer& offer, std::uint32_t timestamp) {
    const std::uint32_t bits = (offer.peer_window_shift ? *offer.peer_window_shift : no_shift) |
                               (offer.sack ? sack_bit : 0) | (offer.ecn ? ecn_bit : 0);
    const std::uint32_t value = (timestamp & ~offer_mask) | bits;
    return bits > (timestamp & offer_mask) ? value - (offer_mask + 1) : value;
}

CookieOffer offer_in(std::uint32_t echo) {
    CookieOffer offer;
    const std::uint32_t shift = echo & shift_mask;
    if (shift != no_shift) offer.peer_window_shift = static_cast<std::uint8_t>(shift);
    offer.sack = (echo & sack_bit) != 0;
    offer.ecn = (echo & ecn_bit) != 0;
    return offer;
}

}  // namespace berth::tcp
