// What the four-tuple table and the timer wheel hold of TCP: connections, half-open records,
// TIME-WAIT records.
#pragma once

#include "base/timer_wheel.hpp"
#include "demux/entry.hpp"

namespace berth::tcp {

struct TimedEntry : demux::Entry, TimerEntry {
    using demux::Entry::Entry;
};

}  // namespace berth::tcp
