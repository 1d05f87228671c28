// berth/control.hpp: the asking side of control sockets.
#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>

#include "berth/control.hpp"
#include "drivers/text.hpp"
#include "host/clock.hpp"
#include "host/control_path.hpp"

namespace berth {

namespace {

using drivers::concat;
using drivers::errno_text;
using drivers::UniqueFd;

// Ten million sockets at 200 bytes each would not be read by anybody.
constexpr std::size_t limit_answer_bytes = std::size_t{1} << 30;
constexpr std::string_view suffix = ".sock";

using Text = Maybe<std::string>;

// Waits for `events`, at most until the deadline. Empty, or why not.
std::string await(int fd, short events, std::int64_t deadline_ns) {
    for (;;) {
        const std::int64_t left_ms = (deadline_ns - host::monotonic_ns() + 999'999) / 1'000'000;
        if (left_ms <= 0) return "it did not answer in time; see whether it is stopped";
        pollfd one{fd, events, 0};
        const int ready =
            ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left_ms, 1'000'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return errno_text(errno);
    }
}

std::string send_all(int fd, std::string_view data, std::int64_t deadline_ns) {
    while (!data.empty()) {
        const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            data.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) return errno_text(errno);
        if (std::string problem = await(fd, POLLOUT, deadline_ns); !problem.empty()) return problem;
    }
    return {};
}

// The answer ends with the connection.
Text read_all(int fd, std::int64_t deadline_ns) {
    std::string answer;
    std::array<char, 65536> part;
    for (;;) {
        const ssize_t got = ::recv(fd, part.data(), part.size(), 0);
        if (got == 0) break;
        if (got > 0) {
            answer.append(part.data(), static_cast<std::size_t>(got));
            if (answer.size() > limit_answer_bytes) return Text::failed("its answer has no end");
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) return Text::failed(errno_text(errno));
        if (std::string problem = await(fd, POLLIN, deadline_ns); !problem.empty())
            return Text::failed(problem);
    }
    while (!answer.empty() && answer.back() == '\n')
        answer.pop_back();
    return answer;
}

// A host with a full backlog is there and busy, so it is worth another try.
UniqueFd connect_until(const std::string& path, std::int64_t deadline_ns) {
    constexpr int pause_ms = 5;
    for (;;) {
        UniqueFd fd = host::connect_control(path);
        if (fd || errno != EAGAIN || host::monotonic_ns() >= deadline_ns) return fd;
        ::poll(nullptr, 0, pause_ms);
    }
}

Text exchange(int fd, std::string_view request, std::int64_t deadline_ns) {
    if (std::string problem = send_all(fd, concat({request, "\n"}), deadline_ns); !problem.empty())
        return Text::failed(problem);
    Text answer = read_all(fd, deadline_ns);
    if (!answer) return answer;
    const auto json = nlohmann::json::parse(*answer, nullptr, false);
    if (!json.is_object() || json.value("schema", nlohmann::json()) != 1)
        return Text::failed("its answer is not what this version of berth expects");
    if (json.contains("error") && json["error"].is_string())
        return Text::failed(concat({"it says: ", json["error"].get<std::string>()}));
    return answer;
}

bool is_own_socket(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) &&
           status.st_uid == ::geteuid();
}

}  // namespace

Maybe<std::vector<RunningHost>> running_hosts() {
    using Hosts = Maybe<std::vector<RunningHost>>;
    bool missing = false;
    auto folder = host::open_control_folder(false, &missing);
    if (!folder) return Hosts::failed(folder.error());
    std::vector<RunningHost> hosts;
    if (missing) return hosts;
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::fdopendir(folder->get()), ::closedir);
    if (!open) return Hosts::failed(concat({"cannot read ", host::control_folder()}));
    folder->release();  // closedir closes it
    while (const dirent* entry = ::readdir(open.get())) {
        std::string_view name = entry->d_name;
        if (!name.ends_with(suffix)) continue;
        name.remove_suffix(suffix.size());
        if (!host::is_control_name(name)) continue;
        const std::string path = host::control_path(name);
        if (!is_own_socket(path)) continue;
        if (host::connect_control(path) || errno == EAGAIN)
            hosts.push_back({std::string(name), path});
        else if (errno == ECONNREFUSED)
            ::unlink(path.c_str());
    }
    std::sort(hosts.begin(), hosts.end(),
              [](const RunningHost& a, const RunningHost& b) { return a.name < b.name; });
    return hosts;
}

Maybe<std::string> ask_host(std::string_view name_or_path, std::string_view request,
                            int timeout_ms) {
    const bool is_path = name_or_path.find('/') != std::string_view::npos;
    if (!is_path && !host::is_control_name(name_or_path)) {
        return Text::failed(concat({"'", name_or_path,
                                    "' is neither a host's name nor a path; give "
                                    "what 'berth serve --name' was given"}));
    }
    if (request.find('\n') != std::string_view::npos) return Text::failed("a request is one line");
    const std::string path = is_path ? std::string(name_or_path) : host::control_path(name_or_path);
    const std::int64_t deadline_ns = host::monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000;
    const UniqueFd fd = connect_until(path, deadline_ns);
    if (!fd && (errno == ENOENT || errno == ECONNREFUSED)) {
        return Text::failed(
            concat({"no host answers at ", path, "; start one with 'berth serve --name NAME'"}));
    }
    if (!fd)
        return Text::failed(concat({"cannot reach the host at ", path, ": ", errno_text(errno)}));
    Text answer = exchange(fd.get(), request, deadline_ns);
    return answer ? answer : Text::failed(concat({"the host at ", path, ": ", answer.error()}));
}

}  // namespace berth
