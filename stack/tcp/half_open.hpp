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

    std::uint8_t timeouts = 0;  // of the SYN,ACK's timer
    std::uint16_t window = 0;   // the window in the SYN, unscaled
    Listener* listener;
    SequenceNumber irs;
    SequenceNumber iss;
    Handshake handshake;
    std::uint32_t answered_at_ms = 0;  // when what could not be used was answered last
    bool resent : 1 = false;           // the SYN,ACK went more than once
    bool answered : 1 = false;         // answered_at_ms means something
    bool acknowledged : 1 = false;     // the last ACK came, but could not be used (yet)
    bool by_cookie : 1 = false;        // in no table: what a SYN cookie was made of
    bool passed_time_wait : 1 = false;
};
static_assert(sizeof(HalfOpen) <= 96, "anybody can make us keep one");

}  // namespace berth::tcp
