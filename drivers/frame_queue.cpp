#include "drivers/frame_queue.hpp"

#include <algorithm>
#include <utility>

namespace berth::drivers {
namespace {
constexpr std::size_t initial_slots = 16;
}

bool FrameQueue::push(Bytes frame, Time available) {
    Slot* const slot = new_slot(frame.size(), available);
    if (slot == nullptr) return false;
    slot->bytes.assign(frame.begin(), frame.end());
    return true;
}

bool FrameQueue::push(const link::OutFrame& frame, Time available) {
    Slot* const slot = new_slot(frame.size(), available);
    if (slot == nullptr) return false;
    slot->bytes.resize(frame.size());
    frame.copy_to(slot->bytes);
    return true;
}

std::size_t FrameQueue::take(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    std::size_t taken = 0;
    while (taken < burst.size() && count_ > 0 && slots_[head_].available <= now) {
        const Slot& slot = slots_[head_];
        burst[taken] = link::Frame::copy_of(slot.bytes, pool, slot.available);
        if (!burst[taken].buffer) break;  // no memory now: the frame stays
        head_ = (head_ + 1) % slots_.size();
        --count_;
        ++taken;
    }
    return taken;
}

FrameQueue::Slot* FrameQueue::new_slot(std::size_t frame_bytes, Time available) {
    if (frame_bytes == 0 || frame_bytes > BufferPool::large_block_bytes || full()) return nullptr;
    if (count_ == slots_.size()) grow();
    last_ = std::max(last_, available);
    Slot& slot = slots_[(head_ + count_) % slots_.size()];
    slot.available = last_;
    ++count_;
    return &slot;
}

void FrameQueue::grow() {
    std::vector<Slot> larger(std::min(capacity_, std::max(initial_slots, 2 * slots_.size())));
    for (std::size_t i = 0; i < count_; ++i)
        larger[i] = std::move(slots_[(head_ + i) % slots_.size()]);
    slots_ = std::move(larger);
    head_ = 0;
}

}  // namespace berth::drivers
