// berth/socket.h: socket options.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "berth/socket.h"
#include "host/call.hpp"
#include "host/ip_options.hpp"
#include "host/tcp_info.hpp"

namespace berth::host {

namespace {

struct Known {
    int level;
    int name;
    socket::Option option;
    bool settable;
    bool stream_only;
    bool byte_allowed;  // ip(7) takes a single byte as well as an int
};

constexpr Known known_options[] = {
    {SOL_SOCKET, SO_REUSEADDR, socket::Option::reuse_address, true, false, false},
    {SOL_SOCKET, SO_BROADCAST, socket::Option::broadcast, true, false, false},
    {SOL_SOCKET, SO_RCVBUF, socket::Option::receive_buffer, true, false, false},
    {SOL_SOCKET, SO_SNDBUF, socket::Option::send_buffer, true, false, false},
    {SOL_SOCKET, SO_ERROR, socket::Option::error, false, false, false},
    {SOL_SOCKET, SO_TYPE, socket::Option::type, false, false, false},
    {SOL_SOCKET, SO_ACCEPTCONN, socket::Option::accepting, false, false, false},
    {IPPROTO_TCP, TCP_NODELAY, socket::Option::no_delay, true, true, false},
    {IPPROTO_TCP, TCP_MAXSEG, socket::Option::maximum_segment, true, true, false},
    {IPPROTO_IP, IP_TTL, socket::Option::ttl, true, false, true},
    {IPPROTO_IP, IP_TOS, socket::Option::tos, true, false, true},
    {IPPROTO_IP, IP_MTU_DISCOVER, socket::Option::mtu_discover, true, false, true},
    {IPPROTO_IP, IP_MTU, socket::Option::mtu, false, false, false},
    {IPPROTO_IP, IP_RECVERR, socket::Option::receive_errors, true, false, true},
    {IPPROTO_IP, IP_PKTINFO, socket::Option::packet_info, true, false, true},
    {IPPROTO_IP, IP_RECVTTL, socket::Option::receive_ttl, true, false, true},
    {IPPROTO_IP, IP_RECVTOS, socket::Option::receive_tos, true, false, true},
    {IPPROTO_IP, IP_MULTICAST_TTL, socket::Option::multicast_ttl, true, false, true},
    {IPPROTO_IP, IP_MULTICAST_LOOP, socket::Option::multicast_loop, true, false, true},
    {IPPROTO_IP, IP_MULTICAST_ALL, socket::Option::multicast_all, true, false, true},
    {IPPROTO_IP, IP_HDRINCL, socket::Option::header_included, true, false, true},
};

const Known* find_option(int level, int name, socket::Type type) {
    for (const Known& each : known_options) {
        if (each.level != level || each.name != name) continue;
        return each.stream_only && type != socket::Type::stream ? nullptr : &each;
    }
    return nullptr;
}

template <class T>
std::optional<T> value_of(const void* value, socklen_t length) {
    if (length < sizeof(T)) return std::nullopt;
    T copy{};
    std::memcpy(&copy, value, sizeof copy);
    return copy;
}

// getsockopt(2) cuts the value to the room that there is.
template <class T>
int give(const T& value, void* to, socklen_t* length) {
    const auto size = std::min<std::size_t>(*length, sizeof value);
    std::memcpy(to, &value, size);
    *length = static_cast<socklen_t>(size);
    return 0;
}

int set_timeout(Duration& timeout, const void* value, socklen_t length) {
    const auto given = value_of<timeval>(value, length);
    if (!given) return fail(EINVAL);
    if (given->tv_usec < 0 || given->tv_usec >= 1'000'000) return fail(EDOM);
    // As Linux: a negative time is no wait at all; what is too long to count is for ever.
    constexpr std::int64_t longest_seconds = 1'000'000'000;
    if (given->tv_sec < 0)
        timeout = nanoseconds(1);
    else if (given->tv_sec > longest_seconds)
        timeout = {};
    else
        timeout = seconds(given->tv_sec) + microseconds(given->tv_usec);
    return 0;
}

timeval timeval_of(Duration timeout) {
    timeval value{};
    value.tv_sec = static_cast<time_t>(timeout.seconds());
    value.tv_usec = static_cast<suseconds_t>(timeout.microseconds() % 1'000'000);
    return value;
}

// Linux takes every option of SOL_SOCKET on every socket; where it means nothing it does nothing.
std::errc unless_meaningless(std::errc error, int level) {
    const bool meaningless = error == std::errc::no_protocol_option && level == SOL_SOCKET;
    return meaningless ? std::errc{} : error;
}

int set_linger(socket::Socket& socket, const void* value, socklen_t length) {
    const auto given = value_of<struct linger>(value, length);
    if (!given) return fail(EINVAL);
    const int seconds = given->l_onoff != 0 ? std::max(given->l_linger, 0) : -1;
    return done(unless_meaningless(socket.set_option(socket::Option::linger, seconds), SOL_SOCKET));
}

int get_linger(socket::Socket& socket, void* value, socklen_t* length) {
    const auto seconds = socket.get_option(socket::Option::linger);
    struct linger result {};
    if (seconds && *seconds >= 0) {
        result.l_onoff = 1;
        result.l_linger = static_cast<int>(*seconds);
    }
    return give(result, value, length);
}

std::optional<int> integer_of(const Known& option, const void* value, socklen_t length) {
    if (option.byte_allowed && length >= 1 && length < sizeof(int))
        return int{*value_of<unsigned char>(value, length)};
    auto number = value_of<int>(value, length);
    // ip(7): -1 is the default.
    constexpr int default_ttl = 64;
    constexpr int default_multicast_ttl = 1;  // RFC 1112 §6.1
    if (number == -1 && option.option == socket::Option::ttl) return default_ttl;
    if (number == -1 && option.option == socket::Option::multicast_ttl)
        return default_multicast_ttl;
    return number;
}

int socket_type_of(socket::Type type) {
    switch (type) {
        case socket::Type::stream: return SOCK_STREAM;
        case socket::Type::raw: return SOCK_RAW;
        case socket::Type::datagram:
        case socket::Type::ping: break;
    }
    return SOCK_DGRAM;
}

}  // namespace

}  // namespace berth::host

using namespace berth;
using namespace berth::host;

extern "C" {

int berth_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (length > INT32_MAX) return fail(EINVAL);
    if (const auto result = set_structured_option(call, level, name, value, length)) return *result;
    const bool socket_level = level == SOL_SOCKET;
    const Known* option = find_option(level, name, call.socket().type());
    const bool own =
        socket_level && (name == SO_RCVTIMEO || name == SO_SNDTIMEO || name == SO_LINGER);
    if (!own && (option == nullptr || !option->settable)) return fail(ENOPROTOOPT);
    if (value == nullptr) return fail(length < sizeof(int) ? EINVAL : EFAULT);
    if (socket_level && name == SO_RCVTIMEO)
        return set_timeout(call.file().receive_timeout, value, length);
    if (socket_level && name == SO_SNDTIMEO)
        return set_timeout(call.file().send_timeout, value, length);
    if (socket_level && name == SO_LINGER) return set_linger(call.socket(), value, length);
    const auto number = integer_of(*option, value, length);
    if (!number) return fail(EINVAL);
    return done(call.run([&](socket::Socket& socket) {
        return unless_meaningless(socket.set_option(option->option, *number), level);
    }));
}

int berth_getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (length == nullptr || (value == nullptr && *length > 0)) return fail(EFAULT);
    if (*length > INT32_MAX) return fail(EINVAL);
    if (const auto result = get_structured_option(call, level, name, value, length)) return *result;
    if (level == IPPROTO_TCP && name == TCP_INFO) return get_tcp_info(call, value, length);
    if (level == SOL_SOCKET) {
        switch (name) {
            case SO_RCVTIMEO: return give(timeval_of(call.file().receive_timeout), value, length);
            case SO_SNDTIMEO: return give(timeval_of(call.file().send_timeout), value, length);
            case SO_LINGER: return get_linger(call.socket(), value, length);
            case SO_DOMAIN: return give(int{AF_INET}, value, length);
            case SO_PROTOCOL: return give(call.file().protocol, value, length);
            case SO_TYPE: return give(socket_type_of(call.socket().type()), value, length);
            default: break;
        }
    }
    const Known* option = find_option(level, name, call.socket().type());
    if (option == nullptr) return fail(ENOPROTOOPT);
    const auto number = call.socket().get_option(option->option);
    if (!number && unless_meaningless(number.error(), level) != std::errc{})
        return fail(number.error());
    return give(number ? static_cast<int>(*number) : 0, value, length);
}

}  // extern "C"
