// The active socket's other side: exactly one connection per four-tuple. It joins the two halves
// with the state and the deadlines.
//
// on_segment reads like the contents page of RFC 9293 §3.10.7.4 (on_segment.cpp); the user calls of
// §3.9.1 are in user_calls.cpp, timeouts in timeouts.cpp, everything that goes out in egress.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "base/drop_reason.hpp"
#include "base/time.hpp"
#include "ip/error_report.hpp"
#include "ip/ipv4.hpp"
#include "tcp/challenge_limit.hpp"
#include "tcp/compact.hpp"
#include "tcp/counters.hpp"
#include "tcp/info.hpp"
#include "tcp/options.hpp"
#include "tcp/receiver.hpp"
#include "tcp/segment.hpp"
#include "tcp/sender.hpp"
#include "tcp/state.hpp"
#include "tcp/timed_entry.hpp"
#include "tcp/transitions.hpp"
#include "tcp/wrap_count.hpp"

namespace berth::tcp {

class Connection;
class Listener;
class Tcp;

// Who uses a connection. Called from inside the stack: note it and return.
class ConnectionUser {
  public:
    virtual ~ConnectionUser() = default;
    // State, readable bytes, room to send, or the pending error may have changed.
    virtual void on_connection_event(Connection& connection) = 0;
};

// What the two SYNs agreed on.
struct Handshake {
    std::uint16_t peer_mss = 536;  // RFC 9293 §3.7.1 MUST-15: when the peer says nothing
    std::uint8_t peer_window_shift = 0;
    std::uint8_t window_shift = 0;  // ours
    bool scaling = false;           // both SYNs had window scale (RFC 7323 §2.2)
    bool timestamps = false;
    bool sack = false;  // both sent SACK-permitted (RFC 2018 §2)
    bool ecn = false;   // RFC 3168 §6.1.1
    std::uint32_t ts_recent = 0;
};

class Connection : public TimedEntry {
  public:
    Connection(Tcp& tcp, const FourTuple& four_tuple, const ip::Path& path, State state,
               SequenceNumber iss);
    ~Connection();

    State state() const { return state_; }
    const Sender& sender() const { return sender_; }
    const Receiver& receiver() const { return receiver_; }
    const ip::Path& path() const { return path_; }

    // --- user calls (RFC 9293 §3.9.1) ---
    // Queues bytes; the count taken, zero when the buffer is full. broken_pipe after close. With
    // Fast Open (opens_with_data()) already before the handshake is complete.
    struct SendFlags {
        bool more = false;    // MSG_MORE: as if corked for this call
        bool urgent = false;  // MSG_OOB: the last byte is urgent (RFC 9293 §3.8.5)
    };
    Result<std::size_t, std::errc> send(std::span<const Bytes> parts, SendFlags flags);
    // Zero: nothing there now; at_end() tells whether there will be more.
    std::size_t receive(std::span<const MutableBytes> parts, bool peek);
    // The urgent byte, out of its place in the stream (MSG_OOB). invalid_argument: there is none,
    // or it was read; operation_would_block: announced, but not here yet.
    Result<std::uint8_t, std::errc> receive_urgent(bool peek);
    // The next byte to be read is the one after the urgent mark (SIOCATMARK).
    bool at_mark() const;
    // Fast Open: an active one waits for the first send() with its SYN, a passive one may send.
    bool opens_with_data() const {
        return sender_.early_data() != Sender::EarlyData::none &&
               (state_ == State::syn_sent || state_ == State::syn_received);
    }
    // The urgent byte has come and was not taken (POLLPRI).
    bool has_urgent() const;
    // No more will be sent (CLOSE in the RFC's sense); reading goes on.
    void close_send();
    // No more will be read: what is there and what comes is thrown away.
    void discard_received();
    // Sends RST and ends.
    void abort();

    // What one read would give: up to the urgent mark (SIOCINQ).
    std::size_t readable_bytes() const { return receiver_.readable_bytes(options()); }
    bool at_end() const { return readable_bytes() == 0 && (receiver_.fin_received() || is_over()); }
    // What send() would take now.
    std::size_t send_room() const;
    std::uint32_t send_limit_bytes() const { return send_limit_bytes_; }
    // Room enough to wake a writer for.
    bool is_writable() const;
    std::size_t unsent_bytes() const { return sender_.unsent(); }  // never sent (SIOCOUTQNSD)
    std::size_t unacknowledged_bytes() const { return sender_.unsent_and_unacknowledged(); }
    bool is_over() const { return state_ == State::closed || state_ == State::time_wait; }
    // Why it ended, or what ICMP said meanwhile; handed out once.
    std::errc take_error();
    std::errc error() const { return error_; }

    const Options& options() const { return options_ ? *options_ : default_options; }
    // Replaces them; what a living connection can still change, changes at once.
    void set_options(const Options& options);
    // TCP_QUICKACK: for a while every segment is acknowledged at once; off: delays begin now.
    void set_quick_ack(bool on);
    bool quick_ack() const;

    void set_user(ConnectionUser* user) { user_ = user; }
    Info info(Time now) const;  // info.cpp
    // In no user's hands and in no accept queue: it closes on its own.
    bool is_orphan() const { return user_ == nullptr && listener_ == nullptr; }

    // --- from below ---
    // RFC 9293 §3.10.7.3 and §3.10.7.4. none: delivered; else why nothing of it was used.
    [[nodiscard]] DropReason on_segment(Segment& segment, Time now);
    // An ICMP error about a segment with this sequence number (RFC 1122 §4.2.3.9, RFC 5927 §4.1).
    [[nodiscard]] DropReason on_icmp_error(bool hard, std::errc error, SequenceNumber quoted);
    // A router had to drop a packet because its next link takes less (path_mtu.cpp).
    [[nodiscard]] DropReason on_fragmentation_needed(const ip::ErrorReport& report, Time now);
    void on_timer(Time now);

    // --- egress ---
    struct Cursor {
        Sender::Cursor sender;
        std::uint8_t duplicates = 0;
        bool ack_now = false;
        bool keep_alive = false;
        std::uint8_t duplicate_reports = 0;
    };
    Cursor cursor() const {
        return {sender_.cursor(), receiver_.ack.duplicates, receiver_.ack.now, keep_alive_owed_, 0};
    }
    bool next_segment(Cursor& cursor, SegmentPlan& plan) const;
    // Prepends the TCP header and adds the payload's slices.
    void build(link::OutFrame& frame, const SegmentPlan& plan, Time now) const;
    void commit(const SegmentPlan& plan, Time now);
    // The pull is over: arms what must be armed. `said_all`: not the device has ended it.
    void after_transmit(bool said_all, Time now);
    void on_unreachable();  // the neighbour does not answer

  private:
    friend class Tcp;
    using Verdict = std::optional<DropReason>;  // nothing: go on with the next step

    // on_segment.cpp: the RFC's steps
    Verdict first_check_sequence_number(Segment& segment, Time now);
    Verdict second_check_rst(const Segment& segment, Time now);
    Verdict fourth_check_syn(const Segment& segment, Time now);
    Verdict fifth_check_ack(const Segment& segment, Time now);
    void sixth_check_urg(const Segment& segment);
    DropReason seventh_process_text(Segment& segment, Time now);
    void eighth_check_fin(Time now);
    Verdict check_timestamp(const Segment& segment, Time now);
    Verdict ack_in_syn_received(const Segment& segment, Time now);
    void process_ack(const Segment& segment, Time now);
    void answer_unacceptable(const Segment& segment, Time now);
    bool is_older_than_recent(const Segment& segment, Time now) const;
    void take_timestamp(const Segment& segment, Time now);
    void on_our_fin_acknowledged(Time now);
    Verdict end_by_reset(Time now);
    bool may_answer(Count skipped, Time now);
    void challenge(Time now);
    // syn_sent.cpp
    DropReason on_segment_in_syn_sent(Segment& segment, Time now);
    // fast_open_client.cpp
    bool asks_for_fast_open() const;
    void begin_fast_open(Time now);
    void conclude_fast_open(const Segment& syn_ack, Time now);
    // timeouts.cpp
    bool on_sender_deadline(Time now);  // false: it has ended
    // user_timeout.cpp
    Time user_timeout_deadline(Time now) const;
    unsigned retry_limit() const;
    bool patience_is_over() const;
    void advise_of_failure();
    void give_up();
    // keep_alive.cpp
    Duration keep_idle() const;
    void arm_keep_alive(Time now);
    bool on_idle_deadline(Time now);  // false: it has ended
    void heard_from_peer(Time now);
    // fin_wait_2.cpp
    void await_fin_as_orphan(Time now);
    // send_tuning.cpp
    std::uint32_t notsent_low_water() const;
    void tune_send_buffer();
    // path_mtu.cpp
    std::uint16_t send_mss() const;  // what a segment carries
    std::uint16_t full_packet_bytes() const;
    std::uint16_t packet_header_bytes() const;
    bool follow_path_mtu();
    void suspect_black_hole();
    void confirm_black_hole(Time now);
    // shared
    void transition(Event event);
    void take_handshake(const Segment& syn);
    void apply_handshake(const Handshake& handshake);
    void end_with(std::errc error, Event event);  // closed; the user, if any, hears why
    void report(std::errc error);
    void notify();
    void rearm();
    void mark_ready();
    Duration timestamp_rtt(const Segment& segment, Time now) const;
    Receiver::Context receiver_context(Time now) const;
    void plan_report(Cursor& cursor, SegmentPlan& plan) const;
    std::size_t sack_blocks_that_fit(const SegmentPlan& plan) const;
    wire::TcpHeader header_for(const SegmentPlan& plan, Time now) const;
    void add_syn_options(wire::TcpHeader& header, const SegmentPlan& plan, Time now) const;
    void count_sent(const SegmentPlan& plan) const;
    std::uint16_t receive_mss() const;  // what we announce
    // Sequence numbers of each direction that are done with, SYN and FIN as well, modulo 2^32.
    std::uint32_t acked_low() const { return sender_.snd().una - sender_.snd().iss; }
    std::uint32_t received_low() const { return receiver_.rcv().nxt - receiver_.rcv().irs; }
    TimerInfo timer_info(Time now) const;

    // In an order without gaps: the first three lie in the tail of TimedEntry.
    State state_;
    CompactError error_;
    CompactError soft_error_;
    Tcp& tcp_;
    ip::Path path_;
    Handshake handshake_;
    std::uint32_t send_limit_bytes_;
    Sender sender_;
    Receiver receiver_;
    ConnectionUser* user_ = nullptr;
    Listener* listener_ = nullptr;  // whose accept queue holds it
    Connection* ready_next_ = nullptr;
    Connection* ready_previous_ = nullptr;
    std::unique_ptr<Options> options_;    // none: default_options
    Time idle_deadline_ = Time::never();  // keep-alive, or FIN-WAIT-2 without a user
    CompactTime ts_recent_at_;
    std::uint32_t timestamp_offset_ = 0;
    ChallengeLimit challenge_limit_;
    std::uint32_t last_heard_ms_;  // when the peer last said something acceptable
    SequenceNumber last_ack_sent_;
    std::uint32_t path_mtu_generation_;  // of the cache when path_.mtu was taken from it
    std::uint32_t segments_in_ = 0;      // these four: for TCP_INFO
    std::uint32_t segments_out_ = 0;
    WrapCount acked_wraps_;  // of acked_low() and received_low()
    WrapCount received_wraps_;
    std::uint16_t suspected_mtu_ = 0;    // after timeouts, until something gets through; 0: none
    std::uint8_t keep_alives_sent_ = 0;  // without an answer
    bool is_ready_ : 1 = false;
    bool passive_ : 1 = false;  // a listener's handshake made it
    bool retired_ : 1 = false;  // out of the tables; lives on for its user only
    bool keep_alive_owed_ : 1 = false;
    bool unproven_ : 1 = false;   // made by a Fast Open cookie; nobody has acknowledged its SYN,ACK
    bool may_be_fragmented_ : 1;  // the path is narrower than is believed: without DF
};
// An idle connection costs 512 bytes at most with its socket handle and its place in the table: see
// tests/tcp/memory.cpp. What only some connections need belongs behind a pointer.
static_assert(sizeof(Connection) - sizeof(Sender) - sizeof(Receiver) <= 208);

}  // namespace berth::tcp
