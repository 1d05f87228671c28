// A connection in SYN-RECEIVED that a listener has not been told of: a small record, because
// anybody can make us keep one with a single packet (RFC 4987 §2).
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "ip/ipv4.hpp"
#include "tcp/connection.hpp"
#include "tcp/listener.hpp"
#include "tcp/sequence.hpp"
#include "tcp/timed_entry.hpp"

namespace berth::tcp {

struct HalfOpen : TimedEntry {
    HalfOpen(const FourTuple& tuple, Listener& who)
        : TimedEntry(tuple, demux::EntryKind::half_open), listener(&who) {}

    bool peer_scales = false;  // the SYN offered window scaling
    std::uint16_t window = 0;  // the window in the SYN, unscaled
    Listener* listener;
    SequenceNumber irs;
    SequenceNumber iss;
    Handshake handshake;
    std::uint8_t retries = 0;  // SYN,ACKs sent again
    bool passed_time_wait = false;
};
static_assert(sizeof(HalfOpen) <= 96, "anybody can make us keep one");

}  // namespace berth::tcp
