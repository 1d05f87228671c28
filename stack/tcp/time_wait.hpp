// A connection in TIME-WAIT (RFC 9293 §3.4.2, §3.6): a small record that remembers what must not be
// mistaken for something new, for two MSL.
#pragma once

#include <cstdint>

#include "tcp/segment.hpp"
#include "tcp/sequence.hpp"
#include "tcp/timed_entry.hpp"

namespace berth::tcp {

struct TimeWait : TimedEntry {
    explicit TimeWait(const FourTuple& tuple) : TimedEntry(tuple, demux::EntryKind::time_wait) {}

    SequenceNumber snd_nxt;
    SequenceNumber rcv_nxt;
    std::uint32_t ts_recent = 0;
    std::uint16_t window_field = 0;
    bool timestamps = false;

    // RFC 9293 §3.6.1 (MAY-2) and RFC 6191 §2: a SYN that cannot be an old duplicate may open the
    // four-tuple anew: a later timestamp, or, without timestamps, a later sequence number than the
    // last one seen.
    bool lets_pass(const Segment& segment) const {
        if (!segment.flags.syn || segment.flags.ack || segment.flags.rst) return false;
        if (timestamps && segment.options.timestamps) {
            const auto newer =
                static_cast<std::int32_t>(segment.options.timestamps->value - ts_recent);
            if (newer != 0) return newer > 0;
        }
        return after(segment.seq, rcv_nxt);
    }
};

}  // namespace berth::tcp
