#include "apps/berth/nc_relay.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "apps/berth/command.hpp"
#include "berth/socket.h"

namespace berth::app {
namespace {

// What a writable pipe is sure to take (POSIX PIPE_BUF); a larger write could wait.
constexpr std::size_t sure_write_bytes = 4096;

bool is_file(int fd) {
    struct stat seen {};
    return ::fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode);
}

bool is_ready(int fd, short events) {
    struct pollfd one = {fd, events, 0};
    return ::poll(&one, 1, 0) > 0;
}

[[noreturn]] void network_failed(const char* what) {
    const int why = errno;
    if (why == ECONNRESET) throw Failure("the peer reset the connection");
    if (why == ECONNREFUSED) throw Failure("port unreachable: nobody has this port at the peer");
    throw Failure(fmt::format("cannot {}: {}", what, std::strerror(why)));
}

bool would_block() {
    return errno == EAGAIN || errno == EINTR;
}

}  // namespace

StandardStreams::StandardStreams()
    : input_is_terminal(::isatty(STDIN_FILENO) == 1),
      output_is_terminal(::isatty(STDOUT_FILENO) == 1),
      output_is_file(is_file(STDOUT_FILENO)) {}

void Relay::deliver(std::string_view bytes) {
    if (streams_.output_is_terminal)
        to_output_ += escaper_.escape(bytes);
    else
        to_output_ += bytes;
}

// A datagram per read, so no second read before the first has left.
void Relay::read_input() {
    std::array<char, buffer_limit_bytes> chunk;
    const auto limit =
        options_.is_datagram ? datagram_bytes : buffer_limit_bytes - to_network_.size();
    const auto got = ::read(STDIN_FILENO, chunk.data(), std::min(limit, chunk.size()));
    if (got < 0 && would_block()) return;
    if (got <= 0) {
        streams_.input_ended = true;
        return;
    }
    to_network_.append(chunk.data(), static_cast<std::size_t>(got));
    moved_ = true;
}

void Relay::write_network() {
    while (!to_network_.empty()) {
        const auto put =
            berth_send(fd_, to_network_.data(), to_network_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && would_block()) return;
        if (put < 0) network_failed("send");
        to_network_.erase(0, static_cast<std::size_t>(put));
        moved_ = true;
    }
}

void Relay::read_network() {
    std::array<char, buffer_limit_bytes> chunk;
    while (to_output_.size() < buffer_limit_bytes) {
        const auto got = berth_recv(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (got < 0 && would_block()) return;
        if (got < 0) network_failed("receive");
        moved_ = true;
        if (got == 0 && !options_.is_datagram) {
            network_ended_ = true;
            if (streams_.output_is_terminal) to_output_ += escaper_.finish();
            return;
        }
        deliver({chunk.data(), static_cast<std::size_t>(got)});
    }
}

void Relay::write_output() {
    while (!to_output_.empty() && (streams_.output_is_file || is_ready(STDOUT_FILENO, POLLOUT))) {
        const auto size = streams_.output_is_file ? to_output_.size()
                                                  : std::min(to_output_.size(), sure_write_bytes);
        const auto put = ::write(STDOUT_FILENO, to_output_.data(), size);
        if (put < 0 && would_block()) return;
        if (put < 0 && errno != EPIPE)
            throw Failure(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
        if (put < 0) {
            streams_.output_gone = true;
            return;
        }
        to_output_.erase(0, static_cast<std::size_t>(put));
    }
}

// Over when both directions are. Where input may go on for ever, because a person or nobody is at
// its other end, the peer's goodbye is enough (as nc does for a listener).
bool Relay::is_over() const {
    if (streams_.output_gone) return true;
    if (!to_network_.empty() || !to_output_.empty()) return false;
    if (options_.is_datagram) return false;
    if (!network_ended_) return false;
    if (streams_.input_ended) return true;
    const bool peer_decides = options_.is_listener || streams_.input_is_terminal;
    return peer_decides && !is_ready(STDIN_FILENO, POLLIN);
}

void Relay::check_socket(short events) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !network_ended_) read_network();
    if ((events & POLLERR) != 0) {
        int error = 0;
        socklen_t length = sizeof error;
        berth_getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
        errno = error;
        if (error != 0) network_failed("go on");
    }
    // Both directions are over without our doing: what is left of the input has nowhere to go.
    if ((events & POLLHUP) != 0 && network_ended_) {
        streams_.input_ended = true;
        to_network_.clear();
    }
}

RelayEnd Relay::run() {
    using Clock = std::chrono::steady_clock;
    auto last_moved = Clock::now();
    while (true) {
        write_output();
        write_network();
        if (streams_.input_ended && options_.half_close && to_network_.empty() && !fin_sent_) {
            if (!options_.is_datagram) berth_shutdown(fd_, SHUT_WR);
            if (options_.is_datagram) options_.idle_limit = datagram_silence;
            fin_sent_ = true;
        }
        if (is_over()) return RelayEnd::done;

        const bool reads_input = !streams_.input_ended && to_network_.empty();
        const bool reads_network = !network_ended_ && to_output_.size() < buffer_limit_bytes;
        const bool watches_network = !(network_ended_ && fin_sent_);
        const auto network_events =
            static_cast<short>((reads_network ? POLLIN : 0) | (to_network_.empty() ? 0 : POLLOUT));
        std::array<struct pollfd, 4> polled{{
            {signals_.fd(), POLLIN, 0},
            {reads_input ? STDIN_FILENO : -1, POLLIN, 0},
            {watches_network ? fd_ : -1, network_events, 0},
            {STDOUT_FILENO, static_cast<short>(to_output_.empty() ? 0 : POLLOUT), 0},
        }};
        int timeout_ms = -1;
        if (options_.idle_limit) {
            const auto left = last_moved + *options_.idle_limit - Clock::now();
            if (left <= Clock::duration::zero()) return RelayEnd::idle;
            timeout_ms =
                static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
        }
        if (berth_poll(polled.data(), polled.size(), timeout_ms) < 0 && errno != EINTR)
            throw Failure(fmt::format("cannot wait for events: {}", std::strerror(errno)));

        moved_ = false;
        if (polled[0].revents != 0 && (signal_ = signals_.take()) != 0)
            return RelayEnd::interrupted;
        if (polled[1].revents != 0) read_input();
        if (polled[2].revents != 0) check_socket(polled[2].revents);
        if ((polled[3].revents & (POLLERR | POLLNVAL)) != 0) streams_.output_gone = true;
        if (moved_) last_moved = Clock::now();
    }
}

}  // namespace berth::app
