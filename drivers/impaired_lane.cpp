#include "drivers/impaired_lane.hpp"

#include <algorithm>
#include <tuple>

namespace berth::drivers {
namespace {

// Where in the frame the IPv4 datagram lies, behind an 802.1Q tag or without, by its own total
// length (RFC 791 §3.1); an empty range when there is none. Written out here because the driver
// must judge frames that no parser accepts.
std::pair<std::size_t, std::size_t> ipv4_range(Bytes frame, link::LinkKind kind) {
    constexpr std::size_t ethernet_header = 14;
    constexpr std::size_t tag = 4;
    constexpr std::uint16_t ethertype_ipv4 = 0x0800;
    constexpr std::uint16_t ethertype_tag = 0x8100;
    std::size_t begin = 0;
    if (kind == link::LinkKind::ethernet) {
        begin = ethernet_header;
        if (frame.size() >= begin + tag && load_be16(frame, begin - 2) == ethertype_tag)
            begin += tag;
        if (frame.size() < begin || load_be16(frame, begin - 2) != ethertype_ipv4) return {0, 0};
    }
    if (frame.size() < begin + 4) return {0, 0};
    const std::size_t total = load_be16(frame, begin + 2);
    return {begin, std::min(frame.size(), begin + total)};
}

}  // namespace

void ImpairedLane::offer(HeldFrame frame, Time now) {
    ++counters_.frames;
    if (random_.chance(options_.loss_ppm)) {
        ++counters_.lost;
        return;
    }
    if (random_.chance(options_.corrupt_ppm)) flip_one_bit(frame);
    if (random_.chance(options_.duplicate_ppm)) {
        ++counters_.duplicated;
        schedule(frame, now);
    }
    schedule(std::move(frame), now);
}

void ImpairedLane::flip_one_bit(HeldFrame& frame) {
    std::size_t begin = 0;
    std::size_t end = frame.bytes.size();
    if (options_.flip_scope == FlipScope::ipv4_datagram) {
        std::tie(begin, end) = ipv4_range(frame.bytes, kind_);
    }
    if (begin >= end) return;
    const std::uint32_t bit = random_.below(static_cast<std::uint32_t>(8 * (end - begin)));
    std::uint8_t& octet = frame.bytes[begin + bit / 8];
    octet = static_cast<std::uint8_t>(octet ^ (1U << (bit % 8)));
    frame.checksum_vouched = false;  // whatever the link said, it no longer holds
    ++counters_.corrupted;
}

void ImpairedLane::schedule(HeldFrame frame, Time now) {
    if (held_.size() >= options_.queue_frames) {
        ++counters_.overflowed;
        return;
    }
    Time due = now;
    if (options_.rate_bits_per_second != 0) {
        // A frame has at most 66 KB, so its bits times 10^9 stay far below 2^63.
        const std::uint64_t bits = 8 * std::uint64_t{frame.bytes.size()};
        const std::uint64_t ns = bits * 1'000'000'000 / options_.rate_bits_per_second;
        due = std::max(now, busy_until_) + nanoseconds(static_cast<std::int64_t>(ns));
        busy_until_ = due;
    }
    due = due + options_.delay;
    if (options_.jitter.ns != 0) {
        due = due - options_.jitter + draw_below(2 * options_.jitter + nanoseconds(1));
        due = std::max(due, now);
    }
    // A frame that is held back does not move last_due_: those behind it pass.
    if (random_.chance(options_.reorder_ppm)) {
        ++counters_.reordered;
        due =
            std::max(due, last_due_) + nanoseconds(1) + draw_below(ImpairmentOptions::longest_hold);
    } else {
        due = std::max(due, last_due_);
        last_due_ = due;
    }
    held_.emplace(std::pair{due, next_order_++}, std::move(frame));
}

Duration ImpairedLane::draw_below(Duration bound) {
    // The bound is at most two days in nanoseconds (48 bits); the remainder's bias is below 2^-16,
    // and this is luck, not secrecy.
    return nanoseconds(
        static_cast<std::int64_t>(random_.next_u64() % static_cast<std::uint64_t>(bound.ns)));
}

}  // namespace berth::drivers
