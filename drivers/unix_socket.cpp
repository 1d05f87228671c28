#include "drivers/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr mode_t owner_only = 0600;

std::string too_long(const std::string& path) {
    return concat({"the socket path '", path, "' has ", std::to_string(path.size()),
                   " bytes and the system takes at most ", std::to_string(longest_path),
                   "; choose a shorter one"});
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd new_socket() {
    return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// 0 or the errno value.
template <class Call>
int call_with(Call call, const UniqueFd& fd, const sockaddr_un& address) {
    return call(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0
                                                                                            : errno;
}

// Removes a socket that nobody answers at. The error, or an empty string when the path is free.
std::string clear_stale(const std::string& path, const sockaddr_un& address) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return {};  // not there; or bind will say what is wrong
    if (!S_ISSOCK(found.st_mode)) {
        return concat(
            {"cannot listen at ", path, ": it exists and is not a socket; choose another path"});
    }
    const UniqueFd probe = new_socket();
    const int error = call_with(::connect, probe, address);
    if (error != ECONNREFUSED) {
        return error == 0 || error == EAGAIN
                   ? concat({"cannot listen at ", path, ": another program already listens there; ",
                             "leave ',listen' out to connect to it"})
                   : concat({"cannot listen at ", path, ": ", errno_text(error),
                             "; choose another path"});
    }
    if (::unlink(path.c_str()) != 0) {
        return concat({"cannot remove the stale socket ", path, ": ", errno_text(errno),
                       "; remove it or choose another path"});
    }
    return {};
}

}  // namespace

Result<UnixListener, std::string> UnixListener::make(const std::string& path) {
    if (path.size() > longest_path) return Failure{too_long(path)};
    const sockaddr_un address = address_of(path);
    if (std::string problem = clear_stale(path, address); !problem.empty()) {
        return Failure{std::move(problem)};
    }
    UnixListener listener;
    listener.fd_ = new_socket();
    int error = listener ? 0 : errno;
    // Linux makes the file with the mode of the socket itself: there is no moment at which others
    // could connect, and the process's umask is left alone.
    if (error == 0 && ::fchmod(listener.get(), owner_only) != 0) error = errno;
    if (error == 0) error = call_with(::bind, listener.fd_, address);
    struct stat made {};
    if (error == 0 && ::lstat(path.c_str(), &made) == 0) {
        listener.path_ = path;
        listener.device_ = made.st_dev;
        listener.inode_ = made.st_ino;
    }
    if (error == 0 && ::listen(listener.get(), backlog) != 0) error = errno;
    if (error != 0) {
        return Failure{concat({"cannot listen at ", path, ": ", errno_text(error),
                               "; choose a path in a folder of yours"})};
    }
    return listener;
}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
}

UnixListener::~UnixListener() {
    if (!fd_ || path_.empty()) return;
    struct stat found {};
    if (::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
}

Result<UniqueFd, std::string> connect_to(const std::string& path) {
    if (path.size() > longest_path) return Failure{too_long(path)};
    UniqueFd fd = new_socket();
    const int error = fd ? call_with(::connect, fd, address_of(path)) : errno;
    if (error == 0) return fd;
    if (error == ENOENT || error == ECONNREFUSED) {
        return Failure{
            concat({"cannot connect to ", path, ": nobody listens there; start the other ",
                    "side first, or write unix:", path, ",listen to be that side"})};
    }
    return Failure{concat({"cannot connect to ", path, ": ", errno_text(error),
                           error == EAGAIN ? "; its queue is full, try again"
                                           : "; check the path and its permissions"})};
}

}  // namespace berth::drivers
