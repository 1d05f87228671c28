// Two whole stacks that talk to each other in virtual time over a wire that the input holds in its
// hands. The input opens, sends, reads, closes and lets time pass on both sides, and decides what
// becomes of each segment: it arrives, is lost, doubled, held back, or changed where it hurts;
// third parties forge segments and ICMP errors. What must hold is in tcp/side.cpp (each host at
// rest), sim/wire_watch.cpp (each packet) and tcp/world.cpp (the streams, and the end of it all).
//
// Byte 0 chooses the mode (fuzz::Mode), the next seven the two hosts' options, links and backlog;
// then operations follow, one byte each with what they need.
#include <cstddef>
#include <cstdint>

#include "fuzz/tcp/session.hpp"

// What it throws is not caught: the fuzzer keeps the input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    berth::fuzz::play(berth::Bytes(data, size));
    return 0;
}
