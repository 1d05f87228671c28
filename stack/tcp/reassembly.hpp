// Segments that arrived ahead of a gap (RFC 9293 §3.10.7.4, seventh step: "should be held").
//
// Ranges never overlap: what was held first stays. Bounded by true memory cost, so that many tiny
// segments cost the peer's window and not our memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/buffer.hpp"
#include "tcp/receive_queue.hpp"
#include "tcp/sequence.hpp"

namespace berth::tcp {

class Reassembly {
  public:
    bool empty() const { return ranges_.empty(); }
    std::size_t memory_bytes() const { return charged_; }

    // Holds what of [seq, seq + bytes.length) is not held yet. False: it would cost more than
    // `limit_bytes`, and nothing of it was kept beyond what fitted.
    bool insert(SequenceNumber seq, KeptBytes bytes, std::size_t limit_bytes, BufferPool& pool);

    // The bytes that begin at `next` or before it and end after it; trimmed to begin there.
    std::optional<KeptBytes> take_at(SequenceNumber next);

    struct Range {
        SequenceNumber begin;
        KeptBytes bytes;
        SequenceNumber end() const { return begin + bytes.length; }
    };
    const std::vector<Range>& ranges() const { return ranges_; }

  private:
    bool insert_piece(std::size_t at, SequenceNumber seq, Bytes piece, KeptBytes& whole,
                      std::size_t limit_bytes, BufferPool& pool);

    std::vector<Range> ranges_;  // in sequence order
    std::size_t charged_ = 0;
};

}  // namespace berth::tcp
