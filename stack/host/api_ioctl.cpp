// berth/socket.h: berth_ioctl, what is asked of a socket that is no option.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <optional>

#include "berth/socket.h"
#include "host/call.hpp"

namespace berth::host {

namespace {

std::optional<socket::Option> asked_by(unsigned long request) {
    switch (request) {
        case SIOCINQ: return socket::Option::unread_bytes;    // FIONREAD
        case SIOCOUTQ: return socket::Option::unacked_bytes;  // TIOCOUTQ
        case SIOCOUTQNSD: return socket::Option::unsent_bytes;
        case SIOCATMARK: return socket::Option::at_mark;
        default: return std::nullopt;
    }
}

int control(int fd, unsigned long request, int* argument) {
    Call call(fd);
    if (!call) return fail(call.error());
    const auto option = asked_by(request);
    if (!option && request != FIONBIO) return fail(ENOTTY);
    if (argument == nullptr) return fail(EFAULT);
    if (!option) {
        call.file().nonblocking = *argument != 0;
        return 0;
    }
    const auto value = call.run([&](socket::Socket& socket) { return socket.get_option(*option); });
    // A datagram has no urgent mark and is not sent in parts.
    if (!value)
        return fail(value.error() == std::errc::no_protocol_option
                        ? std::errc::inappropriate_io_control_operation
                        : value.error());
    *argument = static_cast<int>(std::min<std::int64_t>(*value, INT_MAX));
    return 0;
}

}  // namespace

}  // namespace berth::host

extern "C" int berth_ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    int* const argument = va_arg(arguments, int*);
    va_end(arguments);
    return berth::host::control(fd, request, argument);
}
