// The pieces of one datagram that have come so far (RFC 791 §3.2, RFC 815).
//
// RFC 815 keeps the list of holes; this keeps the list of what lies between them, sorted and
// without overlap, which is the same knowledge: a hole is what two neighbours leave, and none is
// left when the pieces add up to the datagram's length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/buffer.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "link/frame.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

class IncompleteDatagram {
  public:
    // Pieces kept of one datagram, so that eight bytes at a time cost neither memory nor time out
    // of proportion. A datagram of any length over links of at least 148 bytes has fewer; beyond it
    // the datagram is discarded (ip_fragment_tiny).
    static constexpr std::size_t limit_pieces = 512;

    enum class Outcome : std::uint8_t { kept, known };  // known: it brought nothing new
    // Takes a piece that is well formed by itself. The frame's buffer is taken with it where it is
    // at least half used, else the bytes are copied. The failure is the end of the datagram:
    // ip_fragment_overlap, ip_fragment_too_long, ip_fragment_tiny.
    Result<Outcome, DropReason> add(link::Frame& frame, const wire::Ipv4View& piece);

    bool is_complete() const { return end_ && covered_bytes_ == *end_; }
    // The whole as one packet. ip_fragment_too_long, ip_fragment_ecn, ip_fragment_memory.
    Result<link::Frame, DropReason> assemble(BufferPool& pool, Time arrival) const;

    // The piece that began the datagram, as it came; empty if it did not.
    Bytes first_packet() const;
    // Forgets all pieces.
    void clear();
    // What the pieces hold by true cost: whole buffers, whole copies, and what keeps them.
    std::size_t charged_bytes() const {
        return storage_bytes_ + pieces_.capacity() * sizeof(Piece);
    }
    std::size_t pieces() const { return pieces_.size(); }

  private:
    struct Piece {
        Buffer buffer;                         // one of the two …
        std::unique_ptr<std::uint8_t[]> copy;  // … holds the bytes
        std::uint32_t at = 0;                  // where they begin in there
        std::uint32_t storage_bytes = 0;
        std::uint32_t offset = 0;  // where they belong in the datagram's payload
        std::uint32_t length = 0;

        std::uint32_t end() const { return offset + length; }
        Bytes bytes() const;
    };
    using Pieces = std::vector<Piece>;
    struct Range {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
        Bytes bytes;
    };

    bool contradicts_end(std::uint32_t end, bool more) const;
    static bool agrees(const Piece& piece, const Range& range);
    static Piece keep(link::Frame& frame, Bytes stored, std::uint32_t skipped);
    Pieces::iterator make_room(Range& range, Pieces::iterator first, Pieces::iterator last);

    Pieces pieces_;                     // by offset, without overlap
    std::optional<std::uint32_t> end_;  // of the payload: the last piece has come
    std::uint32_t farthest_more_ = 0;   // the largest end of a piece that others follow
    std::uint32_t covered_bytes_ = 0;
    std::uint32_t first_header_bytes_ = 0;  // of the piece at offset zero; 0: it has not come
    std::size_t storage_bytes_ = 0;
    std::uint8_t ecn_seen_ = 0;  // one bit for each codepoint
};

}  // namespace berth::ip
