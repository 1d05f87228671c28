// berth/socket.h: messages, which carry addresses, scattered buffers and ancillary data in one
// call.
#include <algorithm>
#include <climits>
#include <vector>

#include "berth/socket.h"
#include "host/ancillary.hpp"
#include "host/socket_address.hpp"
#include "host/transfer.hpp"

namespace berth::host {

namespace {

// Linux's own limit on how many messages one call moves.
constexpr unsigned limit_messages = 1024;

MutableBytes control_of(const msghdr& message) {
    if (message.msg_control == nullptr) return {};
    return {static_cast<std::uint8_t*>(message.msg_control), message.msg_controllen};
}

ssize_t send_message(Call& call, const msghdr& message, int flags) {
    std::vector<Bytes> parts;
    if (const int error = parts_of(message.msg_iov, message.msg_iovlen, parts, EMSGSIZE))
        return fail(error);
    SendCall what{parts, flags};
    if (message.msg_name != nullptr) {
        const auto* address = static_cast<const sockaddr*>(message.msg_name);
        const auto remote = endpoint_from(address, message.msg_namelen);
        if (!remote) return fail(remote.error());
        what.remote = *remote;
    }
    if (message.msg_controllen > INT_MAX) return fail(ENOBUFS);
    if (call.socket().type() != socket::Type::stream) {
        const auto control = control_from(control_of(message), call.core().stack());
        if (!control) return fail(control.error());
        what.control = *control;
    }
    return result_of(send_on(call, what));
}

void store_name(msghdr& message, const Endpoint& endpoint) {
    if (message.msg_name == nullptr) return;
    store_endpoint(endpoint, static_cast<sockaddr*>(message.msg_name), &message.msg_namelen);
}

void store_control(msghdr& message, const ControlWriter& writer) {
    message.msg_controllen = writer.size();
    if (writer.truncated()) message.msg_flags |= MSG_CTRUNC;
}

// MSG_ERRQUEUE never waits (Linux recv(2)).
ssize_t receive_error(Call& call, msghdr& message, std::span<MutableBytes> parts) {
    const auto error = call.run([](socket::Socket& socket) { return socket.take_queued_error(); });
    if (!error) return fail(error.error());
    const std::size_t copied = scatter(error->payload, parts);
    message.msg_flags = MSG_ERRQUEUE;
    if (copied < error->payload.size()) message.msg_flags |= MSG_TRUNC;
    store_name(message, error->destination);
    ControlWriter writer(control_of(message));
    tell_error(writer, *error);
    store_control(message, writer);
    return static_cast<ssize_t>(copied);
}

ssize_t receive_message(Call& call, msghdr& message, int flags) {
    std::vector<MutableBytes> parts;
    if (const int error = parts_of(message.msg_iov, message.msg_iovlen, parts, EMSGSIZE))
        return fail(error);
    if (message.msg_name != nullptr) {
        const auto* address = static_cast<const sockaddr*>(message.msg_name);
        if (const int error = check_room(address, &message.msg_namelen)) return fail(error);
    }
    if ((flags & MSG_ERRQUEUE) != 0) return receive_error(call, message, parts);
    ReceiveCall what{parts, flags};
    const Outcome outcome = receive_on(call, what);
    if (outcome.error != std::errc{}) return fail(outcome.error);
    message.msg_flags = 0;
    if (call.socket().type() == socket::Type::stream) {
        message.msg_namelen = 0;
        message.msg_controllen = 0;
        message.msg_flags = flags & MSG_OOB;
        return static_cast<ssize_t>(outcome.bytes);
    }
    if (what.got.bytes < what.got.full_length) message.msg_flags |= MSG_TRUNC;
    store_name(message, what.got.source);
    ControlWriter writer(control_of(message));
    tell_received(writer, call.socket(), call.core().stack(), what.got);
    store_control(message, writer);
    return static_cast<ssize_t>(outcome.bytes);
}

// `moved` messages went before something stopped it: they count; else the error does.
int messages_or_error(unsigned moved) {
    return moved > 0 ? static_cast<int>(moved) : -1;
}

}  // namespace

}  // namespace berth::host

using namespace berth;
using namespace berth::host;

extern "C" {

ssize_t berth_sendmsg(int fd, const msghdr* message, int flags) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (message == nullptr) return fail(EFAULT);
    return send_message(call, *message, flags);
}

ssize_t berth_recvmsg(int fd, msghdr* message, int flags) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (message == nullptr) return fail(EFAULT);
    return receive_message(call, *message, flags);
}

int berth_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (messages == nullptr && count > 0) return fail(EFAULT);
    count = std::min(count, limit_messages);
    unsigned sent = 0;
    for (; sent < count; ++sent) {
        // An error that waits is for the next call to report.
        if (sent > 0 && (!call.file().socket || call.socket().readiness().error)) break;
        const ssize_t size = send_message(call, messages[sent].msg_hdr, flags);
        if (size < 0) return messages_or_error(sent);
        messages[sent].msg_len = static_cast<unsigned>(size);
    }
    return static_cast<int>(sent);
}

int berth_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (messages == nullptr && count > 0) return fail(EFAULT);
    Time deadline = Time::never();
    if (timeout != nullptr) {
        if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1'000'000'000)
            return fail(EINVAL);
        constexpr std::int64_t longest_seconds = 1'000'000'000;
        deadline = call.core().now() +
                   seconds(std::min<std::int64_t>(timeout->tv_sec, longest_seconds)) +
                   nanoseconds(timeout->tv_nsec);
    }
    count = std::min(count, limit_messages);
    unsigned received = 0;
    // As Linux: the time is looked at when a message has come, and only then.
    while (received < count && (received == 0 || call.core().now() < deadline)) {
        if (received > 0 && (!call.file().socket || call.socket().readiness().error)) break;
        const bool dont_wait = received > 0 && (flags & MSG_WAITFORONE) != 0;
        const int each = (flags & ~MSG_WAITFORONE) | (dont_wait ? MSG_DONTWAIT : 0);
        const ssize_t size = receive_message(call, messages[received].msg_hdr, each);
        if (size < 0) return messages_or_error(received);
        messages[received++].msg_len = static_cast<unsigned>(size);
    }
    return static_cast<int>(received);
}

}  // extern "C"
