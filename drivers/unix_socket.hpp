// Unix stream sockets at a path: making one to listen at, and connecting to one.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hpp"
#include "drivers/unique_fd.hpp"

namespace berth::drivers {

// A listening socket at a path, which goes away with it.
class UnixListener {
  public:
    static constexpr int backlog = 16;  // connections that wait to be accepted

    // Mode 0600 from its first moment. A socket left at the path by a program that is gone is
    // replaced; anything else that is there is left alone and is an error.
    static Result<UnixListener, std::string> make(const std::string& path);

    UnixListener() = default;
    UnixListener(UnixListener&&) = default;
    UnixListener& operator=(UnixListener&& other) noexcept;
    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;
    ~UnixListener();

    int get() const { return fd_.get(); }
    explicit operator bool() const { return static_cast<bool>(fd_); }

  private:
    UniqueFd fd_;
    std::string path_;
    dev_t device_ = 0;  // which file is ours: the path may have become another's
    ino_t inode_ = 0;
};

// A non-blocking socket connected to whoever listens at `path`.
Result<UniqueFd, std::string> connect_to(const std::string& path);

}  // namespace berth::drivers
