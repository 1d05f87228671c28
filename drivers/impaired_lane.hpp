// One direction of an impaired link: what may happen to a frame between being offered and arriving.
//
// A frame may be lost, have one bit flipped, be doubled, wait for the frames before it at a limited
// rate, be delayed, and be held back so that later ones overtake it; in this order. All chances are
// drawn from one seeded generator, so the same frames at the same times meet the same luck.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

// Where a flipped bit may fall.
enum class FlipScope : std::uint8_t {
    ipv4_datagram,  // inside an IPv4 datagram; other frames (ARP has no checksum) and padding are
                    // spared
    frame,          // anywhere
};

struct ImpairmentOptions {
    static constexpr std::size_t default_queue_frames = 1000;
    // The longest time for which a frame chosen for reordering is held back.
    static constexpr Duration longest_hold = milliseconds(5);

    std::uint32_t loss_ppm = 0;
    std::uint32_t duplicate_ppm = 0;
    std::uint32_t reorder_ppm = 0;
    std::uint32_t corrupt_ppm = 0;
    FlipScope flip_scope = FlipScope::ipv4_datagram;
    Duration delay{};
    Duration jitter{};  // the delay varies evenly by up to this much either way; order is kept
    std::uint64_t rate_bits_per_second = 0;           // 0: without limit
    std::size_t queue_frames = default_queue_frames;  // waiting or under way, each direction

    bool any() const {
        return loss_ppm != 0 || duplicate_ppm != 0 || reorder_ppm != 0 || corrupt_ppm != 0 ||
               delay.ns != 0 || jitter.ns != 0 || rate_bits_per_second != 0;
    }
};

struct ImpairmentCounters {
    std::uint64_t frames = 0;  // offered
    std::uint64_t lost = 0;
    std::uint64_t corrupted = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;   // held back; whether one overtook it depends on what followed
    std::uint64_t overflowed = 0;  // found the queue full

    bool operator==(const ImpairmentCounters&) const = default;
};

// A frame on its way, with what the link said about it.
struct HeldFrame {
    std::vector<std::uint8_t> bytes;
    bool checksum_vouched = false;
    std::uint16_t segment_size = 0;
};

class ImpairedLane {
  public:
    ImpairedLane(const ImpairmentOptions& options, link::LinkKind kind, const Random& random)
        : options_(options), kind_(kind), random_(random) {}

    // A frame enters at `now`.
    void offer(HeldFrame frame, Time now);

    // When the first frame leaves; never() if there is none.
    Time next() const { return held_.empty() ? Time::never() : held_.begin()->first.first; }
    const HeldFrame& first() const { return held_.begin()->second; }
    void pop_first() { held_.erase(held_.begin()); }
    std::size_t size() const { return held_.size(); }

    const ImpairmentCounters& counters() const { return counters_; }

  private:
    void flip_one_bit(HeldFrame& frame);
    void schedule(HeldFrame frame, Time now);
    Duration draw_below(Duration bound);  // evenly in [0, bound)

    ImpairmentOptions options_;
    link::LinkKind kind_;
    Random random_;
    // By the time of leaving, then by the order of arrival.
    std::map<std::pair<Time, std::uint64_t>, HeldFrame> held_;
    std::uint64_t next_order_ = 0;
    Time busy_until_{std::numeric_limits<std::int64_t>::min()};
    Time last_due_{std::numeric_limits<std::int64_t>::min()};
    ImpairmentCounters counters_;
};

}  // namespace berth::drivers
