// One thread, one wait: berth_poll over every socket that a server has, and the deadlines beside
// it.
#pragma once

#include <poll.h>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace berth::app {

using Clock = std::chrono::steady_clock;
using Moment = Clock::time_point;

// Something with a descriptor that the loop watches, and owns until it is finished.
class Activity {
  public:
    virtual ~Activity() = default;
    Activity() = default;
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;

    virtual int fd() const = 0;
    virtual short events() const = 0;  // for berth_poll; 0: nothing for now
    virtual void on_ready(short events, Moment now) = 0;
    virtual std::optional<Moment> deadline() const { return std::nullopt; }
    virtual void on_deadline(Moment) {}
    // The server ends: close properly and soon.
    virtual void begin_close(Moment now) = 0;
    virtual bool is_finished() const = 0;
};

class EventLoop {
  public:
    // May be called from inside an activity; it takes part from the next turn on.
    void adopt(std::unique_ptr<Activity> activity);
    std::size_t size() const { return activities_.size() + adopted_.size(); }

    // One wait and what came of it. Returns after `limit` at the latest.
    // Throws Failure if the wait itself fails.
    void turn(std::chrono::milliseconds limit);
    void begin_close();

  private:
    int timeout_ms(Moment now, std::chrono::milliseconds limit) const;
    void take_adopted();
    void remove_finished();

    std::vector<std::unique_ptr<Activity>> activities_;
    std::vector<std::unique_ptr<Activity>> adopted_;
    std::vector<pollfd> polled_;
};

}  // namespace berth::app
