#include "tcp/send_buffer.hpp"

#include <algorithm>

namespace berth::tcp {

std::size_t SendBuffer::append(std::span<const Bytes> parts, std::size_t room) {
    std::size_t taken = 0;
    for (Bytes part : parts) {
        while (!part.empty() && taken < room) {
            if (chunks_.size() == first_ || chunks_.back().end == chunks_.back().capacity) {
                // One short message costs a small chunk; a stream gets large ones.
                const std::size_t wanted = size_ == 0 && part.size() <= small_chunk_bytes
                                               ? small_chunk_bytes
                                               : large_chunk_bytes;
                chunks_.push_back({std::unique_ptr<std::uint8_t[]>(new std::uint8_t[wanted]),
                                   static_cast<std::uint32_t>(wanted), 0, 0});
            }
            Chunk& chunk = chunks_.back();
            const std::size_t count =
                std::min({part.size(), room - taken, std::size_t{chunk.capacity - chunk.end}});
            std::copy_n(part.begin(), count, chunk.data.get() + chunk.end);
            chunk.end += static_cast<std::uint32_t>(count);
            part = part.subspan(count);
            taken += count;
            size_ += count;
        }
    }
    return taken;
}

void SendBuffer::consume(std::size_t count) {
    size_ -= count;
    while (count > 0) {
        Chunk& chunk = chunks_[first_];
        const std::size_t part = std::min(count, chunk.size());
        chunk.begin += static_cast<std::uint32_t>(part);
        count -= part;
        if (chunk.size() == 0) {
            chunk.data.reset();
            ++first_;
        }
    }
    if (size_ == 0) {
        chunks_ = std::vector<Chunk>();
        first_ = 0;
    } else if (first_ > 32 && first_ * 2 > chunks_.size()) {
        chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

void SendBuffer::slice_into(link::OutFrame& frame, std::size_t offset, std::size_t length) const {
    for (std::size_t i = first_; i < chunks_.size() && length > 0; ++i) {
        const Chunk& chunk = chunks_[i];
        if (offset >= chunk.size()) {
            offset -= chunk.size();
            continue;
        }
        const std::size_t count = std::min(length, chunk.size() - offset);
        frame.add_slice({chunk.data.get() + chunk.begin + offset, count});
        length -= count;
        offset = 0;
    }
}

std::size_t SendBuffer::memory_bytes() const {
    std::size_t sum = chunks_.capacity() * sizeof(Chunk);
    for (std::size_t i = first_; i < chunks_.size(); ++i)
        sum += chunks_[i].capacity;
    return sum;
}

}  // namespace berth::tcp
