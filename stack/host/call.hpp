// One call of the socket API on one descriptor, and how a call waits.
#pragma once

#include <cerrno>
#include <memory>
#include <system_error>

#include "host/core.hpp"
#include "host/open_file.hpp"

namespace berth::host {

// Sets errno and gives -1.
int fail(int error);
inline int fail(std::errc error) {
    return fail(static_cast<int>(error));
}
inline int done(std::errc error) {
    return error == std::errc{} ? 0 : fail(error);
}

// Finds the descriptor's file and holds the core lock. False: error() is EBADF, or ENOTSOCK for a
// descriptor of the kernel's.
class Call {
  public:
    explicit Call(int fd);

    explicit operator bool() const { return error_ == 0; }
    int error() const { return error_; }
    OpenFile& file() { return *file_; }
    socket::Socket& socket() { return *file_->socket; }
    Core& core() { return *file_->core; }
    CoreGuard& guard() { return guard_; }

    // Work on the socket between the two ends of a call of the core.
    template <class Work>
    auto run(Work work) {
        core().begin_call();
        auto result = work(socket());
        core().end_call();
        return result;
    }

  private:
    int error_ = 0;
    std::shared_ptr<OpenFile> file_;  // before the guard: the lock is given back first
    CoreGuard guard_;
};

// How long a call may wait.
struct Patience {
    bool blocks = false;
    Time deadline = Time::never();

    // `timeout` zero: without end.
    static Patience of(const OpenFile& file, bool dont_wait, Duration timeout);
};

// Runs `attempt`, which says operation_would_block when it has to wait for `interest`, until it
// says something else, patience ends (operation_would_block), a signal handler ran (interrupted),
// or another thread closes the file (bad_file_descriptor).
template <class Attempt>
std::errc persist(Call& call, Interest interest, const Patience& patience, Attempt attempt) {
    constexpr std::errc would_block = std::errc::operation_would_block;
    Core& core = call.core();
    const auto once = [&] {
        core.begin_call();
        const std::errc result = attempt(call.socket());
        core.end_call();
        return result;
    };
    std::errc result = once();
    if (result != would_block) return result;
    if (!patience.blocks) return core.serve_if_idle() && call.file().socket ? once() : result;

    Waiter waiter;
    if (meets(call.socket().readiness(), interest)) {
        // A datagram that found the interface's queue full, which no readiness tells of. The call's
        // end has drained the queue, or every service of the links is worth another look.
        result = once();
        if (result != would_block) return result;
        waiter.set_every_round(true);
    }
    const SeatVisit visit(*core.seat(), waiter);
    const FileWait wait(call.file(), waiter, interest);
    for (;;) {
        const Woken woken = core.seat()->wait(call.guard(), waiter, patience.deadline);
        if (!call.file().socket) return std::errc::bad_file_descriptor;
        result = once();
        if (result != would_block || woken == Woken::timed_out) return result;
        if (woken == Woken::interrupted) return std::errc::interrupted;
    }
}

}  // namespace berth::host
