#include "apps/berth/services/event_loop.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>

#include "apps/berth/command.hpp"
#include "berth/socket.h"

namespace berth::app {

void EventLoop::adopt(std::unique_ptr<Activity> activity) {
    adopted_.push_back(std::move(activity));
}

void EventLoop::take_adopted() {
    std::move(adopted_.begin(), adopted_.end(), std::back_inserter(activities_));
    adopted_.clear();
}

void EventLoop::remove_finished() {
    std::erase_if(activities_, [](const auto& activity) { return activity->is_finished(); });
}

int EventLoop::timeout_ms(Moment now, std::chrono::milliseconds limit) const {
    Moment until = now + limit;
    for (const auto& activity : activities_)
        if (const auto deadline = activity->deadline(); deadline)
            until = std::min(until, *deadline);
    if (until <= now) return 0;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count());
}

void EventLoop::turn(std::chrono::milliseconds limit) {
    take_adopted();
    polled_.clear();
    for (const auto& activity : activities_) {
        // poll ignores negative descriptors, so each activity keeps its place in the array.
        const short events = activity->events();
        polled_.push_back({events == 0 ? -1 : activity->fd(), events, 0});
    }
    const int ready = berth_poll(polled_.data(), polled_.size(), timeout_ms(Clock::now(), limit));
    if (ready < 0 && errno != EINTR)
        throw Failure(std::string("cannot wait for events: ") + std::strerror(errno));
    const Moment now = Clock::now();
    for (std::size_t i = 0; i < polled_.size(); ++i) {
        if (ready > 0 && polled_[i].revents != 0) activities_[i]->on_ready(polled_[i].revents, now);
        if (const auto deadline = activities_[i]->deadline(); deadline && *deadline <= now)
            activities_[i]->on_deadline(now);
    }
    remove_finished();
}

void EventLoop::begin_close() {
    take_adopted();
    const Moment now = Clock::now();
    for (const auto& activity : activities_)
        activity->begin_close(now);
    remove_finished();
}

}  // namespace berth::app
