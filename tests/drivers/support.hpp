// What the drivers' tests share: frames by hand, a folder of one's own, and a network of one's own.
#pragma once

#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "link/link_device.hpp"

namespace berth::drivers::test {

using Frames = std::vector<std::vector<std::uint8_t>>;

constexpr MacAddress station(std::uint8_t number) {
    return {{2, 0, 0, 0, 0, number}};
}

// An Ethernet frame; its payload counts up from `first`.
inline std::vector<std::uint8_t> ethernet_frame(MacAddress destination, MacAddress source,
                                                std::size_t payload_bytes = 50,
                                                std::uint8_t first = 0,
                                                std::uint16_t type = 0x88b5) {
    std::vector<std::uint8_t> frame(14 + payload_bytes);
    std::copy(destination.octets.begin(), destination.octets.end(), frame.begin());
    std::copy(source.octets.begin(), source.octets.end(), frame.begin() + 6);
    store_be16(frame, 12, type);
    for (std::size_t i = 0; i < payload_bytes; ++i) {
        frame[14 + i] = static_cast<std::uint8_t>(first + i);
    }
    return frame;
}

// Sends one frame as the stack would: 14 bytes of header in front of slices.
inline bool send(link::LinkDevice& device, const std::vector<std::uint8_t>& bytes, Time now = {}) {
    link::OutFrame frame;
    const std::size_t head = std::min<std::size_t>(bytes.size(), 14);
    std::copy_n(bytes.begin(), head, frame.prepend(head).begin());
    const Bytes rest = Bytes(bytes).subspan(head);
    frame.add_slice(rest.first(rest.size() / 2));
    frame.add_slice(rest.subspan(rest.size() / 2));
    return device.send(std::span<const link::OutFrame>(&frame, 1), now) == 1;
}

// Everything that the device has at `now`.
inline Frames receive_all(link::LinkDevice& device, Time now = {}) {
    BufferPool pool;
    std::vector<link::Frame> burst(8);
    Frames frames;
    for (;;) {
        const std::size_t count = device.receive(pool, burst, now);
        for (std::size_t i = 0; i < count; ++i) {
            const Bytes bytes = burst[i].bytes();
            frames.emplace_back(bytes.begin(), bytes.end());
            burst[i] = link::Frame{};
        }
        if (count == 0) return frames;
    }
}

// Waits until the descriptor can be read; false after two seconds.
inline bool readable(int descriptor, int timeout_ms = 2000) {
    pollfd wanted{descriptor, POLLIN, 0};
    return ::poll(&wanted, 1, timeout_ms) == 1;
}

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "berth-XXXXXX").string();
        if (const char* made = ::mkdtemp(pattern.data()); made != nullptr) path_ = made;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string file(const std::string& name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

// What became of a body that ran in a network namespace of its own.
struct NamespaceRun {
    bool skipped = false;
    std::string text;  // why it was skipped, or what failed; empty: all is well
};

// Runs `body` in a child that has a fresh, empty network. It returns what failed, or nothing.
inline NamespaceRun in_own_network(const std::function<std::string()>& body) {
    constexpr int no_namespace = 77;
    int ends[2];
    if (::pipe(ends) != 0) return {true, "no pipe"};
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
            ::_exit(no_namespace);
        }
        const std::string failure = body();
        if (!failure.empty() && ::write(ends[1], failure.data(), failure.size()) < 0) ::_exit(2);
        ::_exit(failure.empty() ? 0 : 1);
    }
    ::close(ends[1]);
    if (child < 0) return {true, "no child process"};
    NamespaceRun run;
    char buffer[512];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        run.text.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == no_namespace) {
        return {true, "this system lets the test make no network namespace"};
    }
    if (run.text.empty() && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        run.text = "the child ended with status " + std::to_string(status);
    }
    return run;
}

}  // namespace berth::drivers::test

// Inside in_own_network(): leaves the body with the place and the text of what does not hold.
#define BERTH_HOLDS(condition)                              \
    do {                                                    \
        if (!(condition)) {                                 \
            std::string where__ = std::to_string(__LINE__); \
            where__.append(": " #condition);                \
            return where__;                                 \
        }                                                   \
    } while (false)

#define BERTH_RUN_IN_OWN_NETWORK(...)                                         \
    do {                                                                      \
        const auto run__ = berth::drivers::test::in_own_network(__VA_ARGS__); \
        if (run__.skipped) GTEST_SKIP() << run__.text;                        \
        EXPECT_EQ(run__.text, "");                                            \
    } while (false)
