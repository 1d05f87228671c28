// A packet at the edge of the stack: one that came (Frame) and one that goes (OutFrame).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "base/fate.hpp"
#include "base/time.hpp"

namespace berth::link {

// An arrived frame owns its buffer: whoever keeps bytes of it takes the buffer with them.
struct Frame {
    Buffer buffer;
    std::uint32_t offset = 0;  // where the frame begins in the buffer
    std::uint32_t length =
        0;  // bytes of the frame, from the Ethernet header (or the IP header on a raw-IP link)
    Time arrival{};                 // RTT samples use it
    bool checksum_vouched = false;  // the link says that transport checksums are right
    std::uint16_t segment_size =
        0;  // payload bytes of each segment, when the link merged several; 0: one segment

    Bytes bytes() const { return buffer.bytes().subspan(offset, length); }
    MutableBytes mutable_bytes() { return buffer.bytes().subspan(offset, length); }

    static Frame copy_of(Bytes bytes, BufferPool& pool, Time arrival) {
        Frame frame;
        frame.buffer = pool.take(bytes.size());
        if (!frame.buffer) return frame;
        std::copy(bytes.begin(), bytes.end(), frame.buffer.data());
        frame.length = static_cast<std::uint32_t>(bytes.size());
        frame.arrival = arrival;
        return frame;
    }
};

// A frame about to leave: headers in an inline buffer, filled from the back so that each layer
// prepends its own, then slices of memory that somebody else owns (the send buffer, a datagram).
// The slices are valid until the call that hands the frame to the device returns.
class OutFrame {
  public:
    // Ethernet with one VLAN tag (18) + IPv4 with options (60) + TCP with options (60), rounded up.
    static constexpr std::size_t header_capacity = 144;
    // A 64 KB super-segment out of 4 KB chunks touches at most 17; replies quote less.
    static constexpr std::size_t slice_capacity = 20;

    OutFrame() = default;

    // Room for `size` bytes in front of what is there.
    MutableBytes prepend(std::size_t size) {
        header_begin_ -= static_cast<std::uint16_t>(size);
        return MutableBytes(header_).subspan(header_begin_, size);
    }
    bool add_slice(Bytes slice) {
        if (slice.empty()) return true;
        if (slice_count_ == slice_capacity) return false;
        slices_[slice_count_++] = slice;
        payload_size_ += static_cast<std::uint32_t>(slice.size());
        return true;
    }
    void clear() {
        header_begin_ = header_capacity;
        slice_count_ = 0;
        payload_size_ = 0;
        segment_size = 0;
        checksum_start = 0;
        checksum_offset = 0;
        needs_checksum = false;
        emission = Time{};
        fate = Fate::sent("");
    }

    Bytes header() const { return Bytes(header_).subspan(header_begin_); }
    MutableBytes header() { return MutableBytes(header_).subspan(header_begin_); }
    std::span<const Bytes> slices() const { return {slices_.data(), slice_count_}; }
    std::size_t payload_size() const { return payload_size_; }
    std::size_t size() const { return header().size() + payload_size_; }

    // Copies the whole frame; `to` holds at least size() bytes. Returns the bytes written.
    std::size_t copy_to(MutableBytes to) const {
        std::size_t at = 0;
        const auto append = [&](Bytes part) {
            std::copy(part.begin(), part.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
            at += part.size();
        };
        append(header());
        for (const Bytes slice : slices())
            append(slice);
        return at;
    }

    // Offloads, set only when the device's properties allow them. A transport counts from its own
    // header (checksum_start = 0); each layer below adds the size of what it prepends.
    bool needs_checksum = false;       // the link fills in the transport checksum at …
    std::uint16_t checksum_start = 0;  // … counted from the frame's first byte, summed to the end,
    std::uint16_t checksum_offset = 0;  // stored this many bytes after checksum_start
    std::uint16_t segment_size =
        0;            // nonzero: the link cuts the payload into segments of this size
    Time emission{};  // when it leaves: Interface::send() stamps what is not in the future
    Fate fate{};      // what a capture says of it

  private:
    std::array<std::uint8_t, header_capacity> header_{};
    std::uint16_t header_begin_ = header_capacity;
    std::uint16_t slice_count_ = 0;
    std::uint32_t payload_size_ = 0;
    std::array<Bytes, slice_capacity> slices_{};
};

}  // namespace berth::link
