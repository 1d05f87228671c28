// What a user may choose for one socket (tcp(7), socket(7)). A socket, a listener and a connection
// each may have a set of their own; a connection that a listener's handshake made begins with the
// listener's. A connection whose user has chosen nothing holds none: default_options stands for it.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "ip/source_route.hpp"

namespace berth::tcp {

struct Options {
    Duration user_timeout{};                 // TCP_USER_TIMEOUT (RFC 5482); zero: R2 decides
    std::uint32_t receive_buffer_bytes = 0;  // SO_RCVBUF; 0: Config's, tuned; set: as it is
    std::uint32_t send_buffer_bytes = 0;     // SO_SNDBUF; likewise
    std::uint32_t receive_low_water = 1;     // SO_RCVLOWAT, bytes
    std::uint32_t window_clamp = 0;          // TCP_WINDOW_CLAMP, bytes; 0: none
    std::uint32_t notsent_low_water = 0;     // TCP_NOTSENT_LOWAT, bytes; 0: Config's
    std::int32_t linger_s = -1;              // SO_LINGER: -1 off; 0: close aborts with RST
    std::int32_t linger2_s = 0;  // TCP_LINGER2: FIN-WAIT-2 without a socket; 0: Config's; -1: none
    std::uint32_t defer_accept_s = 0;   // TCP_DEFER_ACCEPT, listeners; 0: off
    std::uint32_t fast_open_queue = 0;  // TCP_FASTOPEN, listeners: unproven connections; 0: off
    std::uint16_t keep_idle_s = 0;      // TCP_KEEPIDLE; 0: Config's
    std::uint16_t keep_interval_s = 0;  // TCP_KEEPINTVL; 0: Config's
    std::uint16_t user_mss = 0;         // TCP_MAXSEG; 0: what the path allows
    std::uint8_t keep_count = 0;        // TCP_KEEPCNT; 0: Config's
    std::uint8_t syn_count = 0;         // TCP_SYNCNT; 0: Config's
    std::uint8_t ttl = 0;               // IP_TTL; 0: the host's
    std::uint8_t tos = 0;               // IP_TOS: DSCP and (ignored) ECN bits
    ip::SourceRoute source_route{};     // IP_OPTIONS, before the OPEN (RFC 9293 §3.9.2.1)
    bool no_delay = false;              // TCP_NODELAY: Nagle off
    bool cork = false;                  // TCP_CORK: only full segments, for 200 ms at most
    bool keep_alive = false;            // SO_KEEPALIVE
    bool out_of_band_inline = false;    // SO_OOBINLINE
    bool fast_open_connect = false;     // TCP_FASTOPEN_CONNECT

    bool operator==(const Options&) const = default;
};

inline constexpr Options default_options{};

// TCP_NOTSENT_LOWAT when nobody has chosen: as much as the buffer takes.
inline constexpr std::uint32_t no_low_water = 0xffff'ffff;

}  // namespace berth::tcp
