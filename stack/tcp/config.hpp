// TCP's knobs, with the defaults of current Linux where the RFCs leave a choice.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace berth::tcp {

struct Config {
    // Connection establishment (RFC 9293 §3.8.3 R2 for SYN segments; RFC 1122 §4.2.3.5).
    std::uint8_t syn_retries = 6;     // net.ipv4.tcp_syn_retries
    std::uint8_t synack_retries = 5;  // net.ipv4.tcp_synack_retries
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

    Duration msl = seconds(30);  // TIME-WAIT lasts 2 MSL (RFC 9293 §3.4.2); Linux: 60 s in all
    Duration fin_wait_2 = seconds(60);  // net.ipv4.tcp_fin_timeout: FIN-WAIT-2 without a socket

    std::uint32_t send_buffer_bytes = 256 * 1024;
    std::uint32_t receive_buffer_bytes = 256 * 1024;
    bool window_scaling = true;                 // net.ipv4.tcp_window_scaling (RFC 7323 §2)
    bool timestamps = true;                     // net.ipv4.tcp_timestamps (RFC 7323 §3)
    std::uint8_t initial_window_segments = 10;  // RFC 6928
    // net.ipv4.tcp_mtu_probing: when full segments vanish time after time, smaller ones are tried
    // (RFC 4821). Off by default, as in Linux: a path that loses every third packet looks the same.
    bool mtu_probing = false;

    // Bounds on what peers can make us hold.
    std::uint32_t max_connections = 1'000'000;
    std::uint32_t max_half_open = 65'536;  // records; beyond it tcp_half_open_full
    std::uint32_t max_time_wait =
        262'144;  // records; beyond it a connection ends without one, as Linux does
    std::uint32_t max_orphans = 65'536;  // connections without a socket; beyond it close aborts
    std::uint16_t max_backlog = 4096;    // net.core.somaxconn
    std::uint32_t challenge_acks_per_second = 1000;  // RFC 5961 §10, per stack
};

}  // namespace berth::tcp
