// The sending half of a connection (RFC 9293 §3.3.1 figure 3): what is unacknowledged, what may go,
// when it goes again. It does not know the receiving half; the connection joins them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/time.hpp"
#include "tcp/config.hpp"
#include "tcp/congestion/new_reno.hpp"
#include "tcp/rtt_estimator.hpp"
#include "tcp/segment.hpp"
#include "tcp/send_buffer.hpp"
#include "tcp/sequence.hpp"
#include "tcp/short_time.hpp"

namespace berth::tcp {

class Sender {
  public:
    // RFC 9293's names.
    struct Variables {
        SequenceNumber una;         // oldest unacknowledged
        SequenceNumber nxt;         // next to be sent
        std::uint32_t wnd = 0;      // the peer's window, scaled
        std::uint32_t max_wnd = 0;  // the largest it ever was (§3.8.6.2.1: Max(SND.WND))
        SequenceNumber wl1;         // SEG.SEQ of the last window update
        SequenceNumber wl2;         // SEG.ACK of it
        SequenceNumber iss;
    };

    // Where egress stands inside one burst: what was planned but not yet accepted by a device.
    struct Cursor {
        SequenceNumber nxt;
        SequenceNumber retransmit_next;
        bool probe_owed = false;
        bool urgent_owed = false;
    };

    // How a SEND (RFC 9293 §3.9.1.2) wants its bytes treated.
    struct Appending {
        bool more = false;    // more follows at once: no small segment yet
        bool urgent = false;  // they end in the urgent byte
    };

    struct AckResult {
        std::uint32_t acked = 0;  // sequence numbers newly acknowledged
        bool syn_acked = false;
        bool fin_acked = false;
        bool room_freed = false;
        bool recovery_began = false;  // by the third duplicate
    };

    // `config` must outlive it.
    Sender(const Config& config, SequenceNumber iss);
    Sender(const Config&& config, SequenceNumber iss) = delete;

    const Variables& snd() const { return snd_; }
    std::uint16_t mss() const { return mss_; }
    const NewReno& congestion() const { return congestion_; }
    const RttEstimator& rtt() const { return rtt_; }
    Duration rto() const { return rtt_.rto(backoff_, config_.rto_max); }
    unsigned backoff() const { return backoff_; }
    bool in_recovery() const { return in_recovery_; }

    // What the handshake agreed: the payload that fits a segment and the peer's window shift.
    void set_handshake(std::uint16_t mss, std::uint8_t peer_window_shift, bool ecn);
    // The path takes more or less than was thought.
    void set_mss(std::uint16_t mss);
    // The peer's SYN was taken: its window, unscaled (RFC 7323 §2.2).
    void start_window(std::uint32_t wnd, SequenceNumber seq, SequenceNumber ack);

    // The SYN,ACK went out before this object existed, from a half-open record.
    void syn_was_sent(bool again) {
        snd_.nxt = snd_.iss + 1;
        retransmit_next_ = retransmit_end_ = snd_.nxt;
        syn_retransmitted_ = again;
    }
    // Our SYN goes once more, now with an ACK: simultaneous open, or the first one was lost. If it
    // has not gone yet, it goes as it is.
    void repeat_syn() {
        if (early_data_ == EarlyData::with_syn) early_data_ = EarlyData::none;
        retransmit_next_ = snd_.iss;
        retransmit_end_ = is_idle() ? snd_.iss : snd_.iss + 1;
    }
    bool syn_retransmitted() const { return syn_retransmitted_; }
    // Fast Open (RFC 7413): what may go before our SYN is acknowledged. A client's SYN waits for
    // data and takes along what fits the MSS; a server sends as if its SYN were acknowledged.
    enum class EarlyData : std::uint8_t { none, with_syn, after_syn };
    EarlyData early_data() const { return early_data_; }
    void set_early_data(EarlyData when) { early_data_ = when; }
    // The SYN,ACK has left out the data of our SYN.
    void send_early_data_again() {
        retransmit_next_ = snd_.una;
        retransmit_end_ = snd_.nxt;
    }

    // User side.
    std::size_t append(std::span<const Bytes> parts, std::size_t room, Appending how);
    std::size_t unsent_and_unacknowledged() const { return buffer_.size(); }
    std::size_t memory_bytes() const { return buffer_.memory_bytes(); }
    void queue_fin() { fin_queued_ = true; }
    bool fin_queued() const { return fin_queued_; }
    bool fin_acknowledged() const { return fin_acknowledged_; }
    void set_no_delay(bool on) { no_delay_ = on; }  // Nagle off (RFC 9293 §3.7.4 MUST-17)
    void set_cork(bool on) {                        // only full segments, for a while
        more_ = more_ && !cork_;
        cork_ = on;
    }
    void flush() { flush_ = true; }  // what is there by now does not wait for more
    // Bytes that were never sent.
    std::size_t unsent() const {
        if (before(snd_.nxt, data_begin())) return buffer_.size();
        const std::size_t sent = snd_.nxt - data_begin();  // with the FIN, perhaps
        return sent < buffer_.size() ? buffer_.size() - sent : 0;
    }

    // Ingress. `ack` is acceptable: SND.UNA =< ack =< SND.NXT. `bare`: the segment could be a
    // duplicate ACK as RFC 5681 §2 defines it (no data, no SYN, no FIN, the window unchanged).
    AckResult on_ack(SequenceNumber ack, bool bare, Duration timestamp_rtt, Time now);
    // An acknowledgment says that a router marked what we sent (RFC 3168 §6.1.2); told before
    // on_ack().
    void on_ecn_echo();
    // RFC 9293 §3.10.7.4: SND.WL1 and SND.WL2 keep an old segment from setting the window. True: it
    // changed.
    bool update_window(SequenceNumber seq, SequenceNumber ack, std::uint16_t window, Time now);
    std::uint32_t scaled(std::uint16_t window) const {
        return std::uint32_t{window} << peer_window_shift_;
    }

    // Egress: const decisions that move only the cursor, then a commit for each that a device
    // accepted.
    void begin_burst(Time now);
    Cursor cursor() const { return {snd_.nxt, retransmit_next_, probe_owed_, urgent_owed_}; }
    bool next_segment(Cursor& cursor, SegmentPlan& plan) const;
    void slice_into(link::OutFrame& frame, const SegmentPlan& plan) const;
    void commit(const SegmentPlan& plan, Time now);
    // The urgent field of a segment that begins there: how far ahead the octet after the urgent
    // data is (RFC 9293 §3.8.5); zero: it has none.
    std::uint16_t urgent_pointer(SequenceNumber seq) const {
        if (!urgent_ || at_or_after(seq, up_)) return 0;
        return static_cast<std::uint16_t>(std::min<std::uint32_t>(up_ - seq, 0xffff));
    }
    // Egress found nothing to send: if something waits for a window that may never open, the
    // persist timer must run (RFC 9293 §3.8.6.1).
    void arm_persist_if_stuck(Time now);

    // A router dropped the segment with this sequence number, and all that followed it, for its
    // size: they go again, in segments that fit by now.
    void on_packet_too_big(SequenceNumber from, Time now);
    // Not part of a flight that was found lost before.
    bool is_fresh(SequenceNumber seq) const {
        return reduced_by_ecn_ || at_or_after(seq, recover_);
    }
    // What goes again at a timeout fills a segment.
    bool next_is_full() const { return buffer_.size() >= mss_ && snd_.wnd >= mss_; }

    // The retransmission or persist timer.
    Time deadline() const { return deadline_; }
    enum class Timeout : std::uint8_t {
        retransmit,
        probe,   // the peer's window is closed
        forced,  // small segments have waited long enough (§3.8.6.2.1, rule 4)
    };
    Timeout on_timeout(Time now);
    // Since when nothing has moved: no new acknowledgment, and no window that opened. Meaningful
    // while deadline() is set.
    Time stalled_since(Time now) const { return moment_of_millis(stalled_since_ms_, now); }
    // Timeouts since the peer last answered: what R1 and R2 count (RFC 9293 §3.8.3). A closed
    // window that is acknowledged again and again is an answer (MUST-37).
    unsigned unanswered_timeouts() const { return unanswered_; }
    std::uint32_t retransmissions() const { return retransmissions_; }
    // Since it last sent something that takes a sequence number; zero: never.
    Duration since_sent(Time now) const {
        return last_sent_ms_ == 0 ? Duration{} : since_millis(last_sent_ms_, now);
    }
    // What the timer waits to do is to probe a window that may never open.
    bool is_probing() const { return syn_acknowledged_ && (is_idle() || snd_.wnd == 0); }
    // Nothing sent is unacknowledged.
    bool is_idle() const { return snd_.una == snd_.nxt; }
    // Something the user gave us has not been acknowledged.
    bool has_outstanding() const { return !buffer_.empty() || (fin_queued_ && !fin_acknowledged_); }

  private:
    bool retransmitting(const Cursor& cursor) const {
        return before(cursor.retransmit_next, retransmit_end_);
    }
    bool next_retransmission(Cursor& cursor, SegmentPlan& plan) const;
    bool next_new_data(Cursor& cursor, SegmentPlan& plan) const;
    bool next_probe(Cursor& cursor, SegmentPlan& plan) const;
    bool worth_sending(SequenceNumber at, std::uint32_t length, std::uint32_t available) const;
    void on_new_ack(std::uint32_t acked);
    void on_duplicate_ack();
    void fast_retransmit();
    bool sample_rtt(SequenceNumber ack, Duration timestamp_rtt, Time now);
    void restart_timer(Time now);
    void start_timer(Time now, Duration after) {
        deadline_ = now + after;
        stalled_since_ms_ = millis_of(now);
    }
    void note_reduction() { cwr_owed_ = ecn_; }

    std::uint32_t flight() const { return snd_.nxt - snd_.una; }
    // The sequence number of the buffer's first byte, of the byte after its last, and of our FIN.
    SequenceNumber data_begin() const { return syn_acknowledged_ ? snd_.una : snd_.iss + 1; }
    SequenceNumber data_end() const {
        return data_begin() + static_cast<std::uint32_t>(buffer_.size());
    }

    Variables snd_;
    std::uint16_t mss_ = 536;  // RFC 9293 §3.7.1 MUST-15: until the peer says otherwise
    std::uint8_t peer_window_shift_ : 4 = 0;  // at most 14 (RFC 7323 §2.3)
    std::uint8_t duplicate_acks_ : 4 = 0;     // at most the threshold
    EarlyData early_data_ = EarlyData::none;
    const Config& config_;
    SendBuffer buffer_;
    Time deadline_ = Time::never();
    NewReno congestion_;
    RttEstimator rtt_;
    SequenceNumber up_;               // SND.UP: the octet after the urgent data
    SequenceNumber retransmit_next_;  // [next, end) is to be sent again
    SequenceNumber retransmit_end_;
    SequenceNumber recover_;  // SND.NXT when the window was last reduced (RFC 6582, RFC 3168);
                              // SND.UNA at least
    SequenceNumber timed_end_;
    std::uint32_t timed_at_us_ = 0;
    std::uint32_t last_sent_ms_ = 0;  // zero: never
    std::uint32_t last_retransmitted_us_ = 0;
    std::uint32_t stalled_since_ms_ = 0;
    std::uint32_t retransmissions_ = 0;
    std::uint8_t backoff_ = 0;  // doublings of the timeout (RFC 6298 §5.5)
    std::uint8_t unanswered_ = 0;
    bool syn_acknowledged_ : 1 = false;
    bool syn_retransmitted_ : 1 = false;
    bool fin_queued_ : 1 = false;
    bool fin_acknowledged_ : 1 = false;
    bool no_delay_ : 1 = false;
    bool cork_ : 1 = false;
    bool more_ : 1 = false;    // the last SEND said that more follows
    bool flush_ : 1 = false;   // until the next SEND nothing waits
    bool urgent_ : 1 = false;  // SND.UP lies ahead of SND.UNA
    bool urgent_owed_ : 1 = false;
    bool probe_owed_ : 1 = false;
    bool timing_ : 1 = false;  // one segment is being timed (RFC 6298 §3, Karn)
    bool in_recovery_ : 1 = false;
    bool ecn_ : 1 = false;             // RFC 3168 was agreed on
    bool reduced_by_ecn_ : 1 = false;  // recover_ was set by a mark, not by a loss
    bool cwr_owed_ : 1 = false;
};

static_assert(sizeof(Sender) <= 128, "every connection has one");

}  // namespace berth::tcp
