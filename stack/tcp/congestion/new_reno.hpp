// Slow start, congestion avoidance, fast retransmit and fast recovery (RFC 5681, RFC 6582), with
// appropriate byte counting (RFC 3465, L = 2) and the initial window of RFC 6928. A value: it knows
// bytes in flight and acknowledged, nothing of segments or timers.
#pragma once

#include <algorithm>
#include <cstdint>

namespace berth::tcp {

class NewReno {
  public:
    // RFC 6928 §2: min(n · MSS, max(2 · MSS, 14600)), with n = 10.
    static constexpr std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments) {
        return std::min(segments * mss, std::max(2 * mss, 1460 * segments));
    }

    void start(std::uint32_t mss, std::uint32_t initial_window_bytes) {
        mss_ = mss;
        cwnd_ = initial_window_bytes;
    }
    // The path MTU has changed; the window has not, but one segment always fits.
    void set_mss(std::uint32_t mss) {
        mss_ = mss;
        cwnd_ = std::max(cwnd_, mss_);
    }
    // Larger than any window: no loss has been seen yet.
    static constexpr std::uint32_t infinite_ssthresh = 1U << 30;

    std::uint32_t cwnd() const { return cwnd_; }
    std::uint32_t ssthresh() const { return ssthresh_; }

    // New data was acknowledged outside recovery (RFC 5681 §3.1).
    void on_ack(std::uint32_t acked) {
        if (cwnd_ < ssthresh_) {
            grow(std::min(acked, 2 * mss_));
            return;
        }
        // One MSS for each window acknowledged (RFC 3465 §2.1).
        avoidance_bytes_ += acked;
        if (avoidance_bytes_ >= cwnd_) {
            avoidance_bytes_ -= cwnd_;
            grow(mss_);
        }
    }

    // RFC 5681 §3.2 step 2 and 3: half of what was in flight, and the three segments that have
    // left. `reduced_already`: for this very flight (RFC 3168 §6.1.2: once in a window of data).
    void enter_recovery(std::uint32_t flight, bool reduced_already) {
        if (!reduced_already) ssthresh_ = half_of(flight);
        cwnd_ = ssthresh_ + 3 * mss_;
    }
    // §3.2 step 4: another duplicate means that another segment has left.
    void on_duplicate_in_recovery() { grow(mss_); }
    // RFC 6582 §3.2 step 3, partial acknowledgment: deflate by what was acknowledged, add back one.
    void on_partial_ack(std::uint32_t acked) {
        cwnd_ = cwnd_ > acked ? cwnd_ - acked : 0;
        if (acked >= mss_) grow(mss_);
        cwnd_ = std::max(cwnd_, mss_);
    }
    // Full acknowledgment: the first of the two choices, which avoids a burst.
    void exit_recovery(std::uint32_t flight) {
        cwnd_ = std::min(ssthresh_, std::max(flight, mss_) + mss_);
    }

    // RFC 5681 §3.1 (4): the first timeout of a segment halves; every timeout starts over from one
    // segment.
    void on_timeout(std::uint32_t flight, bool first) {
        if (first) ssthresh_ = half_of(flight);
        cwnd_ = mss_;
        avoidance_bytes_ = 0;
    }
    // RFC 3168 §6.1.2: a router marked instead of dropping: as a loss, but nothing goes again.
    void on_ecn_echo(std::uint32_t flight) {
        ssthresh_ = half_of(flight);
        cwnd_ = std::min(cwnd_, ssthresh_);
        avoidance_bytes_ = 0;
    }
    // RFC 5681 §4.1: after an idle RTO the restart window.
    void on_idle(std::uint32_t restart_window) { cwnd_ = std::min(cwnd_, restart_window); }
    // RFC 5681 §3.1: a lost SYN leaves one segment as the initial window.
    void on_syn_loss() { cwnd_ = mss_; }

  private:
    // Larger than any window; keeps sums of windows inside 32 bits.
    static constexpr std::uint32_t max_cwnd = 1U << 30;

    std::uint32_t half_of(std::uint32_t flight) const { return std::max(flight / 2, 2 * mss_); }
    void grow(std::uint32_t bytes) { cwnd_ = std::min(cwnd_ + bytes, max_cwnd); }

    std::uint32_t mss_ = 536;
    std::uint32_t cwnd_ = 0;
    std::uint32_t ssthresh_ = infinite_ssthresh;
    std::uint32_t avoidance_bytes_ = 0;
};

}  // namespace berth::tcp
