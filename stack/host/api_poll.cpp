// berth/socket.h: berth_poll, over berth's descriptors and the kernel's in one call.
#include <poll.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "berth/socket.h"
#include "host/call.hpp"
#include "host/clock.hpp"
#include "host/process.hpp"

namespace berth::host {

namespace {

short events_of(const socket::Readiness& readiness) {
    int events = 0;
    if (readiness.readable) events |= POLLIN | POLLRDNORM;
    if (readiness.priority) events |= POLLPRI;
    if (readiness.writable) events |= POLLOUT | POLLWRNORM;
    if (readiness.read_hangup) events |= POLLRDHUP;
    if (readiness.hangup) events |= POLLHUP;
    if (readiness.error) events |= POLLERR;
    return static_cast<short>(events);
}

Interest interest_of(short events) {
    return {.readable = (events & (POLLIN | POLLRDNORM)) != 0,
            .writable = (events & (POLLOUT | POLLWRNORM)) != 0,
            .read_hangup = (events & POLLRDHUP) != 0,
            .priority = (events & POLLPRI) != 0};
}

int poll_kernel(std::span<pollfd> fds, std::int64_t timeout_ns) {
    const timespec t{static_cast<time_t>(timeout_ns / 1'000'000'000),
                     static_cast<long>(timeout_ns % 1'000'000'000)};
    return ::ppoll(fds.data(), static_cast<nfds_t>(fds.size()), timeout_ns < 0 ? nullptr : &t,
                   nullptr);
}

// One berth_poll under way: the caller's array, sorted by who knows about each descriptor.
class PollCall {
  public:
    PollCall(std::span<pollfd> fds, int timeout_ms);
    int run();

  private:
    struct Entry {
        pollfd* fd;
        std::shared_ptr<OpenFile> file;
        FileWait wait;
    };
    // The part of one host.
    struct Part {
        std::shared_ptr<Core> core;
        std::vector<Entry*> entries;
        std::unique_ptr<Waiter> waiter;
        std::uint64_t links_lost = 0;
    };

    static std::size_t scan(Part& part);
    void copy_kernel();
    int count_ready() const;
    int finish(bool interrupted);
    int run_with_kernel_only();
    int run_with_one(Part& part);
    int run_with_several();
    bool sleep_with_several(bool& interrupted);
    std::int64_t remaining_ns() const;
    static void begin_waits(Part& part);
    static void end_waits(Part& part);

    std::span<pollfd> fds_;
    int timeout_ms_;
    std::int64_t deadline_ns_;  // of the monotonic clock; negative: none
    std::size_t ready_ = 0;     // of berth's
    std::vector<std::unique_ptr<Entry>> entries_;
    std::vector<Part> parts_;
    std::vector<pollfd> kernel_;
    std::vector<pollfd*> kernel_origin_;
};

PollCall::PollCall(std::span<pollfd> fds, int timeout_ms)
    : fds_(fds),
      timeout_ms_(timeout_ms),
      deadline_ns_(timeout_ms < 0 ? -1 : monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000) {
    DescriptorTable& table = Process::current().descriptors();
    for (pollfd& each : fds) {
        each.revents = 0;
        if (each.fd < 0) continue;
        auto file = table.find(each.fd);
        if (!file && each.fd < BERTH_FIRST_DESCRIPTOR) {
            kernel_.push_back(each);
            kernel_origin_.push_back(&each);
            continue;
        }
        if (!file) {
            each.revents = POLLNVAL;
            continue;
        }
        auto part = std::find_if(parts_.begin(), parts_.end(),
                                 [&](const Part& p) { return p.core == file->core; });
        if (part == parts_.end()) {
            parts_.push_back({file->core, {}, nullptr, 0});
            part = parts_.end() - 1;
        }
        auto entry = std::make_unique<Entry>();
        entry->fd = &each;
        entry->file = std::move(file);
        part->entries.push_back(entry.get());
        entries_.push_back(std::move(entry));
    }
}

// With the part's lock held.
std::size_t PollCall::scan(Part& part) {
    std::size_t ready = 0;
    for (Entry* entry : part.entries) {
        short events = POLLNVAL;  // closed meanwhile
        if (entry->file->socket) {
            const auto always = static_cast<short>(POLLERR | POLLHUP);
            events = static_cast<short>(events_of(entry->file->socket->readiness()) &
                                        (entry->fd->events | always));
        }
        entry->fd->revents = events;
        if (events != 0) ++ready;
    }
    return ready;
}

void PollCall::copy_kernel() {
    for (std::size_t i = 0; i < kernel_.size(); ++i)
        kernel_origin_[i]->revents = kernel_[i].revents;
}

int PollCall::count_ready() const {
    return static_cast<int>(std::count_if(fds_.begin(), fds_.end(),
                                          [](const pollfd& each) { return each.revents != 0; }));
}

int PollCall::finish(bool interrupted) {
    copy_kernel();
    const int ready = count_ready();
    return ready == 0 && interrupted ? fail(EINTR) : ready;
}

std::int64_t PollCall::remaining_ns() const {
    return deadline_ns_ < 0 ? -1 : std::max<std::int64_t>(0, deadline_ns_ - monotonic_ns());
}

void PollCall::begin_waits(Part& part) {
    for (Entry* entry : part.entries)
        entry->wait.begin(*entry->file, *part.waiter, interest_of(entry->fd->events));
}

void PollCall::end_waits(Part& part) {
    for (Entry* entry : part.entries)
        entry->wait.end();
}

int PollCall::run() {
    // Descriptors that are not open are ready at once, and an embedded host never waits.
    const bool embedded = std::any_of(parts_.begin(), parts_.end(),
                                      [](const Part& part) { return !part.core->threads(); });
    if (count_ready() > 0 || embedded) {
        timeout_ms_ = 0;
        deadline_ns_ = 0;
    }
    if (parts_.empty()) return run_with_kernel_only();
    return parts_.size() == 1 ? run_with_one(parts_.front()) : run_with_several();
}

int PollCall::run_with_kernel_only() {
    const int result = poll_kernel(kernel_, remaining_ns());
    return result < 0 ? fail(errno) : finish(false);
}

int PollCall::run_with_one(Part& part) {
    Core& core = *part.core;
    CoreGuard guard(core.lock());
    core.begin_call();
    core.end_call();
    ready_ = scan(part);
    if (ready_ == 0 && core.serve_if_idle()) ready_ = scan(part);
    if (ready_ > 0 || timeout_ms_ == 0) {
        guard.unlock();
        if (!kernel_.empty()) poll_kernel(kernel_, 0);
        return finish(false);
    }
    part.waiter = std::make_unique<Waiter>();
    part.waiter->set_kernel_descriptors(kernel_);
    const std::uint64_t links_lost = core.links_lost();
    const SeatVisit visit(*core.seat(), *part.waiter);
    begin_waits(part);
    const std::int64_t left_ns = remaining_ns();
    const Time deadline = left_ns < 0 ? Time::never() : core.now() + nanoseconds(left_ns);
    bool over = false;
    bool interrupted = false;
    while (!over) {
        const Woken woken = core.seat()->wait(guard, *part.waiter, deadline);
        ready_ = scan(part);
        interrupted = woken == Woken::interrupted || core.links_lost() != links_lost;
        over = ready_ > 0 || interrupted || woken != Woken::signalled;
    }
    end_waits(part);
    if (!kernel_.empty()) poll_kernel(kernel_, 0);
    return finish(interrupted);
}

// Several hosts: this thread can hold only one seat, so it holds none and the hosts' own threads
// serve.
int PollCall::run_with_several() {
    for (Part& part : parts_) {
        const CoreGuard guard(part.core->lock());
        if (!part.core->threads()) continue;
        part.core->serve_if_idle();
        part.links_lost = part.core->links_lost();
        part.waiter = std::make_unique<Waiter>(false);
        part.core->seat()->enter(*part.waiter);
        begin_waits(part);
    }
    bool interrupted = false;
    while (!sleep_with_several(interrupted)) {
    }
    for (Part& part : parts_) {
        const CoreGuard guard(part.core->lock());
        if (!part.waiter) continue;
        end_waits(part);
        part.core->seat()->leave(*part.waiter);
    }
    if (!kernel_.empty()) poll_kernel(kernel_, 0);
    return finish(interrupted);
}

// One look and, if nothing is ready, one sleep. True: it is over.
bool PollCall::sleep_with_several(bool& interrupted) {
    ready_ = 0;
    for (Part& part : parts_) {
        const CoreGuard guard(part.core->lock());
        ready_ += scan(part);
        if (!part.waiter) continue;
        interrupted = interrupted || part.core->links_lost() != part.links_lost;
        part.core->seat()->begin_sleep(*part.waiter);
    }
    std::int64_t left_ns = ready_ > 0 || interrupted ? 0 : remaining_ns();
    const WakeDescriptor& wake = Waiter::thread_descriptor();
    const bool cut_short = !wake && (left_ns < 0 || left_ns > WakeDescriptor::look_again.ns);
    if (cut_short) left_ns = WakeDescriptor::look_again.ns;
    const pollfd own{wake.get(), POLLIN, 0};
    kernel_.push_back(own);
    const int result = poll_kernel(kernel_, left_ns);
    const bool by_berth = kernel_.back().revents != 0;
    kernel_.pop_back();
    if (result < 0) interrupted = true;
    for (Part& part : parts_) {
        const CoreGuard guard(part.core->lock());
        if (part.waiter) part.core->seat()->end_sleep(*part.waiter);
    }
    const bool by_kernel = result > (by_berth ? 1 : 0);
    return ready_ > 0 || interrupted || by_kernel || left_ns == 0 || (result == 0 && !cut_short);
}

}  // namespace

}  // namespace berth::host

using namespace berth::host;

extern "C" int berth_poll(pollfd* fds, nfds_t count, int timeout_ms) {
    if (fds == nullptr && count > 0) return fail(EFAULT);
    if (count > INT_MAX) return fail(EINVAL);
    return PollCall({fds, static_cast<std::size_t>(count)}, timeout_ms).run();
}
