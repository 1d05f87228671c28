#include "drivers/cable.hpp"

#include <algorithm>
#include <utility>

namespace berth::drivers {

CableEnd::CableEnd(const CableOptions& options, std::shared_ptr<Way> in, std::shared_ptr<Way> out)
    : options_(options), in_(std::move(in)), out_(std::move(out)) {
    properties_.kind = options.kind;
    properties_.mtu = options.mtu;
}

CableEnd::~CableEnd() {
    out_->abandoned = true;
    in_->unread = true;
}

std::size_t CableEnd::receive(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    return in_->queue.take(pool, burst, now);
}

std::size_t CableEnd::send(std::span<const link::OutFrame> burst, Time now) {
    std::size_t sent = 0;
    for (const link::OutFrame& frame : burst) {
        if (out_->queue.full() && !out_->unread) {
            if (options_.when_full == WhenFull::refuse) return sent;
            ++out_->dropped;
        } else if (!out_->unread) {
            Time left = now;
            if (options_.rate_bits_per_second != 0) {
                // A frame has at most 66 KB, so its bits times 10^9 stay far below 2^63.
                const std::uint64_t bits = 8 * std::uint64_t{frame.size()};
                const std::uint64_t ns = bits * 1'000'000'000 / options_.rate_bits_per_second;
                left = std::max(now, out_->busy_until) + nanoseconds(static_cast<std::int64_t>(ns));
                out_->busy_until = left;
            }
            if (!out_->queue.push(frame, left + options_.latency)) ++out_->dropped;
        }
        ++sent;
    }
    return sent;
}

Cable Cable::make(const CableOptions& options) {
    auto there = std::make_shared<CableEnd::Way>(options.queue_frames);
    auto back = std::make_shared<CableEnd::Way>(options.queue_frames);
    Cable cable;
    cable.a = std::unique_ptr<CableEnd>(new CableEnd(options, back, there));
    cable.b = std::unique_ptr<CableEnd>(new CableEnd(options, there, back));
    return cable;
}

std::unique_ptr<CableEnd> CableBox::take_end(const std::string& name, const CableOptions& options) {
    const auto found = waiting_.find(name);
    if (found != waiting_.end()) return std::move(found->second);
    Cable cable = Cable::make(options);
    waiting_.emplace(name, std::move(cable.b));
    return std::move(cable.a);
}

}  // namespace berth::drivers
