#include "apps/berth/dhcp_wait.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "apps/berth/command.hpp"

namespace berth::app {
namespace {

using Clock = std::chrono::steady_clock;

// How often signals and lost links are looked for.
constexpr std::chrono::milliseconds look_interval{250};
// Silence that a person at a terminal begins to wonder about.
constexpr std::chrono::seconds progress_after{2};

// StopSignals blocks both, so that they wait here until somebody takes them.
bool is_told_to_stop() {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

std::string interfaces_without(const Host& host) {
    std::string all;
    for (const DhcpRow& row : host.dhcp()) {
        if (row.address) continue;
        all += fmt::format("{}interface {} ({})", all.empty() ? "" : ", ", row.interface_index,
                           row.state);
    }
    return all;
}

}  // namespace

void wait_for_leases(Host& host, int timeout_s) {
    const auto begin = Clock::now();
    const auto limit = begin + std::chrono::seconds(timeout_s);
    bool told = ::isatty(STDERR_FILENO) == 0;
    while (!host.wait_for_dhcp(static_cast<int>(look_interval.count()))) {
        const auto now = Clock::now();
        if (const auto error = host.link_error(); !error.empty()) throw Failure(error);
        if (is_told_to_stop()) throw Failure("told to end before a DHCP server gave an address");
        if (now >= limit)
            throw Failure(fmt::format(
                "no address by DHCP within {} s: {}; is there a DHCP server on the link? Give an "
                "--address, or wait longer with --dhcp-timeout",
                timeout_s, interfaces_without(host)));
        if (!told && now - begin >= progress_after) {
            fmt::print(stderr, "berth: waiting for an address by DHCP: {}\n",
                       interfaces_without(host));
            told = true;
        }
    }
}

}  // namespace berth::app
