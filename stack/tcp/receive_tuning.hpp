// How large a receive buffer the connection deserves: twice what the application reads in a round
// trip (dynamic right-sizing; Fisk and Feng, 2001). A sender that fills the window then finds twice
// the window in the next round trip, and a reader that does not keep up gets none.
//
// A round begins with data and ends with the first read after a round-trip time. What timestamps
// say, or less if a byte that no window had promised when the round began comes sooner: its
// permission and the byte itself cannot have taken less than a round trip.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"
#include "tcp/sequence.hpp"

namespace berth::tcp {

class ReceiveTuning {
  public:
    // Data was taken up to RCV.NXT; `edge` is the right edge of the window.
    void on_arrival(SequenceNumber nxt, SequenceNumber edge, Time now) {
        const std::uint32_t now_us = clock(now);
        if (begun_us_ == 0) return begin(edge, now_us);
        if (!after(nxt, window_end_)) return;
        const std::uint32_t took_us = std::max<std::uint32_t>(now_us - begun_us_, 1);
        if (rtt_us_ == 0 || took_us < rtt_us_) rtt_us_ = took_us;
    }
    // RFC 7323 §4.1: a segment echoed when we had sent the ACK that let it go.
    void on_timestamp(Duration rtt) {
        const auto us = static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(rtt.microseconds(), 1, longest_rtt_us));
        rtt_us_ = rtt_us_ == 0 ? us : rtt_us_ - rtt_us_ / 8 + us / 8;
    }
    // The application read so many bytes. At the end of a round: how many it reads in a round trip.
    std::uint32_t on_read(std::uint32_t bytes, SequenceNumber edge, Time now) {
        if (begun_us_ == 0) return 0;
        copied_bytes_ += std::min(bytes, 0xffff'ffff - copied_bytes_);
        const std::uint32_t now_us = clock(now);
        const std::uint32_t elapsed_us = now_us - begun_us_;
        if (rtt_us_ == 0 || elapsed_us < rtt_us_) return 0;
        const auto per_rtt = std::uint64_t{copied_bytes_} * rtt_us_ / elapsed_us;
        begin(edge, now_us);
        return static_cast<std::uint32_t>(per_rtt);
    }
    Duration rtt() const { return microseconds(rtt_us_); }

  private:
    static constexpr std::int64_t longest_rtt_us = 60'000'000;

    // Microseconds on a circle of 71 minutes; zero means never. A round that is longer than that
    // looks shorter, and counts for no more than the bytes that were read.
    static std::uint32_t clock(Time now) {
        return std::max<std::uint32_t>(static_cast<std::uint32_t>(now.ns / 1000), 1);
    }
    void begin(SequenceNumber edge, std::uint32_t now_us) {
        begun_us_ = now_us;
        window_end_ = edge;
        copied_bytes_ = 0;
    }

    std::uint32_t rtt_us_ = 0;  // zero: not known yet
    std::uint32_t begun_us_ = 0;
    SequenceNumber window_end_;
    std::uint32_t copied_bytes_ = 0;
};

}  // namespace berth::tcp
