// Frames over a stream socket, each behind its length in four bytes, most significant first: what
// QEMU's `-netdev stream` and passt speak.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "drivers/unique_fd.hpp"
#include "link/frame.hpp"

namespace berth::drivers {

class FrameStream {
  public:
    static constexpr std::size_t prefix_bytes = 4;
    // The largest frame that is taken; a peer that announces more, or zero, is cut off.
    static constexpr std::size_t max_frame_bytes = BufferPool::large_block_bytes;
    // Waiting to be written; a frame beyond it is lost and counted.
    static constexpr std::size_t max_queued_bytes = 1 << 20;
    // Read ahead: at least one whole frame.
    static constexpr std::size_t input_bytes = 128 * 1024;
    static_assert(input_bytes >= prefix_bytes + max_frame_bytes);

    // `fd` is a connected, non-blocking stream socket.
    explicit FrameStream(UniqueFd fd) : fd_(std::move(fd)), input_(input_bytes) {}

    int descriptor() const { return fd_.get(); }

    // Reads once what fits. True if something came.
    bool fill();
    // The last fill() took everything that was there.
    bool drained() const { return drained_; }
    // The first whole frame that has been read, until the next fill() or consume(); empty if none.
    Bytes front() const;
    void consume();

    // Queues a frame for flush(). False, and counted, if there is no room for it.
    bool queue(Bytes frame);
    bool queue(const link::OutFrame& frame);
    // Writes as much as the socket takes.
    void flush();
    bool has_output() const { return output_begin_ < output_.size(); }
    std::uint64_t dropped() const { return dropped_; }

    // The peer announced a length that no frame has.
    bool hostile() const { return hostile_; }
    // No further frame will come out of front().
    bool finished() const { return hostile_ || (ended_ && front().empty()); }

  private:
    MutableBytes room_for(std::size_t frame_bytes);
    std::size_t front_length() const;  // as announced; 0 while the prefix is incomplete
    void judge_front();

    UniqueFd fd_;
    std::vector<std::uint8_t> input_;
    std::size_t input_begin_ = 0;
    std::size_t input_end_ = 0;
    std::vector<std::uint8_t> output_;
    std::size_t output_begin_ = 0;
    std::uint64_t dropped_ = 0;
    bool drained_ = false;
    bool ended_ = false;  // the peer has closed or the socket failed
    bool hostile_ = false;
};

}  // namespace berth::drivers
