// Several stacks joined by cables, for tests that need a router between two hosts. Nothing is lost;
// time passes only when the test says so.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "drivers/cable.hpp"
#include "stack.hpp"

namespace berth::harness {

class Network {
  public:
    // Lives as long as the network.
    Stack& add(bool forward = false) {
        StackConfig config;
        config.seed = Seed::from(stacks_.size() + 1);
        config.start = now_;
        config.ip.forward = forward;
        stacks_.push_back({std::make_unique<Stack>(config), true});
        return *stacks_.back().stack;
    }
    // A new interface on each, with an address in a /24.
    void join(Stack& a, Ipv4Address a_ip, Stack& b, Ipv4Address b_ip) {
        cables_.push_back(drivers::Cable::make({.kind = link::LinkKind::ethernet}));
        a.add_address(a.add_interface("link", *cables_.back().a), {a_ip, 24});
        b.add_address(b.add_interface("link", *cables_.back().b), {b_ip, 24});
    }
    // From now on it hears and says nothing.
    void kill(const Stack& stack) {
        for (Member& each : stacks_)
            if (each.stack.get() == &stack) each.alive = false;
    }
    Time now() const { return now_; }
    void settle() {
        for (bool worked = true; worked;) {
            worked = false;
            for (Member& each : stacks_)
                if (each.alive) worked = each.stack->poll(now_) || worked;
        }
    }
    void advance(Duration duration) {
        const Time end = now_ + duration;
        while (true) {
            settle();
            Time due = Time::never();
            for (const Member& each : stacks_)
                if (each.alive) due = earlier(due, each.stack->next_deadline());
            if (due > end) break;
            now_ = std::max(due, now_ + nanoseconds(1));
        }
        now_ = end;
        settle();
    }

  private:
    struct Member {
        std::unique_ptr<Stack> stack;
        bool alive = true;
    };
    Time now_{1'000'000'000};
    std::deque<drivers::Cable> cables_;  // they outlive the stacks
    std::vector<Member> stacks_;
};

}  // namespace berth::harness
