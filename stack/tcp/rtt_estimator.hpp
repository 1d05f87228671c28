// The retransmission timeout (RFC 6298), in whole nanoseconds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace berth::tcp {

class RttEstimator {
  public:
    RttEstimator(Duration initial, Duration minimum, Duration maximum)
        : rto_(initial), minimum_(minimum), maximum_(maximum) {}

    // §2.2 and §2.3. Never of a retransmitted segment unless a timestamp tells which (Karn, §3).
    void sample(Duration rtt) {
        if (!has_sample_) {
            srtt_ = rtt;
            rttvar_ = rtt / 2;
            has_sample_ = true;
        } else {
            const Duration error = srtt_ > rtt ? srtt_ - rtt : rtt - srtt_;
            rttvar_ = (3 * rttvar_ + error) / 4;
            srtt_ = (7 * srtt_ + rtt) / 8;
        }
        // §2.3's max(G, 4·RTTVAR) with G, the clock's granularity, of one millisecond (TSval's
        // unit).
        rto_ = std::clamp(srtt_ + std::max(milliseconds(1), 4 * rttvar_), minimum_, maximum_);
    }

    // §5.7: a SYN was retransmitted and nothing has been measured: start the data with three
    // seconds.
    void fall_back_after_syn_loss() {
        if (!has_sample_) rto_ = std::clamp(seconds(3), minimum_, maximum_);
    }

    // §5.5: doubled for each timeout in a row, up to the maximum.
    Duration rto(unsigned backoff) const {
        Duration rto = rto_;
        for (unsigned i = 0; i < backoff && rto < maximum_; ++i)
            rto = 2 * rto;
        return std::min(rto, maximum_);
    }
    bool has_sample() const { return has_sample_; }
    Duration srtt() const { return srtt_; }
    Duration rttvar() const { return rttvar_; }

  private:
    Duration srtt_{};
    Duration rttvar_{};
    Duration rto_;
    Duration minimum_;
    Duration maximum_;
    bool has_sample_ = false;
};

}  // namespace berth::tcp
