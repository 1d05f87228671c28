// The retransmission timeout (RFC 6298), in whole microseconds. Its bounds are the stack's knobs
// and so are arguments.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace berth::tcp {

class RttEstimator {
  public:
    explicit RttEstimator(Duration initial) : rto_us_(to_us(initial)) {}

    // §2.2 and §2.3. Never of a retransmitted segment unless a timestamp tells which (Karn, §3).
    void sample(Duration rtt, Duration minimum, Duration maximum) {
        const std::int64_t r = std::max<std::int64_t>(to_us(rtt), 1);
        if (!has_sample()) {
            srtt_us_ = static_cast<std::uint32_t>(r);
            rttvar_us_ = static_cast<std::uint32_t>(r / 2);
        } else {
            const std::int64_t error = srtt_us_ > r ? srtt_us_ - r : r - srtt_us_;
            rttvar_us_ = static_cast<std::uint32_t>((3 * std::int64_t{rttvar_us_} + error) / 4);
            srtt_us_ = static_cast<std::uint32_t>(
                std::max<std::int64_t>((7 * std::int64_t{srtt_us_} + r) / 8, 1));
        }
        // §2.3's max(G, 4·RTTVAR) with G, the clock's granularity, of one millisecond (TSval's
        // unit).
        set_rto(srtt() + std::max(milliseconds(1), 4 * rttvar()), minimum, maximum);
    }

    // §5.7: a SYN was retransmitted and nothing has been measured: start the data with three
    // seconds.
    void fall_back_after_syn_loss(Duration minimum, Duration maximum) {
        if (!has_sample()) set_rto(seconds(3), minimum, maximum);
    }

    // §5.5: doubled for each timeout in a row, up to the maximum.
    Duration rto(unsigned backoff, Duration maximum) const {
        Duration rto = microseconds(rto_us_);
        for (unsigned i = 0; i < backoff && rto < maximum; ++i)
            rto = 2 * rto;
        return std::min(rto, maximum);
    }
    bool has_sample() const { return srtt_us_ != 0; }
    Duration srtt() const { return microseconds(srtt_us_); }
    Duration rttvar() const { return microseconds(rttvar_us_); }

  private:
    // An hour: far above every timeout, far below the 71 minutes of 32 bits.
    static constexpr Duration longest = seconds(3600);
    static constexpr std::uint32_t to_us(Duration d) {
        return static_cast<std::uint32_t>(std::clamp(d, Duration{}, longest).microseconds());
    }
    void set_rto(Duration rto, Duration minimum, Duration maximum) {
        rto_us_ = to_us(std::clamp(rto, minimum, std::max(minimum, maximum)));
    }

    std::uint32_t srtt_us_ = 0;  // zero: nothing was measured yet
    std::uint32_t rttvar_us_ = 0;
    std::uint32_t rto_us_;
};

}  // namespace berth::tcp
