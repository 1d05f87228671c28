#include "drivers/frame_stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace berth::drivers {

bool FrameStream::fill() {
    if (ended_ || hostile_) return false;
    // Move the rest of the last frame to the front only when the space behind it cannot hold more.
    if (input_begin_ == input_end_) {
        input_begin_ = input_end_ = 0;
    } else if (input_.size() - input_begin_ < prefix_bytes + max_frame_bytes) {
        std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
        input_end_ -= input_begin_;
        input_begin_ = 0;
    }
    if (input_end_ == input_.size()) return false;
    ssize_t got = 0;
    do {
        got =
            ::recv(fd_.get(), input_.data() + input_end_, input_.size() - input_end_, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) ended_ = true;
        return false;
    }
    drained_ = static_cast<std::size_t>(got) < input_.size() - input_end_;
    input_end_ += static_cast<std::size_t>(got);
    judge_front();
    return true;
}

std::size_t FrameStream::front_length() const {
    if (input_end_ - input_begin_ < prefix_bytes) return 0;
    return load_be32(input_, input_begin_);
}

void FrameStream::judge_front() {
    if (input_end_ - input_begin_ < prefix_bytes) return;
    const std::size_t length = front_length();
    hostile_ = length == 0 || length > max_frame_bytes;
}

Bytes FrameStream::front() const {
    const std::size_t length = front_length();
    const std::size_t have = input_end_ - input_begin_;
    if (hostile_ || length == 0 || have < prefix_bytes + length) return {};
    return Bytes(input_).subspan(input_begin_ + prefix_bytes, length);
}

void FrameStream::consume() {
    input_begin_ += prefix_bytes + front_length();
    judge_front();
}

MutableBytes FrameStream::room_for(std::size_t frame_bytes) {
    if (frame_bytes == 0 || frame_bytes > max_frame_bytes || ended_ || hostile_ ||
        output_.size() - output_begin_ + prefix_bytes + frame_bytes > max_queued_bytes) {
        ++dropped_;
        return {};
    }
    if (output_begin_ > max_queued_bytes / 2) {
        output_.erase(output_.begin(),
                      output_.begin() + static_cast<std::ptrdiff_t>(output_begin_));
        output_begin_ = 0;
    }
    const std::size_t at = output_.size();
    output_.resize(at + prefix_bytes + frame_bytes);
    store_be32(output_, at, static_cast<std::uint32_t>(frame_bytes));
    return MutableBytes(output_).subspan(at + prefix_bytes);
}

bool FrameStream::queue(Bytes frame) {
    const MutableBytes room = room_for(frame.size());
    if (room.empty()) return false;
    std::copy(frame.begin(), frame.end(), room.begin());
    return true;
}

bool FrameStream::queue(const link::OutFrame& frame) {
    const MutableBytes room = room_for(frame.size());
    if (room.empty()) return false;
    frame.copy_to(room);
    return true;
}

void FrameStream::flush() {
    while (has_output()) {
        const ssize_t sent = ::send(fd_.get(), output_.data() + output_begin_,
                                    output_.size() - output_begin_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (sent < 0) {
            // Nobody reads any more. What the peer said before it went is still read; the end of
            // its stream then closes this side.
            output_.clear();
            output_begin_ = 0;
            return;
        }
        output_begin_ += static_cast<std::size_t>(sent);
    }
    output_.clear();
    output_begin_ = 0;
}

}  // namespace berth::drivers
