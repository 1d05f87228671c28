// What a receiver says beside the cumulative acknowledgment: the islands that it holds (RFC 2018
// §4) and what came twice (RFC 2883 §4).
//
// It remembers where recent segments arrived, not the blocks: those are looked up when they are
// told, so that what was pruned, or joined to its neighbour, is never told as it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tcp/reassembly.hpp"
#include "tcp/sequence.hpp"
#include "wire/tcp.hpp"

namespace berth::tcp {

class SackBlocks {
  public:
    // As many as the option space has room for without timestamps (RFC 2018 §3).
    static constexpr std::size_t limit_blocks = 4;
    // Duplicates that wait for an ACK to report them; of more at one time the first are told.
    static constexpr std::size_t limit_duplicates = 4;

    // A segment that begins there was held just now.
    void note_arrival(SequenceNumber seq, const Reassembly& held);
    // False: too many wait already, it will not be told.
    bool note_duplicate(SequenceRange duplicate);
    std::size_t duplicates() const { return duplicate_count_; }
    // An ACK with the first of them was sent: each is reported once (RFC 2883 §4 (2)).
    void duplicate_was_reported();

    // The blocks for one ACK, at most `most`: the duplicate of that number (from 1; 0: none) and
    // the island that it is part of, then the islands in the order of the latest arrival, then any
    // others.
    void report(const Reassembly& held, std::size_t duplicate, std::size_t most,
                wire::TcpOptions& options) const;

  private:
    std::array<SequenceNumber, limit_blocks> recent_;  // latest first, each in another island
    std::array<SequenceRange, limit_duplicates> duplicate_;
    std::uint8_t recent_count_ = 0;
    std::uint8_t duplicate_count_ = 0;
};

}  // namespace berth::tcp
