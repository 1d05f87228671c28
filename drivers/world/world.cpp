#include "drivers/world/world.hpp"

#include <algorithm>

namespace berth::drivers {

void World::add(WorldNode& node) {
    members_.push_back({&node, {}});
}

void World::attach(WorldNode& node, const link::LinkDevice& link) {
    const auto member = std::find_if(members_.begin(), members_.end(),
                                     [&](const Member& m) { return m.node == &node; });
    if (member == members_.end()) {
        members_.push_back({&node, {&link}});
    } else {
        member->links.push_back(&link);
    }
}

Time World::Member::next_event() const {
    Time next = node->next_deadline();
    for (const link::LinkDevice* link : links)
        next = earlier(next, link->next_arrival());
    return next;
}

Time World::next_event() const {
    Time next = Time::never();
    for (const Member& member : members_)
        next = earlier(next, member.next_event());
    return next;
}

void World::step() {
    ++steps_;
    for (const Member& member : members_) {
        if (member.next_event() <= now_) member.node->run(now_);
    }
}

World::Outcome World::run_until(Time end) {
    const Outcome outcome = run_until([] { return false; }, end);
    if (outcome == Outcome::idle) {
        now_ = std::max(now_, end);
        return Outcome::reached;
    }
    return outcome;
}

World::Outcome World::run_until(const std::function<bool()>& condition, Time end,
                                std::uint64_t max_steps) {
    std::size_t rounds = 0;
    for (std::uint64_t step_count = 0; !condition(); ++step_count) {
        const Time next = next_event();
        if (next.is_never()) return Outcome::idle;
        if (next > end) {
            now_ = std::max(now_, end);
            return Outcome::reached;
        }
        if (step_count == max_steps) return Outcome::out_of_steps;
        rounds = next > now_ ? 0 : rounds + 1;
        if (rounds > max_rounds_per_instant) return Outcome::spinning;
        now_ = std::max(now_, next);
        step();
    }
    return Outcome::reached;
}

ImpairedCable make_impaired_cable(const CableOptions& cable, const ImpairmentOptions& impairment,
                                  const Seed& seed) {
    Cable plain = Cable::make(cable);
    ImpairedCable ends;
    // One decorator impairs both directions, each with its own stream.
    ends.a = std::make_unique<ImpairedLink>(std::move(plain.a), impairment, seed);
    ends.b = std::move(plain.b);
    return ends;
}

}  // namespace berth::drivers
