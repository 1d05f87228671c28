// A packet's fate as a sentence: what captures say beside each frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fate.hpp"

namespace berth::drivers {

// "delivered to connection tcp 192.0.2.2:80 <-> 192.0.2.1:40000 (four-tuple match); ESTABLISHED ->
// CLOSE-WAIT", "dropped: tcp_bad_checksum: its TCP checksum is wrong (RFC 9293 3.1 MUST-3)",
// "consumed by the stack: arp reply sent", "sent: retransmission".
std::string explain_fate(const Fate& fate, Direction direction);

// RFC 9293's name of the state with this number (the order of its section 3.3.2, CLOSED first).
std::string_view tcp_state_name(std::uint8_t state);

}  // namespace berth::drivers
