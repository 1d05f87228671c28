// What all calls that send or receive have in common, whichever way they name their buffers.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "base/bytes.hpp"
#include "berth/address.hpp"
#include "host/call.hpp"
#include "socket/socket.hpp"

namespace berth::host {

// MSG_NOSIGNAL is what always happens here: no signal is raised, EPIPE is all. MSG_CONFIRM tells
// ARP what it finds out by itself. MSG_EOR ends nothing on a stream, as on Linux.
inline constexpr int send_flags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CONFIRM;
inline constexpr int stream_send_flags = send_flags | MSG_OOB | MSG_MORE | MSG_EOR;
inline constexpr int receive_flags = MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_WAITALL |
                                     MSG_NOSIGNAL | MSG_CMSG_CLOEXEC | MSG_ERRQUEUE;

struct Outcome {
    std::errc error{};
    std::size_t bytes = 0;
};
ssize_t result_of(const Outcome& outcome);

struct SendCall {
    std::span<Bytes> parts;
    int flags = 0;  // of send_flags, or of stream_send_flags
    std::optional<Endpoint> remote{};
    socket::SendControl control{};  // of datagrams
};
Outcome send_on(Call& call, const SendCall& what);

struct ReceiveCall {
    std::span<MutableBytes> parts;
    int flags = 0;           // of receive_flags, without MSG_ERRQUEUE; on a stream also MSG_OOB
    socket::Received got{};  // the last thing that came
};
// Of a datagram Outcome::bytes is what was copied, of one looked at with MSG_TRUNC all that it had.
Outcome receive_on(Call& call, ReceiveCall& what);

// As much of `data` as fits; how much that was.
std::size_t scatter(Bytes data, std::span<const MutableBytes> parts);

// An iovec as spans. 0 or an errno value; `too_many` is what more than IOV_MAX say.
template <class Part>
int parts_of(const iovec* parts, std::size_t count, std::vector<Part>& out, int too_many = EINVAL) {
    if (count > static_cast<std::size_t>(IOV_MAX)) return too_many;
    if (count > 0 && parts == nullptr) return EFAULT;
    std::size_t total = 0;
    out.reserve(count);
    for (const iovec& part : std::span(parts, count)) {
        if (part.iov_len > static_cast<std::size_t>(SSIZE_MAX) - total) return EINVAL;
        if (part.iov_base == nullptr && part.iov_len > 0) return EFAULT;
        total += part.iov_len;
        out.emplace_back(static_cast<std::uint8_t*>(part.iov_base), part.iov_len);
    }
    return 0;
}

}  // namespace berth::host
