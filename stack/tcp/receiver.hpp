// The receiving half of a connection (RFC 9293 §3.3.1 figure 4): what is expected next, what may
// come, and when it must be acknowledged. It does not know the sending half; the connection joins
// them.
//
// Text, FIN and reading are in receiver.cpp, the window in receive_window.cpp, the urgent pointer
// in urgent.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/buffer.hpp"
#include "base/drop_reason.hpp"
#include "base/time.hpp"
#include "tcp/config.hpp"
#include "tcp/counters.hpp"
#include "tcp/options.hpp"
#include "tcp/reassembly.hpp"
#include "tcp/receive_queue.hpp"
#include "tcp/receive_tuning.hpp"
#include "tcp/sack_blocks.hpp"
#include "tcp/segment.hpp"
#include "tcp/sequence.hpp"
#include "tcp/urgent_mark.hpp"

namespace berth::tcp {

// How soon an acknowledgment must go. Duplicates are counted: every out-of-order or unacceptable
// segment owes its own, or a peer without SACK never counts to three.
struct AckDebt {
    Time delayed = Time::never();
    std::uint32_t bytes = 0;  // received in order and not acknowledged yet
    std::uint8_t duplicates = 0;
    std::uint8_t quick = 0;    // segments that are still acknowledged at once (TCP_QUICKACK)
    bool interactive = false;  // answers follow what is received, so an ACK had better wait for one
    bool now = false;

    // Duplicates owed at one time; beyond it they are as good as one (bounded amplification).
    static constexpr std::uint8_t max_duplicates = 64;
    // Segments acknowledged at once at the beginning, or when the user asks for it (as Linux).
    static constexpr std::uint8_t max_quick = 16;

    void owe_duplicate() {
        if (duplicates < max_duplicates) ++duplicates;
    }
    bool is_due() const { return now || duplicates > 0; }
    void pay() {
        now = false;
        bytes = 0;
        delayed = Time::never();
    }
};

class Receiver {
  public:
    struct Variables {
        SequenceNumber nxt;  // next expected
        SequenceNumber irs;
    };
    // What a call may use and must obey.
    struct Context {
        BufferPool& pool;
        Counters& counters;
        const Config& config;
        const Options& options;
        bool reports_duplicates;  // SACK was agreed on, and RFC 2883 is not switched off
        Time now;
    };
    // Out-of-order data may cost so much in any case: two blocks of the larger kind and their nodes
    // (beyond it twice the buffer).
    static constexpr std::size_t least_out_of_order_bytes = 140'000;

    explicit Receiver(const Config& config) : limit_bytes(config.receive_buffer_bytes) {}

    // The peer's SYN was taken; `window` is what our own advertised.
    void start(SequenceNumber irs, std::uint32_t window, std::uint8_t window_shift,
               std::uint16_t mss, const Config& config);

    const Variables& rcv() const { return rcv_; }
    // RCV.WND: up to the right edge that was promised, which never moves left (§3.8.6 SHLD-14).
    SequenceNumber right_edge() const { return right_edge_; }
    std::uint32_t wnd() const { return after(right_edge_, rcv_.nxt) ? right_edge_ - rcv_.nxt : 0; }

    // The four cases of §3.10.7.4, first step.
    bool is_acceptable(const Segment& segment) const;
    // It is not: owes the ACK, and says what came twice (RFC 2883).
    void refuse(const Segment& segment, const Context& context);

    // Sixth step: true when the user must hear of urgent data.
    bool take_urgent_pointer(SequenceNumber up, const Options& options);
    // Seventh step: takes what of the segment is new and inside the window. none, or why nothing
    // was kept.
    DropReason take_text(Segment& segment, const Context& context);
    // Eighth step: true once, when the FIN is reached in sequence.
    bool take_fin();
    // RFC 3168 §6.1.3, of a segment with text inside the window.
    void take_congestion_mark(bool experienced, bool reduced);
    bool echoes_congestion() const { return echo_congestion_; }
    // RFC 7323 §4.1: how long ago what the segment echoes was sent.
    void take_timestamp(Duration rtt, std::size_t text_bytes);

    // --- the window (receive_window.cpp) ---
    std::uint16_t window_field(bool syn, const Options& options) const;
    void commit_window(std::uint16_t field, bool syn, const Options& options);  // it was sent
    // What our SYN, sent before there was a peer, has promised.
    std::uint32_t promised_in_syn() const { return right_edge_ - rcv_.nxt; }
    // Reading made room enough to be worth telling (§3.8.6.2.2).
    bool owes_window_update(const Options& options) const;
    // SO_RCVBUF or SO_RCVLOWAT was set.
    void follow_options(const Options& options, const Config& config);

    // --- what else an ACK says ---
    std::size_t duplicates_to_report() const { return held_ ? held_->sack.duplicates() : 0; }
    void add_sack_blocks(std::size_t duplicate, std::size_t most, wire::TcpOptions& options) const {
        if (held_) held_->sack.report(held_->early, duplicate, most, options);
    }
    void commit_report();  // a duplicate was reported
    void commit_data() {   // it went with data of ours
        if (ack.bytes > 0) ack.interactive = true;
    }

    // --- the user's side ---
    std::size_t read(std::span<const MutableBytes> parts, bool peek, const Options& options);
    // The buffer grows with what the application reads in a round trip.
    void tune(std::size_t read_bytes, const Options& options, const Config& config, Time now);
    // What a read would give: up to the urgent mark.
    std::size_t readable_bytes(const Options& options) const;
    std::size_t queued_bytes() const { return held_ ? held_->queue.size() : 0; }
    bool fin_received() const { return fin_received_; }
    void discard();  // the user reads no more: what is there and what comes is thrown away
    bool is_discarding() const { return discarding_; }
    std::uint16_t largest_segment() const { return largest_segment_; }  // bytes of text
    Duration rtt() const { return tuning_.rtt(); }  // as the receiver sees it; zero: not known
    // urgent.cpp: the byte at the mark, if it has come and was not taken.
    bool has_urgent() const;
    // It has been announced, and not been taken.
    bool expects_urgent() const {
        return held_ && held_->urgent.is_set() && !held_->urgent.was_taken();
    }
    std::optional<std::uint8_t> take_urgent(bool peek);
    bool at_mark() const;

    std::size_t memory_bytes() const {
        return held_ ? sizeof(Held) + held_->queue.memory_bytes() + held_->early.memory_bytes() : 0;
    }
    std::size_t out_of_order_bytes() const { return held_ ? held_->early.memory_bytes() : 0; }

    AckDebt ack;
    std::uint32_t limit_bytes;  // of the buffer: SO_RCVBUF, or tuned

  private:
    // What exists only while there is something in it.
    struct Held {
        ReceiveQueue queue;
        Reassembly early;
        SackBlocks sack;
        UrgentMark urgent;

        bool is_empty() const {
            return queue.empty() && early.empty() && sack.duplicates() == 0 && !urgent.is_set();
        }
    };
    Held& held();
    void release_if_empty();

    DropReason trim(const Segment& segment, SequenceNumber& begin, Bytes& text,
                    const Context& context);
    DropReason nothing_new(const Segment& segment, SequenceNumber begin, bool cut);
    DropReason hold_early(SequenceNumber begin, KeptBytes kept, const Context& context);
    void take_in_order(KeptBytes kept, const Context& context);
    void deliver(KeptBytes bytes, BufferPool& pool);
    void acknowledge_in_order(std::uint32_t bytes, bool filled_a_gap, const Context& context);
    void report_duplicate(SequenceRange duplicate, const Context& context);
    bool is_overfull(std::uint32_t bytes) const;

    std::uint32_t buffer_bytes(const Options& options) const;
    std::uint32_t largest_offer(const Options& options) const;
    SequenceNumber next_right_edge(const Options& options) const;
    // What the 16 bits of the window field can say at most.
    std::uint32_t largest_window() const { return std::uint32_t{0xffff} << window_shift_; }
    bool at_fin() const { return fin_heard_ && fin_seq_ == rcv_.nxt; }
    // The sequence number of the byte that a read begins with.
    SequenceNumber read_position() const {
        return rcv_.nxt - static_cast<std::uint32_t>(queued_bytes()) - (fin_received_ ? 1 : 0);
    }
    bool mark_is_here() const;

    Variables rcv_;
    SequenceNumber right_edge_;
    SequenceNumber fin_seq_;  // if fin_heard_, perhaps ahead of a gap
    ReceiveTuning tuning_;
    std::unique_ptr<Held> held_;
    std::uint16_t mss_ = 536;  // of the segments that we let the peer send
    std::uint16_t largest_segment_ = 0;
    std::uint8_t window_shift_ = 0;
    bool fin_heard_ : 1 = false;
    bool fin_received_ : 1 = false;
    bool discarding_ : 1 = false;
    bool echo_congestion_ : 1 = false;
};
static_assert(sizeof(Receiver) <= 72, "an idle connection pays for it");

// The shift that lets a window of `limit_bytes` be told in 16 bits (RFC 7323 §2.3: at most 14).
constexpr std::uint8_t window_shift_for(std::uint32_t limit_bytes) {
    std::uint8_t shift = 0;
    while (shift < 14 && limit_bytes >> shift > 0xffff)
        ++shift;
    return shift;
}
// The shift is agreed once, so it must do for the largest buffer that there may ever be.
constexpr std::uint8_t window_shift_for(const Config& config, const Options& options) {
    std::uint32_t most = std::max(config.receive_buffer_bytes, options.receive_buffer_bytes);
    most = std::max(most, config.receive_buffer_max_bytes);
    if (options.window_clamp != 0) most = std::min(most, options.window_clamp);
    return window_shift_for(most);
}

// What a SYN may offer: never scaled (RFC 7323 §2.2).
constexpr std::uint32_t window_of_syn(const Config& config, const Options& options) {
    std::uint32_t most = options.receive_buffer_bytes != 0 ? options.receive_buffer_bytes
                                                           : config.receive_buffer_bytes;
    if (options.window_clamp != 0) most = std::min(most, options.window_clamp);
    return std::min<std::uint32_t>(most, 0xffff);
}

}  // namespace berth::tcp
