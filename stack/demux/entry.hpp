// What the four-tuple table holds: anything that owns a four-tuple begins with one of these.
#pragma once

#include <cstdint>

#include "berth/address.hpp"

namespace berth::demux {

enum class EntryKind : std::uint8_t { connection, half_open, time_wait, udp };

struct Entry {
    FourTuple four_tuple;
    EntryKind kind;

    Entry(const FourTuple& tuple, EntryKind entry_kind) : four_tuple(tuple), kind(entry_kind) {}
};

}  // namespace berth::demux
