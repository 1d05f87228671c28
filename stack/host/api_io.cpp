// berth/socket.h: sending and receiving.
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "berth/socket.h"
#include "host/call.hpp"
#include "host/socket_address.hpp"

namespace berth::host {

namespace {

// MSG_NOSIGNAL is what always happens here: no signal is raised, EPIPE is all.
constexpr int send_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
constexpr int receive_flags =
    MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_WAITALL | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC;

// What is left of the caller's buffers.
template <class Part>
class Remaining {
  public:
    explicit Remaining(std::span<Part> parts) : parts_(parts) {}
    std::span<const Part> parts() const { return parts_; }
    bool empty() const { return size() == 0; }
    std::size_t size() const {
        std::size_t sum = 0;
        for (const Part& part : parts_)
            sum += part.size();
        return sum;
    }
    void advance(std::size_t bytes) {
        while (!parts_.empty() && bytes >= parts_.front().size()) {
            bytes -= parts_.front().size();
            parts_ = parts_.subspan(1);
        }
        if (bytes > 0) parts_.front() = parts_.front().subspan(bytes);
    }

  private:
    std::span<Part> parts_;
};

struct Outcome {
    std::errc error{};
    std::size_t bytes = 0;
};

ssize_t result_of(const Outcome& outcome) {
    if (outcome.error != std::errc{}) return fail(outcome.error);
    return static_cast<ssize_t>(outcome.bytes);
}

// A blocking send() on a stream returns when everything has been taken; what went before an error
// is reported first, and the error with the next call.
Outcome send_stream(Call& call, std::span<Bytes> parts, std::optional<Endpoint> remote,
                    bool dont_wait) {
    Remaining<Bytes> remaining(parts);
    const Patience patience = Patience::of(call.file(), dont_wait, call.file().send_timeout);
    std::size_t sent = 0;
    const std::errc result =
        persist(call, {.writable = true}, patience, [&](socket::Socket& socket) {
            do {
                if (sent > 0 && socket.readiness().error) return std::errc{};
                const auto taken = socket.send(remaining.parts(), remote);
                if (!taken) return taken.error();
                sent += *taken;
                remaining.advance(*taken);
            } while (patience.blocks && !remaining.empty());
            return std::errc{};
        });
    return sent > 0 ? Outcome{{}, sent} : Outcome{result, 0};
}

Outcome send_datagram(Call& call, std::span<const Bytes> parts, std::optional<Endpoint> remote,
                      bool dont_wait) {
    Outcome outcome;
    outcome.error = persist(call, {.writable = true},
                            Patience::of(call.file(), dont_wait, call.file().send_timeout),
                            [&](socket::Socket& socket) {
                                const auto taken = socket.send(parts, remote);
                                if (!taken) return taken.error();
                                outcome.bytes = *taken;
                                return std::errc{};
                            });
    return outcome;
}

ssize_t send_parts(int fd, std::span<Bytes> parts, int flags, const sockaddr* address,
                   socklen_t length) {
    Call call(fd);
    if (!call) return fail(call.error());
    if ((flags & ~send_flags) != 0) return fail(EOPNOTSUPP);
    std::optional<Endpoint> remote;
    if (address != nullptr) {
        const auto parsed = endpoint_from(address, length);
        if (!parsed) return fail(parsed.error());
        remote = *parsed;
    }
    const bool dont_wait = (flags & MSG_DONTWAIT) != 0;
    const bool stream = call.socket().type() == socket::Type::stream;
    return result_of(stream ? send_stream(call, parts, remote, dont_wait)
                            : send_datagram(call, parts, remote, dont_wait));
}

struct ReceiveCall {
    std::span<MutableBytes> parts;
    int flags = 0;
    Endpoint source{};
};

Outcome receive_stream(Call& call, ReceiveCall& what) {
    const bool peek = (what.flags & MSG_PEEK) != 0;
    const Patience patience =
        Patience::of(call.file(), (what.flags & MSG_DONTWAIT) != 0, call.file().receive_timeout);
    const bool all = (what.flags & MSG_WAITALL) != 0 && patience.blocks && !peek;
    Remaining<MutableBytes> remaining(what.parts);
    std::size_t got = 0;
    const std::errc result =
        persist(call, {.readable = true}, patience, [&](socket::Socket& socket) {
            do {
                if (got > 0 && socket.readiness().error) return std::errc{};
                const auto received = socket.receive(remaining.parts(), {.peek = peek});
                if (!received) return received.error();
                what.source = received->source;
                if (received->bytes == 0) return std::errc{};
                got += received->bytes;
                remaining.advance(received->bytes);
            } while (all && !remaining.empty());
            return std::errc{};
        });
    return got > 0 ? Outcome{{}, got} : Outcome{result, 0};
}

Outcome receive_datagram(Call& call, ReceiveCall& what) {
    Outcome outcome;
    const socket::ReceiveFlags flags{.peek = (what.flags & MSG_PEEK) != 0};
    outcome.error = persist(
        call, {.readable = true},
        Patience::of(call.file(), (what.flags & MSG_DONTWAIT) != 0, call.file().receive_timeout),
        [&](socket::Socket& socket) {
            const auto received = socket.receive(what.parts, flags);
            if (!received) return received.error();
            const bool whole = (what.flags & MSG_TRUNC) != 0;
            outcome.bytes =
                whole ? std::max(received->full_length, received->bytes) : received->bytes;
            what.source = received->source;
            return std::errc{};
        });
    return outcome;
}

// MSG_TRUNC on a stream: the bytes are thrown away (tcp(7)).
Outcome discard_stream(Call& call, std::size_t size, ReceiveCall& what) {
    constexpr std::size_t scratch_bytes = 64 * 1024;
    std::vector<std::uint8_t> scratch(std::min(size, scratch_bytes));
    MutableBytes part(scratch);
    what.parts = {&part, 1};
    return receive_stream(call, what);
}

ssize_t receive_parts(int fd, std::span<MutableBytes> parts, int flags, sockaddr* address,
                      socklen_t* length) {
    Call call(fd);
    if (!call) return fail(call.error());
    if ((flags & MSG_OOB) != 0) return fail(EINVAL);  // as Linux without urgent data
    if ((flags & ~receive_flags) != 0) return fail(EOPNOTSUPP);
    if (address != nullptr)
        if (const int error = check_room(address, length)) return fail(error);
    const bool stream = call.socket().type() == socket::Type::stream;
    ReceiveCall what{parts, flags};
    const std::size_t size = Remaining<MutableBytes>(parts).size();
    if (stream && size == 0) return 0;
    const Outcome outcome = !stream                    ? receive_datagram(call, what)
                            : (flags & MSG_TRUNC) != 0 ? discard_stream(call, size, what)
                                                       : receive_stream(call, what);
    if (outcome.error != std::errc{}) return fail(outcome.error);
    if (address != nullptr) {
        // A stream has no datagrams to name the source of; Linux leaves the address empty.
        if (stream)
            *length = 0;
        else
            store_endpoint(what.source, address, length);
    }
    return static_cast<ssize_t>(outcome.bytes);
}

// An iovec as spans. 0 or an errno value.
template <class Part>
int parts_of(const iovec* parts, int count, std::vector<Part>& out) {
    if (count < 0 || count > IOV_MAX) return EINVAL;
    if (count > 0 && parts == nullptr) return EFAULT;
    std::size_t total = 0;
    out.reserve(static_cast<std::size_t>(count));
    for (const iovec& part : std::span(parts, static_cast<std::size_t>(count))) {
        if (part.iov_len > static_cast<std::size_t>(SSIZE_MAX) - total) return EINVAL;
        if (part.iov_base == nullptr && part.iov_len > 0) return EFAULT;
        total += part.iov_len;
        out.emplace_back(static_cast<std::uint8_t*>(part.iov_base), part.iov_len);
    }
    return 0;
}

}  // namespace

}  // namespace berth::host

using namespace berth;
using namespace berth::host;

extern "C" {

ssize_t berth_sendto(int fd, const void* data, size_t size, int flags, const sockaddr* address,
                     socklen_t length) {
    if (data == nullptr && size > 0) return fail(Call(fd) ? EFAULT : EBADF);
    Bytes part(static_cast<const std::uint8_t*>(data), std::min<std::size_t>(size, SSIZE_MAX));
    return send_parts(fd, {&part, 1}, flags, address, length);
}

ssize_t berth_send(int fd, const void* data, size_t size, int flags) {
    return berth_sendto(fd, data, size, flags, nullptr, 0);
}

ssize_t berth_write(int fd, const void* data, size_t size) {
    return berth_sendto(fd, data, size, 0, nullptr, 0);
}

ssize_t berth_recvfrom(int fd, void* data, size_t size, int flags, sockaddr* address,
                       socklen_t* length) {
    if (data == nullptr && size > 0 && (flags & MSG_TRUNC) == 0)
        return fail(Call(fd) ? EFAULT : EBADF);
    MutableBytes part(static_cast<std::uint8_t*>(data), std::min<std::size_t>(size, SSIZE_MAX));
    return receive_parts(fd, {&part, 1}, flags, address, length);
}

ssize_t berth_recv(int fd, void* data, size_t size, int flags) {
    return berth_recvfrom(fd, data, size, flags, nullptr, nullptr);
}

ssize_t berth_read(int fd, void* data, size_t size) {
    return berth_recvfrom(fd, data, size, 0, nullptr, nullptr);
}

ssize_t berth_writev(int fd, const iovec* parts, int count) {
    std::vector<Bytes> spans;
    if (const int error = parts_of(parts, count, spans)) return fail(error);
    return send_parts(fd, spans, 0, nullptr, 0);
}

ssize_t berth_readv(int fd, const iovec* parts, int count) {
    std::vector<MutableBytes> spans;
    if (const int error = parts_of(parts, count, spans)) return fail(error);
    return receive_parts(fd, spans, 0, nullptr, nullptr);
}

}  // extern "C"
