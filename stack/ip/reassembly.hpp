// Datagrams in pieces (RFC 791 §3.2, RFC 815, RFC 1122 §3.3.2), put together again.
//
// The rule for overlaps: pieces that agree on every byte they share may overlap; pieces that
// disagree end the datagram, and what comes of it until its time is over is dropped. Bounded in
// bytes (true cost: whole buffers), by source and in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/buffer.hpp"
#include "base/fate.hpp"
#include "base/time.hpp"
#include "ip/problem.hpp"
#include "link/frame.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

class Reassembly {
  public:
    struct Limits {
        // Above high_bytes the oldest datagrams go until low_bytes are left (Linux:
        // net.ipv4.ipfrag_high_thresh).
        std::size_t high_bytes = 4 * 1024 * 1024;
        std::size_t low_bytes = 3 * 1024 * 1024;
        std::size_t datagrams_per_source = 64;
        Duration timeout = seconds(60);  // RFC 1122 §3.3.2
    };

    Reassembly(BufferPool& pool, DropCounters& drops, const Limits& limits)
        : pool_(pool), drops_(drops), limits_(limits) {}

    // The whole datagram in a frame of its own (a complete IP packet from its first byte, header of
    // the first piece, total length and checksum put right), or the fate of this piece. Takes the
    // frame's buffer if it keeps it.
    std::variant<link::Frame, Fate> add(link::Frame& frame, const wire::Ipv4View& piece, Time now);

    // Gives up on what is incomplete for too long; `problems` hears of those whose first piece came
    // (RFC 792: time exceeded, code 1). May be nullptr.
    void advance(Time now, ProblemReceiver* problems);
    Time next_deadline() const;

    std::size_t bytes() const { return bytes_; }
    std::size_t datagrams() const;

  private:
    BufferPool& pool_;
    DropCounters& drops_;
    Limits limits_;
    std::size_t bytes_ = 0;
};

}  // namespace berth::ip
