// The options of an IPv4 header (RFC 791 §3.1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace berth::wire {

namespace ipv4_option {
inline constexpr std::uint8_t end = 0;
inline constexpr std::uint8_t no_operation = 1;
inline constexpr std::uint8_t record_route = 7;
inline constexpr std::uint8_t timestamp = 68;
inline constexpr std::uint8_t loose_source_route = 131;
inline constexpr std::uint8_t strict_source_route = 137;
inline constexpr std::uint8_t router_alert = 148;
}  // namespace ipv4_option

// Calls visit(option) with the bytes of each option but no-operation, up to the end of the list;
// false, where it stops, if a length does not fit.
template <class Visit>
bool walk_options(Bytes options, Visit&& visit) {
    std::size_t at = 0;
    while (at < options.size() && options[at] != ipv4_option::end) {
        if (options[at] == ipv4_option::no_operation) {
            ++at;
            continue;
        }
        const std::size_t left = options.size() - at;
        if (left < 2 || options[at + 1] < 2 || options[at + 1] > left) return false;
        visit(options.subspan(at, options[at + 1]));
        at += options[at + 1];
    }
    return true;
}

}  // namespace berth::wire
