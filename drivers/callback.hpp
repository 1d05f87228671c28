// A link made of the embedder's own functions: packets go in by inject() and come out by a function
// that the embedder gives. No thread, no clock, no descriptor: everything happens inside the calls,
// which all come from the thread that drives the stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "drivers/frame_queue.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

class CallbackLink final : public link::LinkDevice {
  public:
    static constexpr std::size_t default_queue_frames = 1024;

    // Gets each whole frame, valid during the call only, and the time at which it leaves. False
    // refuses it: the stack keeps it and offers it again.
    using Output = std::function<bool(Bytes frame, Time emission)>;

    CallbackLink(const link::LinkProperties& properties, Output output,
                 std::size_t queue_frames = default_queue_frames);

    // A frame that arrives at `arrival` (at once, if that is not later than the next receive's
    // now). The bytes are copied. Frames arrive in the order of the calls: an arrival before that
    // of the frame injected last is raised to it. False, and counted, when the queue is full or the
    // frame is empty or larger than any block.
    bool inject(Bytes frame, Time arrival);
    std::uint64_t refused() const { return refused_; }
    std::size_t waiting() const { return in_.size(); }

    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override;
    std::size_t send(std::span<const link::OutFrame> burst, Time now) override;
    Time next_arrival() const override { return in_.next(); }

  private:
    link::LinkProperties properties_;
    Output output_;
    FrameQueue in_;
    std::vector<std::uint8_t> whole_;  // where slices are joined
    std::uint64_t refused_ = 0;
};

}  // namespace berth::drivers
