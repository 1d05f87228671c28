// A neighbour cache by itself, with what it asked for written down.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "link/neighbour_cache.hpp"

namespace berth::link {

inline constexpr Ipv4Address peer{192, 0, 2, 1};
inline constexpr MacAddress peer_mac{{2, 0, 0, 0, 0, 1}};
inline constexpr MacAddress other_mac{{2, 0, 0, 0, 0, 9}};

struct Request {
    Ipv4Address target;
    MacAddress destination;
    Time when;
};

class Recorder final : public NeighbourEvents {
  public:
    std::vector<Request> requests;
    std::vector<std::uint32_t> resolved;  // the packets' lengths name them
    std::vector<std::uint32_t> discarded;
    std::vector<DropReason> reasons;

    void on_solicit(Ipv4Address target, MacAddress destination, Time now) override {
        requests.push_back({target, destination, now});
    }
    void on_resolved(OwnedPacket packet, Time) override { resolved.push_back(packet.length); }
    void on_discarded(OwnedPacket packet, DropReason reason, Time) override {
        discarded.push_back(packet.length);
        reasons.push_back(reason);
    }
};

class NeighbourFixture : public testing::Test {
  protected:
    Recorder events;
    NeighbourCache cache{events};
    Time now{};

    DropReason hold(std::uint32_t name, Ipv4Address address = peer) {
        OwnedPacket packet;
        packet.length = name;
        return cache.hold(address, std::move(packet), now);
    }
    NeighbourState state_of(Ipv4Address address) {
        NeighbourState state = NeighbourState::failed;
        bool found = false;
        cache.for_each(now, [&](const NeighbourCache::Neighbour& neighbour) {
            if (neighbour.address != address) return;
            state = neighbour.state;
            found = true;
        });
        EXPECT_TRUE(found) << "no entry for " << to_string(address);
        return state;
    }
    bool knows(Ipv4Address address) {
        return cache.look_up(address, now).knowledge == NeighbourCache::Knowledge::known;
    }
    void advance_to(Time then) {
        while (cache.next_deadline() <= then) {
            now = std::max(now, cache.next_deadline());
            cache.advance(now);
        }
        now = then;
    }
    void learn_by_asking() {
        hold(1);
        ASSERT_TRUE(cache.heard_answer(peer, peer_mac, now));
    }
};

}  // namespace berth::link
