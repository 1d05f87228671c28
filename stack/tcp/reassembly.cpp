#include "tcp/reassembly.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace berth::tcp {

namespace {

// Copies `piece` behind what the chunk holds, if its block has room for all of it.
bool pack_behind(KeptBytes& chunk, Bytes piece) {
    const std::size_t end = std::size_t{chunk.offset} + chunk.length;
    if (chunk.buffer.capacity() - end < piece.size()) return false;
    std::copy(piece.begin(), piece.end(), chunk.buffer.data() + end);
    chunk.length += static_cast<std::uint32_t>(piece.size());
    return true;
}

}  // namespace

Reassembly::Outcome Reassembly::insert(SequenceNumber seq, KeptBytes bytes, std::size_t limit_bytes,
                                       BufferPool& pool) {
    const SequenceNumber end = seq + bytes.length;
    Outcome outcome;
    outcome.duplicate = first_held_in({seq, end});
    Bytes rest = bytes.bytes();
    // From gap to gap; every island that is passed on the way is joined to the one before it, so
    // that all passing together costs no more than the islands' making did.
    while (seq != end) {
        const auto next = islands_.upper_bound(seq);
        SequenceNumber stop = next == islands_.end() || after(next->first, end) ? end : next->first;
        const bool held = next != islands_.begin() && after(std::prev(next)->second.end, seq);
        if (held)
            stop = before(end, std::prev(next)->second.end) ? end : std::prev(next)->second.end;
        const Bytes piece = rest.first(stop - seq);
        if (!held && !hold(seq, piece, bytes, limit_bytes, pool, outcome)) {
            outcome.held = false;
            break;
        }
        if (!bytes.buffer) break;  // the piece was all of it, and took the buffer along
        rest = rest.subspan(piece.size());
        seq = stop;
    }
    return outcome;
}

// `piece` of `whole` lies in a gap.
bool Reassembly::hold(SequenceNumber seq, Bytes piece, KeptBytes& whole, std::size_t limit_bytes,
                      BufferPool& pool, Outcome& outcome) {
    const bool keep = piece.size() == whole.length &&
                      KeptBytes::is_well_filled(piece.size(), whole.buffer.capacity());
    if (!keep) {
        const auto left = island_ending_at(seq);
        if (left != islands_.end() && pack_behind(left->second.chunks.back(), piece)) {
            left->second.end += static_cast<std::uint32_t>(piece.size());
            join_next(left);
            return true;
        }
    }
    const std::size_t block =
        keep ? whole.buffer.capacity()
             : (piece.size() <= BufferPool::small_block_bytes ? BufferPool::small_block_bytes
                                                              : BufferPool::large_block_bytes);
    if (!make_room(block + chunk_overhead_bytes + island_overhead_bytes, seq, limit_bytes, outcome))
        return false;
    if (keep) {
        add(seq, std::move(whole));
        return true;
    }
    KeptBytes copy;
    copy.buffer = pool.take(piece.size());
    std::copy(piece.begin(), piece.end(), copy.buffer.data());
    copy.length = static_cast<std::uint32_t>(piece.size());
    add(seq, std::move(copy));
    return true;
}

bool Reassembly::make_room(std::size_t cost, SequenceNumber seq, std::size_t limit_bytes,
                           Outcome& outcome) {
    while (charged_ + cost > limit_bytes) {
        // Nothing held lies further off than this.
        if (islands_.empty() || at_or_before(std::prev(islands_.end())->second.end, seq))
            return false;
        prune_last();
        ++outcome.pruned;
    }
    return true;
}

void Reassembly::prune_last() {
    const auto last = std::prev(islands_.end());
    auto& chunks = last->second.chunks;
    charged_ -= cost_of(chunks.back());
    last->second.end = last->second.end - chunks.back().length;
    chunks.pop_back();
    if (!chunks.empty()) return;
    islands_.erase(last);
    charged_ -= island_overhead_bytes;
}

void Reassembly::add(SequenceNumber seq, KeptBytes chunk) {
    auto island = island_ending_at(seq);
    if (island == islands_.end()) {
        island = islands_.emplace(seq, Island{seq, {}}).first;
        charged_ += island_overhead_bytes;
    }
    charged_ += cost_of(chunk);
    island->second.end += chunk.length;
    island->second.chunks.push_back(std::move(chunk));
    join_next(island);
}

// The gap behind it has been filled: the two are one, and small chunks at the seam share a block.
void Reassembly::join_next(Islands::iterator island) {
    const auto next = std::next(island);
    if (next == islands_.end() || next->first != island->second.end) return;
    auto& chunks = island->second.chunks;
    auto& following = next->second.chunks;
    if (const Bytes first = following.front().bytes();
        !KeptBytes::is_well_filled(first.size(), following.front().buffer.capacity()) &&
        pack_behind(chunks.back(), first)) {
        charged_ -= cost_of(following.front());
        following.pop_front();
    }
    chunks.splice(chunks.end(), following);
    island->second.end = next->second.end;
    islands_.erase(next);
    charged_ -= island_overhead_bytes;
}

Reassembly::Islands::iterator Reassembly::island_ending_at(SequenceNumber seq) {
    const auto above = islands_.lower_bound(seq);
    if (above == islands_.begin()) return islands_.end();
    const auto below = std::prev(above);
    return below->second.end == seq ? below : islands_.end();
}

std::list<KeptBytes> Reassembly::take_at(SequenceNumber next) {
    std::list<KeptBytes> taken;
    while (!islands_.empty() && at_or_before(islands_.begin()->first, next)) {
        auto node = islands_.extract(islands_.begin());
        charged_ -= island_overhead_bytes;
        auto& chunks = node.mapped().chunks;
        for (const KeptBytes& chunk : chunks)
            charged_ -= cost_of(chunk);
        std::uint32_t known = next - node.key();
        while (!chunks.empty() && chunks.front().length <= known) {
            known -= chunks.front().length;
            chunks.pop_front();
        }
        if (chunks.empty()) continue;  // all of it has come another way
        chunks.front().offset += known;
        chunks.front().length -= known;
        taken = std::move(chunks);
        break;
    }
    return taken;
}

void Reassembly::cut_at(SequenceNumber limit) {
    while (!islands_.empty() && after(std::prev(islands_.end())->second.end, limit)) {
        const auto last = std::prev(islands_.end());
        KeptBytes& chunk = last->second.chunks.back();
        const std::uint32_t beyond = last->second.end - limit;
        if (beyond >= chunk.length) {
            prune_last();
        } else {
            chunk.length -= beyond;
            last->second.end = limit;
        }
    }
}

std::optional<SequenceRange> Reassembly::first_held_in(SequenceRange range) const {
    auto island = islands_.upper_bound(range.begin);
    if (island != islands_.begin() && after(std::prev(island)->second.end, range.begin)) --island;
    if (island == islands_.end() || at_or_after(island->first, range.end)) return std::nullopt;
    const SequenceNumber end = island->second.end;
    return SequenceRange{later(island->first, range.begin),
                         before(end, range.end) ? end : range.end};
}

std::optional<SequenceRange> Reassembly::island_of(SequenceNumber seq) const {
    auto island = islands_.upper_bound(seq);
    if (island == islands_.begin()) return std::nullopt;
    --island;
    if (!after(island->second.end, seq)) return std::nullopt;
    return SequenceRange{island->first, island->second.end};
}

}  // namespace berth::tcp
