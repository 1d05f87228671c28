#include "host/process.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "berth/socket.h"

namespace berth::host {

namespace {

std::atomic<Process*> the_process{nullptr};

// Only the forking thread exists here. The parent's table is left as it is, perhaps in the middle
// of a change by a thread that is no more; nobody will look at it again.
void forget_in_child() {
    the_process.store(new Process, std::memory_order_release);
}

Process* make_process() {
    auto* made = new Process;
    the_process.store(made, std::memory_order_release);
    ::pthread_atfork(nullptr, nullptr, forget_in_child);
    return made;
}

std::string& error_of_thread() {
    thread_local std::string sentence;
    return sentence;
}

}  // namespace

Process& Process::current() {
    [[maybe_unused]] static Process* const first = make_process();
    return *the_process.load(std::memory_order_acquire);
}

Process::Process() : descriptors_(std::make_unique<NativeDescriptors>(BERTH_FIRST_DESCRIPTOR)) {}

void Process::add(const std::shared_ptr<Core>& core) {
    const std::lock_guard guard(mutex_);
    hosts_.push_back(core);
}

void Process::remove(const Core& core) {
    const std::lock_guard guard(mutex_);
    std::erase_if(hosts_, [&](const std::weak_ptr<Core>& weak) {
        const auto host = weak.lock();
        return !host || host.get() == &core;
    });
    if (const auto chosen = chosen_.lock(); chosen.get() == &core) chosen_.reset();
}

std::shared_ptr<Core> Process::default_host() {
    const std::lock_guard guard(mutex_);
    if (auto chosen = chosen_.lock()) return chosen;
    for (const std::weak_ptr<Core>& weak : hosts_)
        if (auto host = weak.lock()) return host;
    return nullptr;
}

void Process::choose(const std::shared_ptr<Core>& core) {
    const std::lock_guard guard(mutex_);
    chosen_ = core;
}

void set_last_error(std::string sentence) {
    error_of_thread() = std::move(sentence);
}

const char* last_error() {
    return error_of_thread().c_str();
}

}  // namespace berth::host
