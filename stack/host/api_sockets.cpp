// berth/socket.h: making, naming, connecting and closing sockets.
#include <fcntl.h>
#include <netinet/in.h>

#include <memory>
#include <utility>

#include "berth/host.h"
#include "berth/socket.h"
#include "host/call.hpp"
#include "host/make_socket.hpp"
#include "host/process.hpp"
#include "host/socket_address.hpp"
#include "socket/sockets.hpp"

namespace berth::host {

namespace {

// What socket(2)'s arguments ask for.
struct Wanted {
    socket::Type type = socket::Type::stream;
    int protocol = 0;
};

Result<Wanted, int> wanted_for(int domain, int type, int protocol) {
    constexpr int last_protocol = 255;
    if (domain != AF_INET) return Failure{EAFNOSUPPORT};
    if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC | 0xf)) != 0) return Failure{EINVAL};
    switch (type & 0xf) {
        case SOCK_STREAM:
            if (protocol != 0 && protocol != IPPROTO_TCP) return Failure{EPROTONOSUPPORT};
            return Wanted{socket::Type::stream, IPPROTO_TCP};
        case SOCK_DGRAM:
            if (protocol == IPPROTO_ICMP) return Wanted{socket::Type::ping, IPPROTO_ICMP};
            if (protocol != 0 && protocol != IPPROTO_UDP) return Failure{EPROTONOSUPPORT};
            return Wanted{socket::Type::datagram, IPPROTO_UDP};
        case SOCK_RAW:
            if (protocol < 0 || protocol > last_protocol) return Failure{EINVAL};
            if (protocol == 0) return Failure{EPROTONOSUPPORT};
            return Wanted{socket::Type::raw, protocol};
        case SOCK_RDM:
        case SOCK_SEQPACKET: return Failure{ESOCKTNOSUPPORT};
        default: return Failure{EINVAL};
    }
}

// The descriptor of a socket that the lock's holder has just made. Gives the lock back.
int publish(CoreGuard guard, const std::shared_ptr<Core>& core,
            std::unique_ptr<socket::Socket> made, int protocol, bool nonblocking) {
    auto file = std::make_shared<OpenFile>(core, std::move(made));
    file->protocol = protocol;
    file->nonblocking = nonblocking;
    guard.unlock();
    const int fd = Process::current().descriptors().insert(file);
    if (fd < 0) return fail(EMFILE);  // the file's destructor closes the socket
    // The host may have been shut down in between, after it had emptied the table.
    if (core->is_shut()) {
        Process::current().descriptors().remove(fd);
        return fail(ENETDOWN);
    }
    return fd;
}

// The first call begins; while the handshake goes on, further ones say so; then comes its outcome.
int connect_stream(Call& call, Endpoint remote) {
    bool begun = false;
    const auto attempt = [&](socket::Socket& socket) {
        const std::errc result = socket.connect(remote);
        if (result == std::errc::operation_in_progress) begun = true;
        const bool going_on = result == std::errc::operation_in_progress ||
                              result == std::errc::connection_already_in_progress;
        return going_on ? std::errc::operation_would_block : result;
    };
    const Patience patience = Patience::of(call.file(), false, call.file().send_timeout);
    const std::errc result = persist(call, {.writable = true}, patience, attempt);
    if (result != std::errc::operation_would_block) return done(result);
    // What Linux says, both without blocking and when SO_SNDTIMEO is over.
    return fail(begun ? EINPROGRESS : EALREADY);
}

// SO_LINGER: waits until everything is acknowledged, at most for the time that the user set.
void wait_for_linger(Core& core, CoreGuard& guard, socket::Socket& socket,
                     std::int64_t timeout_seconds) {
    socket.shutdown(socket::Shutdown::write);
    core.end_call();
    Waiter waiter;
    waiter.set_every_round(true);
    const SeatVisit visit(*core.seat(), waiter);
    const Time deadline = core.now() + seconds(timeout_seconds);
    while (socket.has_unacknowledged() && !core.is_shut()) {
        const Woken woken = core.seat()->wait(guard, waiter, deadline);
        if (woken == Woken::timed_out || woken == Woken::interrupted) return;
    }
}

}  // namespace

int make_socket(const std::shared_ptr<Core>& core, int domain, int type, int protocol) {
    const auto wanted = wanted_for(domain, type, protocol);
    if (!wanted) return fail(wanted.error());
    if (!core) return fail(ENETDOWN);
    CoreGuard guard(core->lock());
    if (core->is_shut()) return fail(ENETDOWN);
    auto made =
        socket::open(core->stack(), wanted->type, static_cast<std::uint8_t>(wanted->protocol));
    if (!made) return fail(EPROTONOSUPPORT);
    // raw(7): who names IPPROTO_RAW writes the IP header too.
    if (wanted->type == socket::Type::raw && wanted->protocol == IPPROTO_RAW)
        made->set_option(socket::Option::header_included, 1);
    return publish(std::move(guard), core, std::move(made), wanted->protocol,
                   (type & SOCK_NONBLOCK) != 0);
}

}  // namespace berth::host

using namespace berth;
using namespace berth::host;

extern "C" {

int berth_socket(int domain, int type, int protocol) {
    return make_socket(Process::current().default_host(), domain, type, protocol);
}

int berth_bind(int fd, const sockaddr* address, socklen_t length) {
    Call call(fd);
    if (!call) return fail(call.error());
    const auto local = endpoint_from(address, length);
    if (!local) return fail(local.error());
    return done(call.run([&](socket::Socket& socket) { return socket.bind(*local); }));
}

int berth_listen(int fd, int backlog) {
    Call call(fd);
    if (!call) return fail(call.error());
    return done(call.run([&](socket::Socket& socket) { return socket.listen(backlog); }));
}

int berth_accept(int fd, sockaddr* address, socklen_t* length) {
    return berth_accept4(fd, address, length, 0);
}

int berth_accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
    if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return fail(EINVAL);
    Call call(fd);
    if (!call) return fail(call.error());
    if (address != nullptr)
        if (const int error = check_room(address, length)) return fail(error);
    std::unique_ptr<socket::Socket> accepted;
    const std::errc result = persist(call, {.readable = true},
                                     Patience::of(call.file(), false, call.file().receive_timeout),
                                     [&](socket::Socket& socket) {
                                         auto next = socket.accept();
                                         if (!next) return next.error();
                                         accepted = *std::move(next);
                                         return std::errc{};
                                     });
    if (result != std::errc{}) return fail(result);
    if (address != nullptr)
        store_endpoint(accepted->remote().value_or(Endpoint{}), address, length);
    return publish(std::move(call.guard()), call.file().core, std::move(accepted), IPPROTO_TCP,
                   (flags & SOCK_NONBLOCK) != 0);
}

int berth_connect(int fd, const sockaddr* address, socklen_t length) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (is_unspecified_family(address, length)) {
        return done(call.run([](socket::Socket& socket) { return socket.disconnect(); }));
    }
    const auto remote = endpoint_from(address, length);
    if (!remote) return fail(remote.error());
    if (call.socket().type() == socket::Type::stream) return connect_stream(call, *remote);
    return done(call.run([&](socket::Socket& socket) { return socket.connect(*remote); }));
}

int berth_shutdown(int fd, int how) {
    Call call(fd);
    if (!call) return fail(call.error());
    socket::Shutdown which{};
    switch (how) {
        case SHUT_RD: which = socket::Shutdown::read; break;
        case SHUT_WR: which = socket::Shutdown::write; break;
        case SHUT_RDWR: which = socket::Shutdown::both; break;
        default: return fail(EINVAL);
    }
    return done(call.run([&](socket::Socket& socket) { return socket.shutdown(which); }));
}

int berth_close(int fd) {
    const std::shared_ptr<OpenFile> file = Process::current().descriptors().remove(fd);
    if (!file) return fail(EBADF);
    Core& core = *file->core;
    CoreGuard guard(core.lock());
    core.begin_call();
    std::unique_ptr<socket::Socket> socket = core.detach(*file);
    if (socket && core.threads() && socket->has_unacknowledged()) {
        const auto seconds = socket->get_option(socket::Option::linger);
        if (seconds && *seconds > 0) wait_for_linger(core, guard, *socket, *seconds);
    }
    socket.reset();
    core.end_call();
    return 0;
}

int berth_getsockname(int fd, sockaddr* address, socklen_t* length) {
    Call call(fd);
    if (!call) return fail(call.error());
    if (const int error = check_room(address, length)) return fail(error);
    store_endpoint(call.socket().local(), address, length);
    return 0;
}

int berth_getpeername(int fd, sockaddr* address, socklen_t* length) {
    Call call(fd);
    if (!call) return fail(call.error());
    const auto remote = call.socket().remote();
    if (!remote) return fail(ENOTCONN);
    if (const int error = check_room(address, length)) return fail(error);
    store_endpoint(*remote, address, length);
    return 0;
}

int berth_fcntl(int fd, int command, int argument) {
    Call call(fd);
    if (!call) return fail(EBADF);
    switch (command) {
        case F_GETFL: return O_RDWR | (call.file().nonblocking ? O_NONBLOCK : 0);
        case F_SETFL: call.file().nonblocking = (argument & O_NONBLOCK) != 0; return 0;
        // A descriptor of berth's never outlives exec(), whatever one asks for.
        case F_GETFD: return FD_CLOEXEC;
        case F_SETFD: return 0;
        default: return fail(EINVAL);
    }
}

}  // extern "C"
