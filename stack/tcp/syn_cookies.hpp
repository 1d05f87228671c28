// SYN cookies (RFC 4987 §3.6): a SYN,ACK whose sequence number says all that a half-open record
// would have remembered, so that a flood of SYNs leaves no state behind.
//
// The layout is Bernstein's, as in Linux and the BSDs: ISS = F(four-tuple) + IRS + minute * 2^24 +
// (G(four-tuple, IRS, minute) + mss) mod 2^24, so that it grows with the peer's ISN and with time
// as RFC 6528 wants it. F and G are keyed: a forged ACK is right once in 2^28 times, and tried only
// while cookies are being handed out. What else the SYN offered returns in the low bits of our
// timestamp, if the peer has timestamps; otherwise it is not offered back.
#pragma once

#include <cstdint>
#include <optional>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "tcp/sequence.hpp"

namespace berth::tcp {

class SynCookies {
  public:
    explicit SynCookies(const SipHashKey& key) : key_(key) {}

    // A cookie is good in the period in which it was made and in the next one.
    static constexpr Duration period = seconds(60);
    static constexpr int good_periods = 2;
    static constexpr Duration lifetime = good_periods * period;

    // The ISS to answer a SYN with.
    SequenceNumber make(const FourTuple& four_tuple, SequenceNumber irs, std::uint16_t peer_mss,
                        Time now) const;
    // The peer's MSS, rounded down to one of eight; nothing: we never sent this, or too long ago.
    std::optional<std::uint16_t> check(const FourTuple& four_tuple, SequenceNumber irs,
                                       SequenceNumber cookie, Time now) const;

  private:
    std::uint32_t keyed(const FourTuple& four_tuple, std::uint32_t irs, std::uint32_t minute) const;

    SipHashKey key_;
};

// What a SYN offered besides its MSS.
struct CookieOffer {
    std::optional<std::uint8_t> peer_window_shift;  // at most 14
    bool sack = false;
    bool ecn = false;
    bool operator==(const CookieOffer&) const = default;
};
// A TSval not above `timestamp`, and less than 64 ms below it, that carries the offer.
std::uint32_t timestamp_with(const CookieOffer& offer, std::uint32_t timestamp);
// What the peer's echo of it says.
CookieOffer offer_in(std::uint32_t echo);

}  // namespace berth::tcp
