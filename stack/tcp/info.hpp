// What a connection knows of itself, for TCP_INFO (Linux's tcp(7)) and `ss -i`. A snapshot: asking
// costs the one who asks; a connection keeps nothing for it but what is counted here anyway.
//
// Of Linux's struct tcp_info these are not tracked, and are zero there: data_segs_in and
// data_segs_out, the times of the last data and ACK received, pacing and delivery rates, the times
// busy or limited, bytes_sent and bytes_retrans, dsack_dups and reord_seen.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.hpp"
#include "demux/entry.hpp"
#include "tcp/state.hpp"

namespace berth::tcp {

// What will happen next of its own accord, as `ss -o` has it.
struct TimerInfo {
    enum class Kind : std::uint8_t { none, on, keepalive, time_wait, persist };
    Kind kind = Kind::none;  // on: a retransmission
    Duration left{};         // until then
    std::uint8_t tries = 0;  // so far, without an answer
};

struct Info {
    State state = State::closed;
    std::string_view congestion;  // the algorithm, by Linux's name
    TimerInfo timer;

    // What the handshake agreed on.
    bool timestamps = false;
    bool sack = false;
    bool window_scaling = false;
    bool ecn = false;
    std::uint8_t snd_wscale = 0;  // the peer's shift: of the windows that we are told
    std::uint8_t rcv_wscale = 0;  // ours

    // Sizes, in bytes.
    std::uint32_t snd_mss = 0;  // payload of a full segment that we send
    std::uint32_t rcv_mss = 0;  // the largest payload that has come, or what we believe
    std::uint32_t advmss = 0;   // that we announced, less what timestamps take of it (as Linux)
    std::uint32_t pmtu = 0;     // of the path, as far as it is known
    std::uint32_t snd_wnd = 0;  // the peer's window
    std::uint32_t rcv_wnd = 0;  // ours

    // Times.
    Duration rto{};
    Duration ato{};  // how long an acknowledgment may wait
    Duration rtt{};  // smoothed (RFC 6298's SRTT); zero: not measured
    Duration rttvar{};
    Duration rcv_rtt{};         // as our receiving half sees it
    Duration last_data_sent{};  // so long ago; zero: never

    // Congestion, in bytes.
    std::uint32_t cwnd = 0;
    std::uint32_t ssthresh = 0;
    bool ssthresh_is_infinite = false;
    bool in_recovery = false;
    bool in_loss = false;  // after a timeout

    // What is under way.
    std::uint32_t flight = 0;         // bytes sent and not acknowledged
    std::uint32_t notsent_bytes = 0;  // queued
    std::uint8_t backoff = 0;         // doublings of the RTO
    std::uint8_t unanswered =
        0;                    // timeouts in a row: retransmissions, or probes of a closed window
    bool is_probing = false;  // which of the two

    // Since the beginning.
    std::uint64_t retransmissions = 0;  // segments
    std::uint64_t bytes_acked = 0;
    std::uint64_t bytes_received = 0;
    std::uint32_t segs_in = 0;
    std::uint32_t segs_out = 0;

    // Memory: what the buffers cost, and how much they may.
    std::uint64_t receive_memory = 0;
    std::uint64_t receive_buffer = 0;
    std::uint64_t send_memory = 0;
    std::uint64_t send_buffer = 0;
};

// Of whatever the four-tuple table holds: a connection tells all, a half-open or TIME-WAIT record
// its state and timer.
Info info_of(const demux::Entry& entry, Time now);

}  // namespace berth::tcp
