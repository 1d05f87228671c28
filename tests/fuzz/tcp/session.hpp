// An input played from its first byte to its last, and on until nothing is left of it.
#pragma once

#include "base/bytes.hpp"
#include "fuzz/tcp/world.hpp"

namespace berth::fuzz {

enum Operation : std::uint8_t {
    op_run,  // everything on the wire arrives, and what is said to it
    op_deliver,
    op_drop,
    op_duplicate,
    op_hold_back,
    op_change,
    op_forge,
    op_icmp,
    op_pass,  // time, while frames flow
    op_hold,  // time, while frames wait
    op_connect,
    op_connect_from,  // from a fixed port, perhaps to a fixed port: simultaneous opens, reuse
    op_accept,
    op_send,
    op_send_flagged,
    op_read,
    op_shut,
    op_close,
    op_options,
    op_refuse,
    op_listen,
    op_count,
};

// Throws Broken when something does not hold.
void play(Bytes input);

}  // namespace berth::fuzz
