// The bytes that the user has sent and the peer has not acknowledged, in chunks that frames out
// refer to without a copy. Holds no memory when it is empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "link/frame.hpp"

namespace berth::tcp {

class SendBuffer {
  public:
    std::size_t size() const { return held_ == nullptr ? 0 : held_->size; }
    bool empty() const { return held_ == nullptr; }

    // Copies at most `room` bytes from the parts; returns how many.
    std::size_t append(std::span<const Bytes> parts, std::size_t room);
    // Drops the first `count` bytes: they are acknowledged.
    void consume(std::size_t count);
    // Adds the bytes [offset, offset + length) to the frame. The slices are valid until consume().
    void slice_into(link::OutFrame& frame, std::size_t offset, std::size_t length) const;
    // The true cost of what is held.
    std::size_t memory_bytes() const;

  private:
    static constexpr std::size_t small_chunk_bytes = 2 * 1024;
    static constexpr std::size_t large_chunk_bytes = 16 * 1024;

    // Only the first may be small, and all but the last are full: so a place is found by division.
    struct Chunk {
        std::unique_ptr<std::uint8_t[]> data;
        std::uint32_t capacity;
        std::uint32_t begin;
        std::uint32_t end;
        std::size_t size() const { return end - begin; }
    };
    struct Held {
        std::vector<Chunk> chunks;
        std::size_t first = 0;  // chunks before this one are spent
        std::size_t size = 0;   // never zero while it exists
    };

    std::unique_ptr<Held> held_;  // null: empty
};

}  // namespace berth::tcp
