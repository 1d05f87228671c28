#include "drivers/callback.hpp"

#include <algorithm>
#include <utility>

namespace berth::drivers {

CallbackLink::CallbackLink(const link::LinkProperties& properties, Output output,
                           std::size_t queue_frames)
    : properties_(properties), output_(std::move(output)), in_(queue_frames) {}

bool CallbackLink::inject(Bytes frame, Time arrival) {
    if (in_.push(frame, arrival)) return true;
    ++refused_;
    return false;
}

std::size_t CallbackLink::receive(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    return in_.take(pool, burst, now);
}

std::size_t CallbackLink::send(std::span<const link::OutFrame> burst, Time now) {
    std::size_t sent = 0;
    for (const link::OutFrame& frame : burst) {
        Bytes bytes = frame.header();
        if (!frame.slices().empty()) {
            whole_.resize(frame.size());
            frame.copy_to(whole_);
            bytes = whole_;
        }
        if (!output_(bytes, std::max(now, frame.emission))) break;
        ++sent;
    }
    return sent;
}

}  // namespace berth::drivers
