// What a descriptor stands for: a socket with the descriptor's flags, and who waits for it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/time.hpp"
#include "host/driving_seat.hpp"
#include "socket/socket.hpp"

namespace berth::host {

class Core;
class OpenFile;

// What a thread waits for. Errors and hang-ups end every wait.
struct Interest {
    bool readable = false;
    bool writable = false;
    bool read_hangup = false;
    bool has_data = false;
    bool priority = false;
};

// One thread's wait for one file, in the file's list while it lasts. Under the core lock.
class FileWait {
  public:
    FileWait() = default;
    FileWait(OpenFile& file, Waiter& waiter, Interest interest) { begin(file, waiter, interest); }
    FileWait(const FileWait&) = delete;
    FileWait& operator=(const FileWait&) = delete;
    ~FileWait() { end(); }

    void begin(OpenFile& file, Waiter& waiter, Interest interest);
    void end();

  private:
    friend class OpenFile;
    OpenFile* file_ = nullptr;
    Waiter* waiter_ = nullptr;
    Interest interest_{};
    FileWait* next_ = nullptr;
    FileWait** link_ = nullptr;
};

// Shared by its descriptors and by the calls under way, so a call survives a close() by another
// thread: `socket` is null from then on, and the call says EBADF. All fields under the core lock.
class OpenFile final : public socket::Watcher {
  public:
    OpenFile(std::shared_ptr<Core> host, std::unique_ptr<socket::Socket> made);
    ~OpenFile() override;  // takes the core lock if the socket is still there

    void on_readiness(socket::Socket& socket) override;
    // Signals those whose interest is met now.
    void settle(DrivingSeat& seat);
    // Signals all: the file is closed.
    void wake_all(DrivingSeat& seat);

    const std::shared_ptr<Core> core;
    std::unique_ptr<socket::Socket> socket;
    Duration receive_timeout{};  // SO_RCVTIMEO; zero: none
    Duration send_timeout{};     // SO_SNDTIMEO
    int protocol = 0;            // SO_PROTOCOL
    bool nonblocking = false;
    bool touched = false;  // in the core's list of files whose readiness may have changed

  private:
    friend class FileWait;
    FileWait* waits_ = nullptr;
};

bool meets(const socket::Readiness& readiness, Interest interest);

}  // namespace berth::host
