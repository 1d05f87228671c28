#include "base/buffer.hpp"

#include <cassert>
#include <utility>

namespace berth {

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      block_(std::exchange(other.block_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    block_ = std::exchange(other.block_, nullptr);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
}

void Buffer::release() {
    if (block_ == nullptr) return;
    pool_->give_back(std::exchange(block_, nullptr), std::exchange(capacity_, 0));
    pool_ = nullptr;
}

BufferPool::~BufferPool() {
    assert(outstanding_ == 0 && "a block outlived its pool");
    for (std::uint8_t* block : small_free_)
        delete[] block;
    for (std::uint8_t* block : large_free_)
        delete[] block;
}

Buffer BufferPool::take(std::size_t bytes) {
    if (bytes > large_block_bytes) return {};
    const bool small = bytes <= small_block_bytes;
    std::vector<std::uint8_t*>& free_blocks = small ? small_free_ : large_free_;
    const std::size_t capacity = small ? small_block_bytes : large_block_bytes;

    std::uint8_t* block = nullptr;
    if (free_blocks.empty()) {
        // Room to keep every block that may come back, so that giving back never allocates.
        free_blocks.reserve(small ? small_blocks_kept : large_blocks_kept);
        block = new std::uint8_t[capacity];
    } else {
        block = free_blocks.back();
        free_blocks.pop_back();
    }
    ++outstanding_;
    return Buffer(this, block, static_cast<std::uint32_t>(capacity));
}

void BufferPool::give_back(std::uint8_t* block, std::size_t capacity) {
    const bool small = capacity == small_block_bytes;
    std::vector<std::uint8_t*>& free_blocks = small ? small_free_ : large_free_;
    assert(outstanding_ > 0);
    --outstanding_;
    if (free_blocks.size() < (small ? small_blocks_kept : large_blocks_kept)) {
        free_blocks.push_back(block);
    } else {
        delete[] block;
    }
}

}  // namespace berth
