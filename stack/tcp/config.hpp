// TCP's knobs, with the defaults of current Linux where the RFCs leave a choice. Where Linux's
// default breaks a MUST of RFC 9293, the MUST wins.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace berth::tcp {

struct Config {
    // Connection establishment (RFC 9293 §3.8.3 R2 for SYN segments; RFC 1122 §4.2.3.5).
    // net.ipv4.tcp_syn_retries. Linux's 6 give up after 127 s; MUST-23 asks for three minutes.
    std::uint8_t syn_retries = 7;
    std::uint8_t synack_retries = 5;  // net.ipv4.tcp_synack_retries
    std::uint8_t retries1 = 3;        // net.ipv4.tcp_retries1: R1 for data
    std::uint8_t data_retries = 15;   // net.ipv4.tcp_retries2: R2 for data
    std::uint8_t orphan_retries = 8;  // net.ipv4.tcp_orphan_retries: R2 once no socket is left

    // RFC 6298. The minimum deviates from §2.4's 1 s as Linux, the BSDs and RFC 8961's discussion
    // do.
    Duration rto_initial = seconds(1);
    Duration rto_min = milliseconds(200);
    Duration rto_max = seconds(120);

    // RFC 9293 §3.8.6.3: at least every second full segment and within 500 ms.
    Duration delayed_ack = milliseconds(40);
    std::uint8_t delayed_ack_segments = 2;
    // Segments acknowledged at once when a connection begins, while the peer's window is small.
    std::uint8_t quick_ack_segments = 16;

    // RFC 9293 §3.8.4 (MUST-24 … MUST-29).
    Duration keep_idle = seconds(7200);    // net.ipv4.tcp_keepalive_time
    Duration keep_interval = seconds(75);  // net.ipv4.tcp_keepalive_intvl
    std::uint8_t keep_probes = 9;          // net.ipv4.tcp_keepalive_probes

    Duration msl = seconds(30);  // TIME-WAIT lasts 2 MSL (RFC 9293 §3.4.2); Linux: 60 s in all
    Duration fin_wait_2 = seconds(60);  // net.ipv4.tcp_fin_timeout: FIN-WAIT-2 without a socket

    // Buffers: where they begin and how far tuning takes them (net.ipv4.tcp_wmem, tcp_rmem).
    std::uint32_t send_buffer_bytes = 256 * 1024;
    std::uint32_t send_buffer_max_bytes = 4 * 1024 * 1024;
    std::uint32_t receive_buffer_bytes = 128 * 1024;
    std::uint32_t receive_buffer_max_bytes = 6 * 1024 * 1024;
    bool moderate_receive_buffer = true;            // net.ipv4.tcp_moderate_rcvbuf
    std::uint32_t notsent_low_water = 0xffff'ffff;  // net.ipv4.tcp_notsent_lowat

    bool window_scaling = true;  // net.ipv4.tcp_window_scaling (RFC 7323 §2)
    bool timestamps = true;      // net.ipv4.tcp_timestamps (RFC 7323 §3)
    bool sack = true;            // net.ipv4.tcp_sack (RFC 2018)
    bool dsack = true;           // net.ipv4.tcp_dsack (RFC 2883)
    // net.ipv4.tcp_ecn (RFC 3168): 0 never, 1 asked for and granted, 2 granted only.
    std::uint8_t ecn = 2;
    // net.ipv4.tcp_fastopen (RFC 7413), bits: 1 client, 2 server.
    std::uint8_t fast_open = 1;
    std::uint8_t initial_window_segments = 10;  // RFC 6928
    bool slow_start_after_idle = true;  // net.ipv4.tcp_slow_start_after_idle (RFC 5681 §4.1)
    // net.ipv4.tcp_mtu_probing: when full segments vanish time after time, smaller ones are tried
    // (RFC 4821). Off by default, as in Linux: a path that loses every third packet looks the same.
    bool mtu_probing = false;

    // Hardening.
    std::uint8_t syn_cookies = 1;    // net.ipv4.tcp_syncookies: 0 never, 1 when full, 2 always
    bool abort_on_overflow = false;  // net.ipv4.tcp_abort_on_overflow
    bool rfc1337 =
        true;  // net.ipv4.tcp_rfc1337: a RST does not end TIME-WAIT (Linux's default: it does)
    // net.ipv4.tcp_tw_reuse: an active OPEN may take a four-tuple out of TIME-WAIT (RFC 6191):
    // 0 never, 1 when a second has passed, 2 only over loopback.
    std::uint8_t time_wait_reuse = 1;
    // RFC 5961 on or off: off takes a RST or SYN anywhere in the window, as RFC 793 did.
    bool blind_attack_checks = true;
    // RFC 5961 §10: challenge ACKs of one connection (or TIME-WAIT record) keep this distance
    // (net.ipv4.tcp_invalid_ratelimit); connections share no limit, which would be a side channel.
    Duration challenge_interval = milliseconds(500);
    // What half-open and TIME-WAIT records of a stack answer to segments that they cannot use.
    std::uint32_t challenge_acks_per_second = 1000;

    // Bounds on what peers can make us hold.
    std::uint32_t max_connections = 1'000'000;
    std::uint32_t max_half_open = 65'536;   // records (net.ipv4.tcp_max_syn_backlog)
    std::uint32_t max_time_wait = 262'144;  // records; beyond it the oldest makes room
    std::uint32_t max_orphans = 65'536;     // connections without a socket; beyond it close aborts
    std::uint16_t max_backlog = 4096;       // net.core.somaxconn
};

}  // namespace berth::tcp
