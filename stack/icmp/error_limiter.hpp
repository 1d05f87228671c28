// How many ICMP errors may leave (RFC 1812 §4.3.2.8): a token bucket in integers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/random.hpp"
#include "base/time.hpp"

namespace berth::icmp {

// Each error costs between one and two tokens, drawn at random: were it exactly one, a stranger
// could count what is left of the bucket with probes of his own and so learn which ports answered
// forged ones (Man et al. 2020, "DNS Cache Poisoning Attack Reloaded"; Linux draws likewise).
class ErrorLimiter {
  public:
    ErrorLimiter(std::uint32_t per_second, std::uint32_t burst, Random random)
        : interval_(seconds(1) / per_second), burst_(interval_ * burst), random_(random) {}

    bool allow(Time now) {
        const Time start = std::max(full_at_, now);
        const Duration cost =
            interval_ + nanoseconds(random_.below(static_cast<std::uint32_t>(interval_.ns)));
        if (start + cost - now > burst_) return false;
        full_at_ = start + cost;
        return true;
    }

  private:
    Duration interval_;
    Duration burst_;
    Random random_;
    // When the bucket will be full again; the tokens that lack now are the intervals until then.
    Time full_at_{};
};

}  // namespace berth::icmp
