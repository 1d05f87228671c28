// berth/socket.h: sending and receiving.
#include <algorithm>
#include <vector>

#include "berth/socket.h"
#include "host/socket_address.hpp"
#include "host/transfer.hpp"

namespace berth::host {

namespace {

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

// A blocking send() on a stream returns when everything has been taken; what went before an error
// is reported first, and the error with the next call.
Outcome send_stream(Call& call, const SendCall& what) {
    Remaining<Bytes> remaining(what.parts);
    const socket::SendFlags flags{.more = (what.flags & MSG_MORE) != 0,
                                  .out_of_band = (what.flags & MSG_OOB) != 0};
    const Patience patience =
        Patience::of(call.file(), (what.flags & MSG_DONTWAIT) != 0, call.file().send_timeout);
    std::size_t sent = 0;
    const std::errc result =
        persist(call, {.writable = true}, patience, [&](socket::Socket& socket) {
            do {
                if (sent > 0 && socket.readiness().error) return std::errc{};
                const auto taken = socket.send(remaining.parts(), what.remote, flags);
                if (!taken) return taken.error();
                sent += *taken;
                remaining.advance(*taken);
            } while (patience.blocks && !remaining.empty());
            return std::errc{};
        });
    return sent > 0 ? Outcome{{}, sent} : Outcome{result, 0};
}

Outcome send_datagram(Call& call, const SendCall& what, bool dont_wait) {
    Outcome outcome;
    outcome.error = persist(
        call, {.writable = true}, Patience::of(call.file(), dont_wait, call.file().send_timeout),
        [&](socket::Socket& socket) {
            const auto taken = socket.send_with(what.parts, what.remote, what.control);
            if (!taken) return taken.error();
            outcome.bytes = *taken;
            return std::errc{};
        });
    return outcome;
}

// What a receive on a stream waits for: everything (MSG_WAITALL), or SO_RCVLOWAT.
std::size_t target_of(Call& call, const ReceiveCall& what, std::size_t size) {
    if ((what.flags & MSG_WAITALL) != 0) return size;
    const auto low_water = call.socket().get_option(socket::Option::receive_low_water);
    return low_water ? std::min(size, static_cast<std::size_t>(*low_water)) : 1;
}

// MSG_PEEK: nothing is taken, so each look begins anew.
Outcome peek_stream(Call& call, ReceiveCall& what, std::size_t target, const Patience& patience) {
    Outcome outcome;
    const std::errc result =
        persist(call, {.readable = true, .has_data = true}, patience, [&](socket::Socket& socket) {
            const auto seen = socket.receive(what.parts, {.peek = true});
            if (!seen) return seen.error();
            what.got = *seen;
            outcome.bytes = seen->bytes;
            const socket::Readiness ready = socket.readiness();
            const bool enough =
                seen->bytes >= target || seen->at_mark || ready.error || ready.read_hangup;
            return enough ? std::errc{} : std::errc::operation_would_block;
        });
    if (outcome.bytes == 0) outcome.error = result;
    return outcome;
}

// Ends before its target at the end of the stream, at an error, which the next call tells, and at
// the urgent mark.
Outcome receive_stream(Call& call, ReceiveCall& what) {
    const Patience patience =
        Patience::of(call.file(), (what.flags & MSG_DONTWAIT) != 0, call.file().receive_timeout);
    Remaining<MutableBytes> remaining(what.parts);
    const std::size_t target = target_of(call, what, remaining.size());
    if ((what.flags & MSG_PEEK) != 0) return peek_stream(call, what, target, patience);
    std::size_t got = 0;
    const std::errc result =
        persist(call, {.readable = true, .has_data = true}, patience, [&](socket::Socket& socket) {
            do {
                if (got > 0 && socket.readiness().error) return std::errc{};
                const auto received = socket.receive(remaining.parts(), {});
                if (!received) return received.error();
                what.got = *received;
                if (received->bytes == 0) return std::errc{};
                got += received->bytes;
                remaining.advance(received->bytes);
            } while (got < target && !what.got.at_mark);
            return std::errc{};
        });
    return got > 0 ? Outcome{{}, got} : Outcome{result, 0};
}

// MSG_OOB never waits, not even on a blocking socket (Linux; tcp(7)).
Outcome receive_urgent(Call& call, ReceiveCall& what) {
    const bool peek = (what.flags & MSG_PEEK) != 0;
    const auto byte = call.run([&](socket::Socket& socket) {
        return socket.receive(what.parts, {.peek = peek, .out_of_band = true});
    });
    if (!byte) return {byte.error(), 0};
    what.got = *byte;
    return {{}, byte->bytes};
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
            what.got = *received;
            what.got.full_length = std::max(received->full_length, received->bytes);
            const bool whole = (what.flags & MSG_TRUNC) != 0;
            outcome.bytes = whole ? what.got.full_length : received->bytes;
            return std::errc{};
        });
    return outcome;
}

// MSG_TRUNC on a stream: the bytes are thrown away (tcp(7)), all into the same place.
Outcome discard_stream(Call& call, std::size_t size, ReceiveCall& what) {
    constexpr std::size_t scratch_bytes = 64 * 1024;
    constexpr std::size_t limit_parts = 1024;  // as much as the largest buffer holds
    std::vector<std::uint8_t> scratch(std::min(size, scratch_bytes));
    std::vector<MutableBytes> parts;
    for (; size > 0 && parts.size() < limit_parts; size -= parts.back().size())
        parts.push_back(MutableBytes(scratch).first(std::min(size, scratch_bytes)));
    what.parts = parts;
    const Outcome outcome = receive_stream(call, what);
    what.parts = {};
    return outcome;
}

ssize_t send_parts(int fd, std::span<Bytes> parts, int flags, const sockaddr* address,
                   socklen_t length) {
    Call call(fd);
    if (!call) return fail(call.error());
    SendCall what{parts, flags};
    if (address != nullptr) {
        const auto parsed = endpoint_from(address, length);
        if (!parsed) return fail(parsed.error());
        what.remote = *parsed;
    }
    return result_of(send_on(call, what));
}

// recvfrom() with MSG_ERRQUEUE: the datagram that an error is about, as far as it was quoted, and
// where it was going. What the error was stands in the ancillary data of recvmsg().
ssize_t receive_quoted(Call& call, std::span<MutableBytes> parts, sockaddr* address,
                       socklen_t* length) {
    const auto error = call.run([](socket::Socket& socket) { return socket.take_queued_error(); });
    if (!error) return fail(error.error());
    if (address != nullptr) store_endpoint(error->destination, address, length);
    return static_cast<ssize_t>(scatter(error->payload, parts));
}

ssize_t receive_parts(int fd, std::span<MutableBytes> parts, int flags, sockaddr* address,
                      socklen_t* length) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (address != nullptr)
        if (const int error = check_room(address, length)) return fail(error);
    if ((flags & MSG_ERRQUEUE) != 0) return receive_quoted(call, parts, address, length);
    ReceiveCall what{parts, flags};
    const Outcome outcome = receive_on(call, what);
    if (outcome.error != std::errc{}) return fail(outcome.error);
    if (address != nullptr) {
        // A stream has no datagrams to name the source of; Linux leaves the address empty.
        if (call.socket().type() == socket::Type::stream)
            *length = 0;
        else
            store_endpoint(what.got.source, address, length);
    }
    return static_cast<ssize_t>(outcome.bytes);
}

}  // namespace

ssize_t result_of(const Outcome& outcome) {
    if (outcome.error != std::errc{}) return fail(outcome.error);
    return static_cast<ssize_t>(outcome.bytes);
}

Outcome send_on(Call& call, const SendCall& what) {
    const bool stream = call.socket().type() == socket::Type::stream;
    if ((what.flags & ~(stream ? stream_send_flags : send_flags)) != 0)
        return {std::errc::operation_not_supported, 0};
    return stream ? send_stream(call, what)
                  : send_datagram(call, what, (what.flags & MSG_DONTWAIT) != 0);
}

Outcome receive_on(Call& call, ReceiveCall& what) {
    const bool stream = call.socket().type() == socket::Type::stream;
    const int known = receive_flags | (stream ? MSG_OOB : 0);
    if ((what.flags & ~known) != 0) return {std::errc::operation_not_supported, 0};
    if (!stream) return receive_datagram(call, what);
    if ((what.flags & MSG_OOB) != 0) return receive_urgent(call, what);
    const std::size_t size = Remaining<MutableBytes>(what.parts).size();
    if (size == 0) return {};
    return (what.flags & MSG_TRUNC) != 0 ? discard_stream(call, size, what)
                                         : receive_stream(call, what);
}

std::size_t scatter(Bytes data, std::span<const MutableBytes> parts) {
    std::size_t copied = 0;
    for (const MutableBytes part : parts) {
        const std::size_t count = std::min(part.size(), data.size());
        std::copy_n(data.begin(), count, part.begin());
        data = data.subspan(count);
        copied += count;
    }
    return copied;
}

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
    if (count < 0) return fail(EINVAL);
    if (const int error = parts_of(parts, static_cast<std::size_t>(count), spans))
        return fail(error);
    return send_parts(fd, spans, 0, nullptr, 0);
}

ssize_t berth_readv(int fd, const iovec* parts, int count) {
    std::vector<MutableBytes> spans;
    if (count < 0) return fail(EINVAL);
    if (const int error = parts_of(parts, static_cast<std::size_t>(count), spans))
        return fail(error);
    return receive_parts(fd, spans, 0, nullptr, nullptr);
}

}  // extern "C"
