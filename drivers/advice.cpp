#include "drivers/advice.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

// "a, b, or c": the ways out, one of which is enough.
std::string any_of(const std::vector<std::string>& ways) {
    std::string text;
    for (std::size_t i = 0; i < ways.size(); ++i) {
        if (i != 0) text.append(i + 1 == ways.size() ? ", or " : ", ");
        text.append(ways[i]);
    }
    return text;
}

constexpr std::string_view unix_way = "use --link unix:PATH, which needs no privileges";

bool in_container() {
    return ::access("/.dockerenv", F_OK) == 0 || ::access("/run/.containerenv", F_OK) == 0;
}

// Runs in a child of a possibly multi-threaded process: system calls only.
[[noreturn]] void try_to_unshare() {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) ::_exit(1);
    const int tun = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tun < 0) ::_exit(1);
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    ::_exit(::ioctl(tun, TUNSETIFF, &request) == 0 ? 0 : 1);
}

}  // namespace

bool can_unshare_for_tap() {
    const pid_t child = ::fork();
    if (child < 0) return false;
    if (child == 0) try_to_unshare();
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string advice_for_tap(int error) {
    std::vector<std::string> ways;
    if (error == ENOENT || error == ENODEV || error == ENXIO) {
        if (in_container()) {
            ways.emplace_back("start the container with --device /dev/net/tun --cap-add NET_ADMIN");
        } else {
            ways.emplace_back("load the driver with 'modprobe tun' as root");
        }
    } else {
        if (can_unshare_for_tap()) ways.emplace_back("run inside 'unshare -Urn'");
        if (::geteuid() != 0) ways.emplace_back("run as root");
        if (in_container() || ::geteuid() == 0) {
            ways.emplace_back("start the container with --device /dev/net/tun --cap-add NET_ADMIN");
        }
    }
    ways.emplace_back(unix_way);
    return any_of(ways);
}

std::string advice_for_capture(int error) {
    std::vector<std::string> ways;
    if (error == EPERM || error == EACCES) {
        if (::geteuid() != 0) ways.emplace_back("run as root");
        ways.emplace_back(in_container() || ::geteuid() == 0
                              ? "start the container with --cap-add NET_RAW --cap-add NET_ADMIN"
                              : "give the program cap_net_raw and cap_net_admin with 'setcap'");
    }
    ways.emplace_back(unix_way);
    return any_of(ways);
}

}  // namespace berth::drivers
