// How many ICMP messages may leave (RFC 1812 §4.3.2.8): token buckets in integers, one for all and
// one for each peer.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/random.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"

namespace berth::icmp {

// A bucket as the time at which it will be full again; the tokens that lack are the intervals until
// then.
struct TokenBucket {
    Time full_at{};

    bool has(Duration cost, Duration burst, Time now) const {
        return std::max(full_at, now) + cost - now <= burst;
    }
    void take(Duration cost, Time now) { full_at = std::max(full_at, now) + cost; }
};

class ErrorLimiter {
  public:
    // At most, for all peers together: in any second, and at once after a pause.
    static constexpr std::uint32_t per_second = 1000;
    static constexpr std::uint32_t burst = 50;
    // And for one peer.
    static constexpr std::uint32_t peer_per_second = 20;
    static constexpr std::uint32_t peer_burst = 20;
    // Buckets for peers. Two peers whose addresses hash to the same one share its tokens: with a
    // secret key nobody can choose whose those are.
    static constexpr std::size_t peer_buckets = 256;

    explicit ErrorLimiter(Random random)
        : random_(random), key_{random_.next_u64(), random_.next_u64()} {}

    enum class Verdict : std::uint8_t { allowed, peer_limit, total_limit };

    // Each error costs between one and two tokens, drawn at random: were it exactly one, a stranger
    // could count what is left of the common bucket with probes of his own and so learn which ports
    // answered forged ones (Man et al. 2020, "DNS Cache Poisoning Attack Reloaded"; Linux draws
    // likewise).
    Verdict ask(Ipv4Address peer, Time now) {
        const std::uint32_t extra = random_.below(thousandths);
        const Duration total_cost = cost_of(total_interval, extra);
        const Duration peer_cost = cost_of(peer_interval, extra);
        TokenBucket& bucket = peers_[siphash_1_3(key_, peer.value, 0) % peer_buckets];
        if (!bucket.has(peer_cost, peer_interval * peer_burst, now)) return Verdict::peer_limit;
        if (!total_.has(total_cost, total_interval * burst, now)) return Verdict::total_limit;
        bucket.take(peer_cost, now);
        total_.take(total_cost, now);
        return Verdict::allowed;
    }

  private:
    static constexpr Duration total_interval = seconds(1) / per_second;
    static constexpr Duration peer_interval = seconds(1) / peer_per_second;
    static constexpr std::uint32_t thousandths = 1000;

    static constexpr Duration cost_of(Duration interval, std::uint32_t extra) {
        return interval + interval * extra / thousandths;
    }

    Random random_;
    SipHashKey key_;
    TokenBucket total_;
    std::array<TokenBucket, peer_buckets> peers_{};
};

}  // namespace berth::icmp
