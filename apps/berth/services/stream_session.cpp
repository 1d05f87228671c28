#include "apps/berth/services/stream_session.hpp"

#include <algorithm>
#include <array>

#include "berth/socket.h"

namespace berth::app {

StreamSession::StreamSession(TcpConnection connection, Moment now, std::chrono::seconds idle_limit)
    : connection_(std::move(connection)),
      idle_limit_(idle_limit.count() > 0 ? idle_limit : default_idle_limit),
      deadline_(now + idle_limit_) {}

short StreamSession::events() const {
    short events = 0;
    const bool reads = state_ == State::draining || (state_ == State::open && wants_input());
    if (reads && !input_ended_) events |= POLLIN;
    if (!output_is_empty()) events |= POLLOUT;
    return events;
}

void StreamSession::on_ready(short events, Moment now) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) read_some(now);
    // A service that sends without end, or a long file, is filled up here as fast as the peer
    // reads.
    for (int round = 0; round < rounds_per_turn; ++round) {
        if (state_ == State::open && !output_is_full()) refill(now);
        if (output_is_empty() || !write_some(now)) break;
    }
    if (state_ == State::open && !output_is_full()) refill(now);  // so that POLLOUT is asked for
    if (state_ == State::flushing && output_is_empty()) start_draining(now);
}

void StreamSession::read_some(Moment now) {
    std::array<std::uint8_t, input_chunk_bytes> chunk;
    for (int round = 0; round < rounds_per_turn; ++round) {
        if (input_ended_ || state_ == State::closed || state_ == State::flushing) return;
        if (state_ == State::open && !wants_input()) return;
        const IoResult got = connection_.receive(chunk);
        if (got.error == std::errc::operation_would_block) return;
        if (!got) return close();  // reset by the peer, or timed out: there is no one to talk to
        moved(now);
        if (got.bytes == 0) {
            input_ended_ = true;
            if (state_ == State::draining) return close();
            return on_end_of_input(now);
        }
        if (state_ == State::open) on_input(std::span(chunk).first(got.bytes), now);
    }
}

// False: the peer takes no more for now.
bool StreamSession::write_some(Moment now) {
    const IoResult put = connection_.send(std::span(output_).subspan(sent_));
    if (put.error == std::errc::operation_would_block) return false;
    if (!put) {
        close();
        return false;
    }
    moved(now);
    sent_ += put.bytes;
    if (sent_ == output_.size()) {
        output_.clear();
        sent_ = 0;
    }
    return true;
}

void StreamSession::moved(Moment now) {
    if (state_ != State::draining) deadline_ = now + idle_limit_;
}

void StreamSession::append(std::string_view text) {
    output_.insert(output_.end(), text.begin(), text.end());
}

void StreamSession::append(std::span<const std::uint8_t> bytes) {
    output_.insert(output_.end(), bytes.begin(), bytes.end());
}

std::span<std::uint8_t> StreamSession::prepare(std::size_t size) {
    output_.resize(output_.size() + size);
    return std::span(output_).last(size);
}

void StreamSession::commit(std::span<const std::uint8_t> prepared, std::size_t filled) {
    output_.resize(output_.size() - (prepared.size() - filled));
}

void StreamSession::finish() {
    if (state_ == State::open) state_ = State::flushing;
}

void StreamSession::start_draining(Moment now) {
    if (connection_.shutdown_send() || input_ended_) return close();
    state_ = State::draining;
    deadline_ = now + drain_limit;
}

void StreamSession::on_deadline(Moment now) {
    // Idle, or a peer that does not read: RFC 1122 §4.2.2.17 lets a zero window stay for ever, a
    // server with a bound on its connections cannot.
    if (state_ == State::draining) return close();
    if (!output_is_empty()) return abort();
    start_draining(now);
}

void StreamSession::begin_close(Moment now) {
    if (state_ == State::closed || state_ == State::draining) return;
    output_.clear();
    sent_ = 0;
    start_draining(now);
}

void StreamSession::abort() {
    const struct linger at_once = {1, 0};
    berth_setsockopt(connection_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void StreamSession::close() {
    connection_.close();
    state_ = State::closed;
    output_.clear();
    sent_ = 0;
}

}  // namespace berth::app
