#include "drivers/impairment.hpp"

#include <algorithm>
#include <utility>

namespace berth::drivers {
namespace {
// Labels of the two directions' streams.
constexpr std::uint64_t stream_in = 1;
constexpr std::uint64_t stream_out = 2;
}  // namespace

ImpairedLink::ImpairedLink(std::unique_ptr<link::LinkDevice> below,
                           const ImpairmentOptions& options, const Seed& seed)
    : below_(std::move(below)),
      properties_(below_->properties()),
      in_(options, properties_.kind, Random(seed).fork(stream_in)),
      out_(options, properties_.kind, Random(seed).fork(stream_out)) {
    // Frames are copied, counted and perhaps spoiled one by one: whole packets with their
    // checksums.
    properties_.checksum_offload = false;
    properties_.max_super_segment = 0;
}

std::size_t ImpairedLink::send(std::span<const link::OutFrame> burst, Time now) {
    for (const link::OutFrame& frame : burst) {
        HeldFrame held;
        held.bytes.resize(frame.size());
        frame.copy_to(held.bytes);
        out_.offer(std::move(held), now);
    }
    push_out(now);
    return burst.size();
}

std::size_t ImpairedLink::receive(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    push_out(now);
    std::size_t taken = take_due(pool, burst, now);
    // A burst that is full leaves the rest below, where there is room for it.
    for (std::size_t round = 0; round < read_rounds && taken < burst.size(); ++round) {
        const bool more = pull_in(pool, now);
        taken += take_due(pool, burst.subspan(taken), now);
        if (!more) break;
    }
    return taken;
}

std::size_t ImpairedLink::take_due(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    std::size_t taken = 0;
    while (taken < burst.size() && in_.next() <= now) {
        const HeldFrame& held = in_.first();
        link::Frame frame = link::Frame::copy_of(held.bytes, pool, in_.next());
        if (!frame.buffer) break;  // no memory now: the frame stays
        frame.checksum_vouched = held.checksum_vouched;
        frame.segment_size = held.segment_size;
        burst[taken++] = std::move(frame);
        in_.pop_first();
    }
    return taken;
}

void ImpairedLink::push_out(Time now) {
    blocked_ = false;
    while (out_.next() <= now) {
        link::OutFrame frame;
        frame.add_slice(out_.first().bytes);
        frame.emission = out_.next();
        if (below_->send(std::span<const link::OutFrame>(&frame, 1), now) == 0) {
            blocked_ = true;
            return;
        }
        out_.pop_first();
    }
}

// Reads one burst from below. True if it was a full one, so that there may be more.
bool ImpairedLink::pull_in(BufferPool& pool, Time now) {
    const std::size_t count = below_->receive(pool, arrived_, now);
    for (std::size_t i = 0; i < count; ++i) {
        link::Frame& frame = arrived_[i];
        const Bytes bytes = frame.bytes();
        in_.offer({{bytes.begin(), bytes.end()}, frame.checksum_vouched, frame.segment_size},
                  std::min(frame.arrival, now));
        frame.buffer.release();
    }
    return count == arrived_.size();
}

Time ImpairedLink::next_arrival() const {
    // A frame that the link below refused waits for that link, not for a moment.
    const Time leaves = blocked_ ? Time::never() : out_.next();
    return earlier(earlier(in_.next(), leaves), below_->next_arrival());
}

}  // namespace berth::drivers
