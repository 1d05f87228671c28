// The routers on the way to a destination: packets whose TTL ends at each of them, and who says so.
#pragma once

#include <cstdint>
#include <string>

#include "host/measurement.hpp"

namespace berth::host {

struct TracePlan {
    Ipv4Address destination;
    std::uint8_t first = 1;  // TTL
    std::uint8_t last = 30;
    std::uint8_t probes = 3;  // for each TTL, all at once
    Duration timeout = seconds(3);
    Port port = 33'434;  // of the first UDP probe; each next one has the next port
    bool icmp = false;   // echo requests instead of UDP
    bool find_mtu = false;
    bool names = false;               // of who answers, from the hosts file and DNS
    std::uint16_t packet_bytes = 60;  // of the whole IP packet
};

inline constexpr std::uint8_t limit_probes_per_hop = 10;

TracePlan trace_plan(RequestFields& fields, Ipv4Address destination);

// Events: "begin" (destination, source, packet_bytes, last), "probe" (hop, probe, and, unless
// nobody answered, from, name, time_ns, type, code, info), "mtu" (hop, mtu), "end" (reached).
// Empty, or why it could not begin.
std::string trace_path(Core& core, const TracePlan& plan, const Conversation& conversation);

}  // namespace berth::host
