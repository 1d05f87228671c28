#include "host/control_server.hpp"

#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "drivers/text.hpp"
#include "host/clock.hpp"
#include "host/control_path.hpp"
#include "host/measurement.hpp"

namespace berth::host {

using drivers::concat;
using drivers::errno_text;
using drivers::UniqueFd;

namespace {

constexpr int listen_backlog = 64;

// The folder is locked, so that of two hosts that start at once only one gets the name.
Result<UniqueFd, std::string> bind_listener(const std::string& name, const std::string& path) {
    const auto folder = open_control_folder(true);
    if (!folder) return Failure{folder.error()};
    ::flock(folder->get(), LOCK_EX);
    if (connect_control(path) || errno == EAGAIN || errno == EACCES) {
        return Failure{
            concat({"a host named '", name, "' is running already; choose another --name"})};
    }
    if (errno == ECONNREFUSED) ::unlink(path.c_str());  // left behind by one that was killed
    sockaddr_un address;
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const bool fits = unix_address(path, address);
    if (!fits) errno = ENAMETOOLONG;
    // The mode of the file is the socket's mode at the time of bind.
    if (!fd || !fits || ::fchmod(fd.get(), 0600) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), listen_backlog) != 0) {
        return Failure{
            concat({"cannot make the control socket ", path, ": ", errno_text(errno),
                    "; choose another --name, or set XDG_RUNTIME_DIR to a folder of yours"})};
    }
    return fd;
}

bool is_friend(int fd) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == ::geteuid() || peer.uid == 0;
}

// Whole, or not at all: a client that takes nothing for `client_patience_ms` has gone.
bool send_line(int fd, std::string_view line) {
    const std::string text = concat({line, "\n"});
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        pollfd one{fd, POLLOUT, 0};
        if (errno != EAGAIN || ::poll(&one, 1, ControlServer::client_patience_ms) <= 0)
            return false;
    }
    return true;
}

bool has_hung_up(int fd) {
    pollfd one{fd, POLLRDHUP, 0};
    return ::poll(&one, 1, 0) > 0;
}

}  // namespace

Result<std::unique_ptr<ControlServer>, std::string> ControlServer::start(const std::string& name,
                                                                         Answer answer,
                                                                         Measure measure) {
    if (!is_control_name(name)) {
        return Failure{concat({"'", name,
                               "' cannot be a host's name; use up to 64 letters, digits, "
                               "dots, dashes and underscores, and no dot in front"})};
    }
    const std::string path = control_path(name);
    auto listener = bind_listener(name, path);
    if (!listener) return Failure{listener.error()};
    std::unique_ptr<ControlServer> server(
        new ControlServer(path, *std::move(listener), std::move(answer), std::move(measure)));
    if (!server->stop_) {
        ::unlink(path.c_str());
        return Failure<std::string>{
            "cannot serve a control socket: there are no file descriptors left; raise 'ulimit -n'"};
    }
    server->thread_ = std::thread([raw = server.get()] { raw->run(); });
    return server;
}

ControlServer::ControlServer(std::string path, UniqueFd listener, Answer answer, Measure measure)
    : path_(std::move(path)),
      listener_(std::move(listener)),
      answer_(std::move(answer)),
      measure_(std::move(measure)) {}

void ControlServer::stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    stop_.write();
    thread_.join();
    forget_measurements(true);
    ::unlink(path_.c_str());
    clients_.clear();
    listener_.reset();
}

int ControlServer::patience_ms() const {
    if (clients_.empty()) return -1;
    std::int64_t first = clients_.front().deadline_ns;
    for (const Client& client : clients_)
        first = std::min(first, client.deadline_ns);
    const std::int64_t left_ms = (first - monotonic_ns()) / 1'000'000 + 1;
    return static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, client_patience_ms));
}

void ControlServer::run() {
    std::vector<pollfd> fds;
    for (;;) {
        fds.assign({{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}});
        // Beyond the limit nobody is accepted: they wait in the backlog, then are refused by the
        // kernel.
        if (clients_.size() >= limit_clients) fds[1].fd = -1;
        for (const Client& client : clients_)
            fds.push_back(
                {client.fd.get(), static_cast<short>(client.reply.empty() ? POLLIN : POLLOUT), 0});
        ::poll(fds.data(), static_cast<nfds_t>(fds.size()), patience_ms());
        if (fds[0].revents != 0) return;
        const std::int64_t now = monotonic_ns();
        std::size_t at = 2;
        std::erase_if(clients_, [&](Client& client) {
            return !serve(client, fds[at++].revents) || client.deadline_ns <= now;
        });
        if (fds[1].revents != 0) accept_clients();
        forget_measurements(false);
    }
}

void ControlServer::accept_clients() {
    while (clients_.size() < limit_clients) {
        UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) {
            // Out of descriptors: the client stays in the backlog, so do not come back at once.
            if (errno == EMFILE || errno == ENFILE) ::poll(nullptr, 0, 100);
            return;
        }
        if (!is_friend(fd.get())) continue;
        Client client;
        client.fd = std::move(fd);
        client.deadline_ns = monotonic_ns() + std::int64_t{client_patience_ms} * 1'000'000;
        clients_.push_back(std::move(client));
    }
}

// True while the client is worth keeping.
bool ControlServer::read_request(Client& client) {
    std::array<char, limit_request_bytes> part;
    const ssize_t got = ::recv(client.fd.get(), part.data(), part.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    client.request.append(part.data(), static_cast<std::size_t>(got));
    const std::size_t end = client.request.find('\n');
    if (end == std::string::npos) return client.request.size() < limit_request_bytes;
    client.request.resize(end);
    if (measure_ && is_measurement(client.request)) return begin_measurement(client);
    client.reply = answer_(client.request) + "\n";
    return true;
}

bool ControlServer::serve(Client& client, short events) {
    if (events == 0) return true;
    if (client.reply.empty()) {
        if (!read_request(client)) return false;
        if (client.reply.empty()) return true;  // the line is not whole yet
    }
    const std::string_view rest = std::string_view(client.reply).substr(client.sent);
    const ssize_t sent = ::send(client.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    client.sent += static_cast<std::size_t>(sent);
    return client.sent < client.reply.size();
}

// ---- measurements

// False: the client's connection has gone to its measurement.
bool ControlServer::begin_measurement(Client& client) {
    forget_measurements(false);
    if (measurements_.size() >= limit_measurements) {
        client.reply =
            concat({R"({"schema":1,"error":"there are )", std::to_string(limit_measurements),
                    R"( measurements under way already; try again later"})", "\n"});
        return true;
    }
    Measurement& measurement = measurements_.emplace_back();
    measurement.fd = std::move(client.fd);
    measurement.request = std::move(client.request);
    measurement.thread = std::thread([this, &measurement] { run_measurement(measurement); });
    return false;
}

void ControlServer::run_measurement(Measurement& measurement) {
    const int fd = measurement.fd.get();
    bool gone = false;
    const auto tell = [&](const std::string& line) {
        gone = gone || !send_line(fd, line);
        return !gone;
    };
    const auto is_over = [&] { return gone || stopping_ || has_hung_up(fd); };
    measure_(measurement.request, {tell, is_over, fd});
    // The client sees the end of the answer; the descriptor itself is closed by forget().
    ::shutdown(fd, SHUT_RDWR);
    measurement.done = true;
}

void ControlServer::forget_measurements(bool all) {
    measurements_.remove_if([all](Measurement& measurement) {
        if (!all && !measurement.done) return false;
        ::shutdown(measurement.fd.get(), SHUT_RD);  // readable: it waits for nothing any more
        measurement.thread.join();
        return true;
    });
}

}  // namespace berth::host
