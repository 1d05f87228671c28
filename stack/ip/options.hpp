// What a station writes into the options of a packet that passes it (RFC 791 §3.1, RFC 1812
// §5.2.4, RFC 1122 §3.2.1.8 (d) and (e)).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"

namespace berth::ip {

// Enters our address, and the time, where a record route or timestamp option of the header has room
// for them. `packet` begins with a header whose options' lengths fit; its checksum does not count
// and is not put right. The time is milliseconds since the stack's own epoch, with the high bit
// that says so. A value: the option at fault, as an offset from the packet's first byte, for a
// parameter problem.
std::optional<std::uint8_t> record_passage(MutableBytes packet, Ipv4Address own, Time now);

}  // namespace berth::ip
