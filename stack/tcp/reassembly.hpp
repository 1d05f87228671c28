// Segments that arrived ahead of a gap (RFC 9293 §3.10.7.4, seventh step: "should be held").
//
// Held as islands: runs without a gap, which never touch or overlap (what was held first stays).
// Islands are found by their number in a balanced tree and grow or merge only at their ends, so
// that a segment costs O(log islands), however the peer arranges the gaps (CVE-2018-5390). Bounded
// by true memory cost; when it would cost more, what lies furthest from RCV.NXT goes first, so that
// the stream can always go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "base/buffer.hpp"
#include "tcp/receive_queue.hpp"
#include "tcp/sequence.hpp"

namespace berth::tcp {

// [begin, end) on the circle.
struct SequenceRange {
    SequenceNumber begin;
    SequenceNumber end;
    bool operator==(const SequenceRange&) const = default;
};

class Reassembly {
  public:
    // What a chunk and an island cost beside their blocks: the nodes, and the allocator's share.
    static constexpr std::size_t chunk_overhead_bytes = 64;
    static constexpr std::size_t island_overhead_bytes = 96;

    struct Outcome {
        bool held = true;                        // false: some of it was refused for the bound
        std::uint32_t pruned = 0;                // chunks further off that went for it
        std::optional<SequenceRange> duplicate;  // the first part of it that was held already
    };

    bool empty() const { return islands_.empty(); }
    std::size_t islands() const { return islands_.size(); }
    std::size_t memory_bytes() const { return charged_; }

    // Holds what of [seq, seq + bytes.length) is not held yet.
    Outcome insert(SequenceNumber seq, KeptBytes bytes, std::size_t limit_bytes, BufferPool& pool);

    // What is held from `next` on without a gap, in order; whatever lies before it is dropped.
    std::list<KeptBytes> take_at(SequenceNumber next);
    // Nothing at `limit` or beyond it is wanted: the stream ends there.
    void cut_at(SequenceNumber limit);

    // The first part of `range` that is held.
    std::optional<SequenceRange> first_held_in(SequenceRange range) const;
    std::optional<SequenceRange> island_of(SequenceNumber seq) const;
    // Calls visit(SequenceRange) for each island, upwards, until it says false.
    template <class Visitor>
    void visit_islands(Visitor&& visit) const {
        for (const auto& [begin, island] : islands_)
            if (!visit(SequenceRange{begin, island.end})) return;
    }

  private:
    struct Island {
        SequenceNumber end;
        std::list<KeptBytes> chunks;
    };
    // A strict order among numbers of one window, which is less than half of the circle.
    struct Upwards {
        bool operator()(SequenceNumber a, SequenceNumber b) const { return before(a, b); }
    };
    using Islands = std::map<SequenceNumber, Island, Upwards>;

    static std::size_t cost_of(const KeptBytes& chunk) {
        return chunk.buffer.capacity() + chunk_overhead_bytes;
    }
    bool hold(SequenceNumber seq, Bytes piece, KeptBytes& whole, std::size_t limit_bytes,
              BufferPool& pool, Outcome& outcome);
    bool make_room(std::size_t cost, SequenceNumber seq, std::size_t limit_bytes, Outcome& outcome);
    void prune_last();
    void add(SequenceNumber seq, KeptBytes chunk);
    void join_next(Islands::iterator island);
    Islands::iterator island_ending_at(SequenceNumber seq);

    Islands islands_;
    std::size_t charged_ = 0;
};

}  // namespace berth::tcp
