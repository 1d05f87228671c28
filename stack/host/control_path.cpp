#include "host/control_path.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "drivers/text.hpp"

namespace berth::host {

using drivers::concat;
using drivers::errno_text;
using drivers::UniqueFd;

bool is_control_name(std::string_view name) {
    constexpr std::size_t longest = 64;
    if (name.empty() || name.size() > longest || name.front() == '.') return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

std::string control_folder() {
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && runtime[0] == '/') return std::string(runtime) + "/berth";
    return "/tmp/berth-" + std::to_string(::geteuid());
}

std::string control_path(std::string_view name) {
    return concat({control_folder(), "/", name, ".sock"});
}

Result<UniqueFd, std::string> open_control_folder(bool create, bool* missing) {
    const std::string folder = control_folder();
    if (create && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return Failure{concat({"cannot make the folder of control sockets, ", folder, ": ",
                               errno_text(errno), "; set XDG_RUNTIME_DIR to a folder of yours"})};
    }
    UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        if (missing != nullptr && errno == ENOENT) {
            *missing = true;
            return fd;
        }
        return Failure{concat({"cannot open the folder of control sockets, ", folder, ": ",
                               errno_text(errno), "; set XDG_RUNTIME_DIR to a folder of yours"})};
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0 || status.st_uid != ::geteuid() ||
        (status.st_mode & 077) != 0) {
        return Failure{
            concat({"the folder of control sockets, ", folder,
                    ", is not yours alone; remove it, or set XDG_RUNTIME_DIR to a folder "
                    "of yours"})};
    }
    return fd;
}

bool unix_address(const std::string& path, sockaddr_un& address) {
    address = {};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.data(), path.size());
    return true;
}

UniqueFd connect_control(const std::string& path) {
    sockaddr_un address;
    if (!unix_address(path, address)) {
        errno = ENAMETOOLONG;
        return {};
    }
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fd;
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        fd.reset();
        errno = error;
    }
    return fd;
}

}  // namespace berth::host
