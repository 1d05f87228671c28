#include "tcp/receive_queue.hpp"

#include <algorithm>
#include <utility>

namespace berth::tcp {

void ReceiveQueue::append(KeptBytes bytes, BufferPool& pool) {
    if (bytes.length == 0) return;
    size_ += bytes.length;
    if (KeptBytes::is_well_filled(bytes.length, bytes.buffer.capacity())) {
        charged_ += bytes.buffer.capacity();
        chunks_.push_back(std::move(bytes));
        return;
    }
    // Pack: into the room behind the last chunk, then into a block of its own.
    Bytes rest = bytes.bytes();
    if (chunks_.size() > first_) {
        KeptBytes& last = chunks_.back();
        const std::size_t end = std::size_t{last.offset} + last.length;
        const std::size_t count = std::min(rest.size(), last.buffer.capacity() - end);
        std::copy_n(rest.begin(), count, last.buffer.data() + end);
        last.length += static_cast<std::uint32_t>(count);
        rest = rest.subspan(count);
    }
    if (rest.empty()) return;
    KeptBytes packed;
    packed.buffer = pool.take(rest.size());
    std::copy(rest.begin(), rest.end(), packed.buffer.data());
    packed.length = static_cast<std::uint32_t>(rest.size());
    charged_ += packed.buffer.capacity();
    chunks_.push_back(std::move(packed));
}

std::size_t ReceiveQueue::copy(std::span<const MutableBytes> parts, std::size_t from,
                               std::size_t most) const {
    std::size_t chunk = first_;
    while (chunk < chunks_.size() && from >= chunks_[chunk].length)
        from -= chunks_[chunk++].length;
    std::size_t copied = 0;
    for (MutableBytes part : parts) {
        part = part.first(std::min(part.size(), most - copied));
        while (!part.empty() && chunk < chunks_.size()) {
            const Bytes source = chunks_[chunk].bytes().subspan(from);
            const std::size_t count = std::min(part.size(), source.size());
            std::copy_n(source.begin(), count, part.begin());
            part = part.subspan(count);
            copied += count;
            from += count;
            if (from == chunks_[chunk].length) {
                ++chunk;
                from = 0;
            }
        }
    }
    return copied;
}

void ReceiveQueue::consume(std::size_t bytes) {
    size_ -= bytes;
    if (size_ == 0) return clear();
    while (bytes > 0) {
        KeptBytes& front = chunks_[first_];
        if (bytes < front.length) {
            front.offset += static_cast<std::uint32_t>(bytes);
            front.length -= static_cast<std::uint32_t>(bytes);
            break;
        }
        bytes -= front.length;
        charged_ -= front.buffer.capacity();
        front.buffer.release();
        ++first_;
    }
    // The spent front of the list goes when it is worth the moving.
    if (first_ > 64 && first_ * 2 > chunks_.size()) {
        chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

void ReceiveQueue::clear() {
    chunks_ = std::vector<KeptBytes>();
    first_ = 0;
    size_ = 0;
    charged_ = 0;
}

}  // namespace berth::tcp
