// Received bytes in order, waiting for the user to read them. Keeps the frames' own buffers where
// they are well filled and packs the rest, so that the true cost stays within twice the bytes and
// one block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.hpp"
#include "base/bytes.hpp"

namespace berth::tcp {

// Bytes in a buffer that somebody kept.
struct KeptBytes {
    Buffer buffer;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;

    Bytes bytes() const { return buffer.bytes().subspan(offset, length); }
    // Worth keeping by reference: at least half of the block is used.
    static bool is_well_filled(std::size_t bytes, std::size_t capacity) {
        return 2 * bytes >= capacity;
    }
};

class ReceiveQueue {
  public:
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t memory_bytes() const { return charged_; }

    void append(KeptBytes bytes, BufferPool& pool);

    // Copies to the parts in order what begins `from` bytes behind the front, at most `most` bytes.
    // Returns the bytes.
    std::size_t copy(std::span<const MutableBytes> parts, std::size_t from, std::size_t most) const;
    // Those at the front are no longer wanted; at most size().
    void consume(std::size_t bytes);
    void clear();

  private:
    std::vector<KeptBytes> chunks_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    std::size_t charged_ = 0;
};

}  // namespace berth::tcp
