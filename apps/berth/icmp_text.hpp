// ICMP errors in the words of ping and traceroute.
#pragma once

#include <cstdint>
#include <string>

namespace berth::app {

// "Destination Host Unreachable", "Time to live exceeded" … `info` is the MTU or the pointer that
// the message bears.
std::string ping_error_text(unsigned type, unsigned code, std::uint64_t info);

// What traceroute writes behind a time: "!H", "!F-1400" …; empty: nothing is wrong.
std::string trace_mark(unsigned type, unsigned code, std::uint64_t info);

}  // namespace berth::app
