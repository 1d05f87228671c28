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

namespace {

// The socket's path; empty: neither a name nor a path.
std::string socket_path(std::string_view name_or_path) {
    if (name_or_path.find('/') != std::string_view::npos) return std::string(name_or_path);
    return host::is_control_name(name_or_path) ? host::control_path(name_or_path) : std::string();
}

// A connection to the host, or a sentence.
Result<UniqueFd, std::string> reach(std::string_view name_or_path, std::string_view request,
                                    std::int64_t deadline_ns) {
    const std::string path = socket_path(name_or_path);
    if (path.empty()) {
        return Failure{concat({"'", name_or_path,
                               "' is neither a host's name nor a path; give "
                               "what 'berth serve --name' was given"})};
    }
    if (request.find('\n') != std::string_view::npos)
        return Failure<std::string>{"a request is one line"};
    UniqueFd fd = connect_until(path, deadline_ns);
    if (fd) return fd;
    if (errno == ENOENT || errno == ECONNREFUSED) {
        return Failure{
            concat({"no host answers at ", path, "; start one with 'berth serve --name NAME'"})};
    }
    return Failure{concat({"cannot reach the host at ", path, ": ", errno_text(errno)})};
}

// What has come, line by line; true while the connection lasts.
class LineReader {
  public:
    // A line of a measurement; beyond it the host is not one of ours.
    static constexpr std::size_t limit_line_bytes = 65'536;

    LineReader(int fd, const TellLine& tell) : fd_(fd), tell_(tell) {}

    bool read() {
        std::array<char, 4096> part;
        const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        if (got == 0 || rest_.size() > limit_line_bytes) return false;
        rest_.append(part.data(), static_cast<std::size_t>(got));
        for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
            const std::string line = rest_.substr(0, end);
            rest_.erase(0, end + 1);
            if (!tell_(line)) return false;
        }
        return true;
    }

  private:
    int fd_;
    const TellLine& tell_;
    std::string rest_;
};

}  // namespace

Maybe<std::string> ask_host(std::string_view name_or_path, std::string_view request,
                            int timeout_ms) {
    const std::int64_t deadline_ns = host::monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000;
    const auto fd = reach(name_or_path, request, deadline_ns);
    if (!fd) return Text::failed(fd.error());
    Text answer = exchange(fd->get(), request, deadline_ns);
    return answer ? answer
                  : Text::failed(
                        concat({"the host at ", socket_path(name_or_path), ": ", answer.error()}));
}

std::string measure_on_host(std::string_view name_or_path, std::string_view request,
                            const TellLine& tell, const IsOver& is_over) {
    constexpr int look_interval_ms = 100;
    constexpr std::int64_t patience_ns = 5'000'000'000;
    std::int64_t deadline_ns = host::monotonic_ns() + patience_ns;
    const auto fd = reach(name_or_path, request, deadline_ns);
    if (!fd) return fd.error();
    if (std::string problem = send_all(fd->get(), concat({request, "\n"}), deadline_ns);
        !problem.empty())
        return problem;
    LineReader reader(fd->get(), tell);
    // Its end, once asked for, is waited for only so long.
    for (bool asked_to_end = false; !asked_to_end || host::monotonic_ns() < deadline_ns;) {
        pollfd one{fd->get(), POLLIN, 0};
        if (::poll(&one, 1, look_interval_ms) > 0 && !reader.read()) return {};
        if (asked_to_end || !is_over()) continue;
        asked_to_end = true;
        ::shutdown(fd->get(), SHUT_WR);
        deadline_ns = host::monotonic_ns() + patience_ns;
    }
    return concat({"the host at ", socket_path(name_or_path), " does not end its measurement"});
}

}  // namespace berth
