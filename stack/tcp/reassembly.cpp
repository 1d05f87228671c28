#include "tcp/reassembly.hpp"

#include <algorithm>
#include <utility>

namespace berth::tcp {

bool Reassembly::insert(SequenceNumber seq, KeptBytes bytes, std::size_t limit_bytes,
                        BufferPool& pool) {
    Bytes rest = bytes.bytes();
    std::size_t at = 0;
    while (at < ranges_.size() && at_or_before(ranges_[at].end(), seq))
        ++at;

    // Walk the ranges that may overlap; what lies in the gaps between them is new.
    while (!rest.empty()) {
        if (at == ranges_.size()) return insert_piece(at, seq, rest, bytes, limit_bytes, pool);
        const SequenceNumber held_begin = ranges_[at].begin;
        const SequenceNumber held_end = ranges_[at].end();
        if (before(seq, held_begin)) {
            const std::size_t gap = std::min<std::size_t>(rest.size(), held_begin - seq);
            if (!insert_piece(at, seq, rest.first(gap), bytes, limit_bytes, pool)) return false;
            ++at;
            seq += static_cast<std::uint32_t>(gap);
            rest = rest.subspan(gap);
            if (!bytes.buffer) return true;  // the piece was all of it, and took the buffer along
        } else {
            const std::size_t held = std::min<std::size_t>(rest.size(), held_end - seq);
            seq += static_cast<std::uint32_t>(held);
            rest = rest.subspan(held);
            ++at;
        }
    }
    return true;
}

bool Reassembly::insert_piece(std::size_t at, SequenceNumber seq, Bytes piece, KeptBytes& whole,
                              std::size_t limit_bytes, BufferPool& pool) {
    Range range{seq, {}};
    const bool keep = piece.size() == whole.length &&
                      KeptBytes::is_well_filled(piece.size(), whole.buffer.capacity());
    const std::size_t cost =
        keep ? whole.buffer.capacity() : std::max(piece.size(), BufferPool::small_block_bytes);
    if (charged_ + cost > limit_bytes) return false;
    if (keep) {
        range.bytes = std::move(whole);
    } else {
        range.bytes.buffer = pool.take(piece.size());
        std::copy(piece.begin(), piece.end(), range.bytes.buffer.data());
        range.bytes.length = static_cast<std::uint32_t>(piece.size());
    }
    charged_ += range.bytes.buffer.capacity();
    ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(at), std::move(range));
    return true;
}

std::optional<KeptBytes> Reassembly::take_at(SequenceNumber next) {
    while (!ranges_.empty() && at_or_before(ranges_.front().begin, next)) {
        Range range = std::move(ranges_.front());
        ranges_.erase(ranges_.begin());
        charged_ -= range.bytes.buffer.capacity();
        if (ranges_.empty()) ranges_ = std::vector<Range>();
        if (!after(range.end(), next)) continue;  // all of it has come another way
        const std::uint32_t known = next - range.begin;
        range.bytes.offset += known;
        range.bytes.length -= known;
        return std::move(range.bytes);
    }
    return std::nullopt;
}

}  // namespace berth::tcp
