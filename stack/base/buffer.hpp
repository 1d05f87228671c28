// Memory for received frames: fixed-size blocks from a pool, owned by exactly one holder at a time.
//
// A driver takes a block from the pool and fills it; the frame travels up with it; whoever keeps
// bytes of the frame (the reassembly queue, a socket's receive queue) keeps the block and is
// charged its whole capacity, or copies the bytes and lets the block go back. Single-threaded, like
// the stack that owns the pool; the pool outlives its blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.hpp"

namespace berth {

class BufferPool;

// Move-only owner of one block. An empty Buffer owns nothing.
class Buffer {
  public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { release(); }

    explicit operator bool() const { return block_ != nullptr; }
    std::uint8_t* data() { return block_; }
    const std::uint8_t* data() const { return block_; }
    std::size_t capacity() const { return capacity_; }
    MutableBytes bytes() { return {block_, capacity_}; }
    Bytes bytes() const { return {block_, capacity_}; }
    // Gives the block back to its pool now.
    void release();

  private:
    friend class BufferPool;
    Buffer(BufferPool* pool, std::uint8_t* block, std::uint32_t capacity)
        : pool_(pool), block_(block), capacity_(capacity) {}

    BufferPool* pool_ = nullptr;
    std::uint8_t* block_ = nullptr;
    std::uint32_t capacity_ = 0;
};

class BufferPool {
  public:
    // The two block sizes: one holds an Ethernet frame of any usual MTU, the other a frame that the
    // link merged from many segments (64 KB and its headers).
    static constexpr std::size_t small_block_bytes = 2048;
    static constexpr std::size_t large_block_bytes = 66 * 1024;
    // Free blocks kept for reuse, per size; beyond it they go back to the allocator.
    static constexpr std::size_t small_blocks_kept = 1024;
    static constexpr std::size_t large_blocks_kept = 32;

    BufferPool() = default;
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    ~BufferPool();

    // The smallest block that holds `bytes`; empty if `bytes` exceeds large_block_bytes.
    Buffer take(std::size_t bytes = small_block_bytes);

    // Blocks handed out and not yet given back: a leak shows here.
    std::size_t outstanding() const { return outstanding_; }

  private:
    friend class Buffer;
    void give_back(std::uint8_t* block, std::size_t capacity);

    std::vector<std::uint8_t*> small_free_;
    std::vector<std::uint8_t*> large_free_;
    std::size_t outstanding_ = 0;
};

}  // namespace berth
