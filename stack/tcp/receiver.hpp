// The receiving half of a connection (RFC 9293 §3.3.1 figure 4): what is expected next, what may
// come, and when it must be acknowledged. It does not know the sending half; the connection joins
// them.
#pragma once

#include <cstdint>
#include <optional>

#include "base/buffer.hpp"
#include "base/drop_reason.hpp"
#include "base/time.hpp"
#include "tcp/config.hpp"
#include "tcp/reassembly.hpp"
#include "tcp/receive_queue.hpp"
#include "tcp/segment.hpp"
#include "tcp/sequence.hpp"

namespace berth::tcp {

// How soon an acknowledgment must go. Duplicates are counted: every out-of-order or unacceptable
// segment owes its own, or a peer without SACK never counts to three.
struct AckDebt {
    bool now = false;
    std::uint8_t duplicates = 0;
    Time delayed = Time::never();

    // Duplicates owed at one time; beyond it they are as good as one (bounded amplification).
    static constexpr std::uint8_t max_duplicates = 64;
    void owe_duplicate() {
        if (duplicates < max_duplicates) ++duplicates;
    }
    bool is_due() const { return now || duplicates > 0; }
    void pay() {
        now = false;
        delayed = Time::never();
    }
};

class Receiver {
  public:
    struct Variables {
        SequenceNumber nxt;  // next expected
        SequenceNumber irs;
    };

    explicit Receiver(const Config& config);

    // The peer's SYN was taken.
    void start(SequenceNumber irs, std::uint8_t window_shift, std::uint16_t mss);

    const Variables& rcv() const { return rcv_; }
    // RCV.WND: up to the right edge that was promised, which never moves left (§3.8.6 SHLD-14).
    std::uint32_t wnd() const { return after(right_edge_, rcv_.nxt) ? right_edge_ - rcv_.nxt : 0; }

    // The four cases of §3.10.7.4, first step.
    bool is_acceptable(const Segment& segment) const;

    // Seventh step: takes what of the segment is new and inside the window. none, or why nothing
    // was kept.
    DropReason take_text(Segment& segment, BufferPool& pool, Time now);
    // Eighth step: true once, when the FIN is reached in sequence.
    bool take_fin();

    std::uint16_t window_field(bool syn) const;         // what the next segment advertises
    void commit_window(std::uint16_t field, bool syn);  // it was sent
    // Reading made room enough to be worth telling (§3.8.6.2.2).
    bool owes_window_update() const;

    std::size_t read(std::span<const MutableBytes> parts, bool peek) {
        return queue_.read(parts, peek);
    }
    std::size_t readable_bytes() const { return queue_.size(); }
    bool fin_received() const { return fin_received_; }
    void discard();  // the user reads no more: what is there and what comes is thrown away
    bool is_discarding() const { return discarding_; }
    std::uint16_t largest_segment() const { return largest_segment_; }  // bytes of text
    std::size_t memory_bytes() const {
        return queue_.memory_bytes() + out_of_order_.memory_bytes();
    }

    AckDebt ack;
    std::uint32_t limit_bytes;  // SO_RCVBUF

  private:
    void deliver(KeptBytes bytes, BufferPool& pool);
    void acknowledge_in_order(std::uint32_t bytes, bool filled_a_gap, Time now);
    SequenceNumber next_right_edge() const;
    // What the 16 bits of the window field can say at most.
    std::uint32_t largest_window() const { return std::uint32_t{0xffff} << window_shift_; }
    bool at_fin() const { return fin_seq_ && *fin_seq_ == rcv_.nxt; }

    Variables rcv_;
    SequenceNumber right_edge_;
    std::optional<SequenceNumber> fin_seq_;  // heard, perhaps ahead of a gap
    ReceiveQueue queue_;
    Reassembly out_of_order_;
    Duration delayed_ack_;
    std::uint32_t unacknowledged_bytes_ = 0;
    std::uint16_t mss_ = 536;  // of the segments that we let the peer send
    std::uint16_t largest_segment_ = 0;
    std::uint8_t ack_every_segments_;
    std::uint8_t window_shift_ = 0;
    bool fin_received_ = false;
    bool discarding_ = false;
};

// The shift that lets a window of `limit_bytes` be told in 16 bits (RFC 7323 §2.3: at most 14).
constexpr std::uint8_t window_shift_for(std::uint32_t limit_bytes) {
    std::uint8_t shift = 0;
    while (shift < 14 && limit_bytes >> shift > 0xffff)
        ++shift;
    return shift;
}

}  // namespace berth::tcp
