// What the four-tuple table holds: anything that owns a four-tuple begins with one of these.
#pragma once

#include <cstdint>

#include "berth/address.hpp"

namespace berth::demux {

enum class EntryKind : std::uint8_t { connection, half_open, time_wait, udp };

// What a socket lets others do with its local endpoint.
struct Sharing {
    bool address : 1 = false;  // SO_REUSEADDR
    bool port : 1 = false;     // SO_REUSEPORT

    constexpr bool operator==(const Sharing&) const = default;
};

struct Entry {
    FourTuple four_tuple;
    EntryKind kind;
    Sharing sharing{};  // of TCP's; who closes or waits keeps what its socket said

    Entry(const FourTuple& tuple, EntryKind entry_kind) : four_tuple(tuple), kind(entry_kind) {}
};

}  // namespace berth::demux
