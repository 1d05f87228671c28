#include "tcp/send_buffer.hpp"

#include <algorithm>

namespace berth::tcp {

std::size_t SendBuffer::append(std::span<const Bytes> parts, std::size_t room) {
    std::size_t taken = 0;
    for (Bytes part : parts) {
        while (!part.empty() && taken < room) {
            if (held_ == nullptr) held_ = std::make_unique<Held>();
            std::vector<Chunk>& chunks = held_->chunks;
            if (chunks.empty() || chunks.back().end == chunks.back().capacity) {
                // One short message costs a small chunk; a stream gets large ones.
                const std::size_t wanted = chunks.empty() && part.size() <= small_chunk_bytes
                                               ? small_chunk_bytes
                                               : large_chunk_bytes;
                chunks.push_back({std::unique_ptr<std::uint8_t[]>(new std::uint8_t[wanted]),
                                  static_cast<std::uint32_t>(wanted), 0, 0});
            }
            Chunk& chunk = chunks.back();
            const std::size_t count =
                std::min({part.size(), room - taken, std::size_t{chunk.capacity - chunk.end}});
            std::copy_n(part.begin(), count, chunk.data.get() + chunk.end);
            chunk.end += static_cast<std::uint32_t>(count);
            part = part.subspan(count);
            taken += count;
            held_->size += count;
        }
    }
    return taken;
}

void SendBuffer::consume(std::size_t count) {
    if (count == 0) return;
    if (count == size()) {
        held_.reset();
        return;
    }
    std::vector<Chunk>& chunks = held_->chunks;
    std::size_t& first = held_->first;
    held_->size -= count;
    while (count > 0) {
        Chunk& chunk = chunks[first];
        const std::size_t part = std::min(count, chunk.size());
        chunk.begin += static_cast<std::uint32_t>(part);
        count -= part;
        if (chunk.size() == 0) {
            chunk.data.reset();
            ++first;
        }
    }
    if (first > 32 && first * 2 > chunks.size()) {
        chunks.erase(chunks.begin(), chunks.begin() + static_cast<std::ptrdiff_t>(first));
        first = 0;
    }
}

void SendBuffer::slice_into(link::OutFrame& frame, std::size_t offset, std::size_t length) const {
    std::size_t i = held_->first;
    if (const std::size_t in_first = held_->chunks[i].size(); offset >= in_first) {
        i += 1 + (offset - in_first) / large_chunk_bytes;
        offset = (offset - in_first) % large_chunk_bytes;
    }
    for (; length > 0; ++i) {
        const Chunk& chunk = held_->chunks[i];
        const std::size_t count = std::min(length, chunk.size() - offset);
        frame.add_slice({chunk.data.get() + chunk.begin + offset, count});
        length -= count;
        offset = 0;
    }
}

std::size_t SendBuffer::memory_bytes() const {
    if (held_ == nullptr) return 0;
    std::size_t sum = sizeof(Held) + held_->chunks.capacity() * sizeof(Chunk);
    for (std::size_t i = held_->first; i < held_->chunks.size(); ++i)
        sum += held_->chunks[i].capacity;
    return sum;
}

}  // namespace berth::tcp
