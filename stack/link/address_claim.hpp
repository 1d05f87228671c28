// One address of ours under RFC 5227: probed for, announced, defended. A value with a deadline;
// what it wants done is the interface's to do.
//
//     claim() ── 0 … 1 s ──► probing: 3 probes, 1 … 2 s apart ── 2 s ──► announcing: 2, 2 s apart
//     ──► in use
//                               │                                          │ │ └── conflict: lost
//                               └──── conflict: defended, or lost
#pragma once

#include <cstdint>

#include "base/random.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"

namespace berth::link {

// What to do when another station uses our address (RFC 5227 §2.4).
enum class ConflictPolicy : std::uint8_t {
    give_up,  // (a): at the first conflict
    defend,   // (b): defend it once; give it up at another conflict within defend_interval
    keep,     // (c): defend it once in defend_interval, and keep it whatever happens
};

class AddressClaim {
  public:
    // RFC 5227 §1.1.
    static constexpr Duration probe_wait = seconds(1);  // the first probe comes within it
    static constexpr std::uint32_t probe_count = 3;
    static constexpr Duration probe_least = seconds(1);
    static constexpr Duration probe_most = seconds(2);
    static constexpr Duration announce_wait = seconds(2);
    static constexpr std::uint32_t announce_count = 2;
    static constexpr Duration announce_interval = seconds(2);
    static constexpr Duration defend_interval = seconds(10);
    // After so many conflicts an interface begins a new claim only once in so long.
    static constexpr std::uint32_t most_conflicts = 10;
    static constexpr Duration rate_limit_interval = seconds(60);

    enum class State : std::uint8_t { probing, announcing, in_use };
    enum class Action : std::uint8_t {
        none,
        probe,               // send a probe
        claim_and_announce,  // it is ours from now on; send the first announcement
        announce,            // send another announcement; also how it is defended
        lose,                // stop using it at once
    };

    // To be probed for from `start` on.
    static AddressClaim probe_for(Ipv4Prefix address, ConflictPolicy policy, Time start,
                                  Random& random);
    // In use already; not announced.
    static AddressClaim of_own(Ipv4Prefix address, ConflictPolicy policy);

    Ipv4Prefix address() const { return address_; }
    State state() const { return state_; }
    bool is_tentative() const { return state_ == State::probing; }
    ConflictPolicy policy() const { return policy_; }
    void set_policy(ConflictPolicy policy) { policy_ = policy; }

    // Announces it from `now` on, whether that has been done before or not. Not while tentative.
    void announce(Time now);

    Time deadline() const { return deadline_; }
    Action on_deadline(Time now, Random& random);
    // Another station uses it, or (while it is tentative) wants to.
    Action on_conflict(Time now);

  private:
    AddressClaim(Ipv4Prefix address, ConflictPolicy policy, State state)
        : address_(address), policy_(policy), state_(state) {}

    Ipv4Prefix address_;
    ConflictPolicy policy_;
    State state_;
    bool was_contested_ = false;  // last_conflict_ means something
    std::uint32_t sent_ = 0;      // probes, or announcements
    Time deadline_ = Time::never();
    Time last_conflict_{};  // (b): the last one heard; (c): the last one answered
};

}  // namespace berth::link
