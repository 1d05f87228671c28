// Hosts and links in virtual time: a loop that jumps from one event to the next.
//
// A node is anything that acts when it is run and knows when it wants to run again; typically a
// stack with its devices and its application. A link belongs to the node that receives from it: a
// frame that arrives there is that node's event. Nodes run in the order in which they were added,
// so that a world with the same seeds takes the same course to the last bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "drivers/cable.hpp"
#include "drivers/impairment.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

class WorldNode {
  public:
    virtual ~WorldNode() = default;
    // Does everything that is due at `now`: takes frames, lets timers expire, sends.
    virtual void run(Time now) = 0;
    // When it wants to run although nothing arrives; never() if it only waits. May be early.
    virtual Time next_deadline() const = 0;
};

class World {
  public:
    // Rounds at one and the same instant, after which the world is taken to be spinning.
    static constexpr std::size_t max_rounds_per_instant = 100'000;

    enum class Outcome : std::uint8_t {
        reached,   // the condition holds, or the time has come
        idle,      // nothing will ever happen again
        spinning,  // time does not pass: some node always wants to run at once
        out_of_steps,
    };

    explicit World(Time start = {}) : now_(start) {}

    // Neither is owned; both must outlive the runs.
    void add(WorldNode& node);
    void attach(WorldNode& node, const link::LinkDevice& link);

    Time now() const { return now_; }
    // The time of the next event; never() if there is none.
    Time next_event() const;

    // Runs all that happens until `end`, which then is now.
    Outcome run_until(Time end);
    // Runs until `condition` holds (asked after every round), at most until `end` and for
    // `max_steps`.
    Outcome run_until(const std::function<bool()>& condition, Time end,
                      std::uint64_t max_steps = UINT64_MAX);
    std::uint64_t steps() const { return steps_; }

  private:
    struct Member {
        WorldNode* node;
        std::vector<const link::LinkDevice*> links;

        Time next_event() const;
    };

    void step();  // runs every node that has an event by now_

    Time now_;
    std::vector<Member> members_;
    std::uint64_t steps_ = 0;
};

// The two ends of a cable that is impaired in both directions.
struct ImpairedCable {
    std::unique_ptr<link::LinkDevice> a;
    std::unique_ptr<link::LinkDevice> b;
};
ImpairedCable make_impaired_cable(const CableOptions& cable, const ImpairmentOptions& impairment,
                                  const Seed& seed);

}  // namespace berth::drivers
