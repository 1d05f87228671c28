// Echo requests from a host at a steady pace, and what comes back (RFC 792, RFC 1122 §3.2.2.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/measurement.hpp"
#include "socket/socket.hpp"

namespace berth::host {

struct PingPlan {
    Ipv4Address destination;
    std::uint32_t count = 0;  // 0: without end
    Duration interval = seconds(1);
    Duration timeout = seconds(10);  // for the last answers, while none has come at all
    Duration deadline{};             // of the whole; zero: none. Then `count` is of answers.
    std::uint16_t size = 56;         // bytes behind the ICMP header
    std::uint8_t ttl = 0;            // 0: the socket's own
    std::uint8_t tos = 0;
    bool broadcast = false;  // may be sent to a broadcast address
    std::optional<socket::MtuDiscover> mtu_discover{};
    std::vector<std::uint8_t> pattern{};  // repeated; empty: bytes that count up
};

// The fastest pace that a user may ask for.
inline constexpr Duration least_ping_interval = milliseconds(2);
// 65535 minus the IP header and the ICMP header.
inline constexpr std::uint16_t greatest_ping_size = 65'507;
inline constexpr std::size_t limit_pattern_bytes = 16;

PingPlan ping_plan(RequestFields& fields, Ipv4Address destination);

// Events: "begin" (destination, source, size), "reply" (from, sequence, bytes, ttl, time_ns,
// duplicate, and wrong_byte where the payload differs), "error" (from, sequence, type, code, info),
// "local_error" (sequence, errno, mtu), "end" (sent, elapsed_ns, pipe). Empty, or why it could not
// begin.
std::string ping(Core& core, const PingPlan& plan, const Conversation& conversation);

}  // namespace berth::host
