#include "host/open_file.hpp"

#include <utility>

#include "host/core.hpp"

namespace berth::host {

bool meets(const socket::Readiness& readiness, Interest interest) {
    return readiness.error || readiness.hangup || (interest.readable && readiness.readable) ||
           (interest.writable && readiness.writable) ||
           (interest.read_hangup && readiness.read_hangup) ||
           (interest.has_data && readiness.has_data) || (interest.priority && readiness.priority);
}

void FileWait::begin(OpenFile& file, Waiter& waiter, Interest interest) {
    file_ = &file;
    waiter_ = &waiter;
    interest_ = interest;
    next_ = file.waits_;
    if (next_ != nullptr) next_->link_ = &next_;
    link_ = &file.waits_;
    file.waits_ = this;
}

void FileWait::end() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    link_ = nullptr;
}

OpenFile::OpenFile(std::shared_ptr<Core> host, std::unique_ptr<socket::Socket> made)
    : core(std::move(host)), socket(std::move(made)) {
    socket->set_watcher(this);
}

OpenFile::~OpenFile() {
    if (!socket) return;
    const CoreGuard guard(core->lock());
    core->begin_call();
    core->detach(*this).reset();
    core->end_call();
}

void OpenFile::on_readiness(socket::Socket&) {
    if (waits_ != nullptr && !touched) core->touch(*this);
}

void OpenFile::settle(DrivingSeat& seat) {
    if (!socket) return;
    const socket::Readiness readiness = socket->readiness();
    for (FileWait* wait = waits_; wait != nullptr; wait = wait->next_)
        if (meets(readiness, wait->interest_)) seat.signal(*wait->waiter_);
}

void OpenFile::wake_all(DrivingSeat& seat) {
    for (FileWait* wait = waits_; wait != nullptr; wait = wait->next_)
        seat.signal(*wait->waiter_);
}

}  // namespace berth::host
