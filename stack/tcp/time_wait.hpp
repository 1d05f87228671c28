// A connection in TIME-WAIT (RFC 9293 §3.4.2, §3.6): a small record that remembers what must not be
// mistaken for something new, for two MSL.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "demux/entry.hpp"
#include "tcp/segment.hpp"
#include "tcp/sequence.hpp"

namespace berth::tcp {

struct TimeWait : demux::Entry {
    explicit TimeWait(const FourTuple& tuple) : Entry(tuple, demux::EntryKind::time_wait) {}

    bool timestamps : 1 = false;
    bool challenged : 1 = false;  // challenged_ms has a meaning
    std::uint8_t window_shift : 4 = 0;
    std::uint16_t window_field = 0;  // what an ACK advertises, scaled by window_shift
    SequenceNumber snd_nxt;
    SequenceNumber rcv_nxt;
    std::uint32_t ts_recent = 0;
    std::uint32_t challenged_ms = 0;  // when it last sent a challenge ACK, the clock's low bits
    Time until{};                     // two MSL after the last word of either side
    TimeWait* next = nullptr;         // TimeWaitQueue's
    TimeWait* previous = nullptr;

    // RFC 9293 §3.6.1 (MAY-2) with RFC 6191 §2: a SYN that cannot be an old duplicate may open the
    // four-tuple anew. `would_use_timestamps`: both sides would in the new incarnation.
    bool lets_pass(const Segment& segment, bool would_use_timestamps) const;
    // RFC 6191 from the side that opens: the peer can tell our SYN from an old duplicate by its
    // timestamp, once a second has passed since either side spoke last.
    bool can_be_reused(Duration two_msl, Time now) const {
        return timestamps && now - (until - two_msl) >= seconds(1);
    }
    // A number for our SYN that lies above everything that was sent before (§3.6.1, RFC 6191 §2).
    SequenceNumber above_it(SequenceNumber proposed) const {
        constexpr std::uint32_t step = 0x10000;
        return after(proposed, snd_nxt) ? proposed : snd_nxt + step;
    }
};
static_assert(sizeof(TimeWait) <= 64, "one cache line: there may be millions");

}  // namespace berth::tcp
