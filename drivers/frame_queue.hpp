// A bounded first-in-first-out queue of frames with the times at which they may be taken: what a
// device keeps when it has no wire below it. Slots keep their memory, so a queue in steady state
// allocates nothing.
#pragma once

#include <cstddef>
#include <vector>

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "link/frame.hpp"

namespace berth::drivers {

class FrameQueue {
  public:
    explicit FrameQueue(std::size_t capacity_frames) : capacity_(capacity_frames) {}

    // Copies the frame. False when the queue is full, or the frame empty or larger than any block.
    // A time earlier than that of the frame before it is raised to it: this is a queue.
    bool push(Bytes frame, Time available);
    bool push(const link::OutFrame& frame, Time available);

    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    bool full() const { return count_ >= capacity_; }
    // When the first frame may be taken; never() when there is none.
    Time next() const { return empty() ? Time::never() : slots_[head_].available; }
    // Moves frames that are available by `now` into `burst`; returns how many.
    std::size_t take(BufferPool& pool, std::span<link::Frame> burst, Time now);

  private:
    struct Slot {
        std::vector<std::uint8_t> bytes;
        Time available{};
    };

    Slot* new_slot(std::size_t frame_bytes, Time available);
    void grow();

    std::size_t capacity_;
    std::vector<Slot> slots_;  // a ring, grown by doubling up to capacity_
    std::size_t head_ = 0;
    std::size_t count_ = 0;
    Time last_{std::numeric_limits<std::int64_t>::min()};
};

}  // namespace berth::drivers
