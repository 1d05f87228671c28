// What the four-tuple table and the timer wheel hold of TCP: connections and half-open records.
// (TIME-WAIT records all wait equally long: a queue is timer enough, see time_wait_queue.hpp.)
#pragma once

#include "base/timer_wheel.hpp"
#include "demux/entry.hpp"

namespace berth::tcp {

// The timer entry comes first: the table's entry then lies in its tail, and a record's own small
// fields in the tail of that.
struct TimedEntry : TimerEntry, demux::Entry {
    using demux::Entry::Entry;
};
static_assert(sizeof(TimedEntry) == 48);

}  // namespace berth::tcp
