// What happens, told line by line on stderr when BERTH_FUZZ_STORY is set: for reading what an input
// does. Sequence numbers are shown as they are on the wire.
#pragma once

#include <string>

#include "base/fate.hpp"

namespace berth::fuzz {

bool tells_story();
void tell(Time now, const std::string& what);
void tell_packet(const char* host, Direction direction, Time now, Bytes packet, const Fate& fate);

}  // namespace berth::fuzz
