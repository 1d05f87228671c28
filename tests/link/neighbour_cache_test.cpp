// The neighbour cache alone: who learns what, what is asked when, and the bounds.
#include "link/neighbour_cache.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"

namespace berth::link {
namespace {

constexpr Ipv4Address peer{192, 0, 2, 1};
constexpr MacAddress peer_mac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress other_mac{{2, 0, 0, 0, 0, 9}};

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

class NeighbourCacheTest : public testing::Test {
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

TEST_F(NeighbourCacheTest, AnUnknownNeighbourIsAskedForOnce) {
    EXPECT_EQ(cache.look_up(peer, now).knowledge, NeighbourCache::Knowledge::unknown);
    EXPECT_EQ(hold(10), DropReason::none);
    EXPECT_EQ(hold(11), DropReason::none);
    ASSERT_EQ(events.requests.size(), 1u);
    EXPECT_EQ(events.requests[0].target, peer);
    EXPECT_EQ(events.requests[0].destination, MacAddress::broadcast());
    EXPECT_EQ(state_of(peer), NeighbourState::incomplete);
}

TEST_F(NeighbourCacheTest, AnAnswerReleasesThePacketsInOrder) {
    hold(10);
    hold(11);
    EXPECT_TRUE(cache.heard_answer(peer, peer_mac, now));
    EXPECT_EQ(events.resolved, (std::vector<std::uint32_t>{10, 11}));
    EXPECT_EQ(cache.pending_packets(), 0u);
    EXPECT_EQ(cache.look_up(peer, now).mac, peer_mac);
    EXPECT_EQ(state_of(peer), NeighbourState::reachable);
}

TEST_F(NeighbourCacheTest, Rfc1122_2_3_2_1_AtMostOneRequestPerSecondAndThreeInAll) {
    hold(10);
    for (int tenth = 1; tenth <= 100; ++tenth) {
        now = Time{} + milliseconds(100) * tenth;
        cache.advance(now);
    }
    ASSERT_EQ(events.requests.size(), 3u);
    EXPECT_EQ(events.requests[1].when - events.requests[0].when, seconds(1));
    EXPECT_EQ(events.requests[2].when - events.requests[1].when, seconds(1));
    EXPECT_EQ(events.discarded, (std::vector<std::uint32_t>{10}));
    EXPECT_EQ(events.reasons[0], DropReason::neighbour_unreachable);
}

TEST_F(NeighbourCacheTest, AFailedNeighbourIsRefusedForASecondThenAskedAnew) {
    hold(10);
    advance_to(Time{} + seconds(3));
    EXPECT_EQ(state_of(peer), NeighbourState::failed);
    EXPECT_EQ(cache.look_up(peer, now).knowledge, NeighbourCache::Knowledge::unreachable);
    now = now + NeighbourCache::failed_hold;
    EXPECT_EQ(cache.look_up(peer, now).knowledge, NeighbourCache::Knowledge::unknown);
    hold(11);
    EXPECT_EQ(events.requests.size(), 4u);
    EXPECT_EQ(state_of(peer), NeighbourState::incomplete);
}

TEST_F(NeighbourCacheTest, NothingIsDueWhenNobodyIsAsked) {
    EXPECT_TRUE(cache.next_deadline().is_never());
    hold(10);
    EXPECT_EQ(cache.next_deadline(), Time{} + seconds(1));
    cache.heard_answer(peer, peer_mac, now);
    advance_to(Time{} + seconds(2));
    EXPECT_TRUE(cache.next_deadline().is_never());
}

TEST_F(NeighbourCacheTest, AnUnaskedAnswerTeachesNothing) {
    EXPECT_FALSE(cache.heard_answer(peer, peer_mac, now));
    EXPECT_EQ(cache.size(), 0u);
    learn_by_asking();
    EXPECT_FALSE(cache.heard_answer(peer, other_mac, now));
    EXPECT_EQ(cache.look_up(peer, now).mac, peer_mac);
}

TEST_F(NeighbourCacheTest, ARequestAimedAtUsTeachesItsSender) {
    cache.heard_request(peer, peer_mac, now);
    EXPECT_EQ(state_of(peer), NeighbourState::stale);
    EXPECT_EQ(cache.look_up(peer, now).mac, peer_mac);
    EXPECT_EQ(state_of(peer), NeighbourState::delay);
}

TEST_F(NeighbourCacheTest, ARequestAimedAtUsReleasesWhatWaitedForItsSender) {
    hold(10);
    cache.heard_request(peer, peer_mac, now);
    EXPECT_EQ(events.resolved, (std::vector<std::uint32_t>{10}));
}

TEST_F(NeighbourCacheTest, ARequestWithAnotherAddressReplacesTheOld) {
    learn_by_asking();
    cache.heard_request(peer, other_mac, now);
    EXPECT_EQ(cache.look_up(peer, now).mac, other_mac);
}

TEST_F(NeighbourCacheTest, TrustEndsAndUseIsVerifiedByUnicast) {
    learn_by_asking();
    events.requests.clear();
    advance_to(Time{} + NeighbourCache::reachable_time);
    EXPECT_EQ(state_of(peer), NeighbourState::stale);
    EXPECT_TRUE(events.requests.empty()) << "an idle neighbour is not asked";

    EXPECT_TRUE(knows(peer)) << "a stale address is used meanwhile";
    const Time used = now;
    advance_to(used + NeighbourCache::delay_before_probe);
    ASSERT_EQ(events.requests.size(), 1u);
    EXPECT_EQ(events.requests[0].destination, peer_mac);
    EXPECT_EQ(state_of(peer), NeighbourState::probe);
    EXPECT_TRUE(cache.heard_answer(peer, peer_mac, now));
    EXPECT_EQ(state_of(peer), NeighbourState::reachable);
}

TEST_F(NeighbourCacheTest, AVerificationWithoutAnswerFailsAndThenAllAreAsked) {
    learn_by_asking();
    advance_to(Time{} + NeighbourCache::reachable_time);
    EXPECT_TRUE(knows(peer));
    events.requests.clear();
    advance_to(now + NeighbourCache::delay_before_probe + seconds(3));
    EXPECT_EQ(events.requests.size(), 3u);
    EXPECT_EQ(state_of(peer), NeighbourState::failed);
    now = now + NeighbourCache::failed_hold;
    hold(11);
    EXPECT_EQ(events.requests.back().destination, MacAddress::broadcast());
}

TEST_F(NeighbourCacheTest, AContradictingClaimChangesNothingButIsVerified) {
    learn_by_asking();
    now = now + seconds(2);
    events.requests.clear();
    EXPECT_TRUE(cache.heard_claim(peer, other_mac, now));
    EXPECT_EQ(cache.look_up(peer, now).mac, peer_mac);
    ASSERT_EQ(events.requests.size(), 1u);
    EXPECT_EQ(events.requests[0].destination, MacAddress::broadcast());
    // However often it is repeated.
    for (int i = 0; i < 1000; ++i)
        cache.heard_claim(peer, other_mac, now);
    EXPECT_EQ(events.requests.size(), 1u);
    EXPECT_TRUE(cache.heard_answer(peer, peer_mac, now));
    EXPECT_EQ(cache.look_up(peer, now).mac, peer_mac);
}

TEST_F(NeighbourCacheTest, AClaimOfAStrangerOrOfWhatIsKnownIsNothing) {
    EXPECT_FALSE(cache.heard_claim(peer, peer_mac, now));
    EXPECT_EQ(cache.size(), 0u);
    learn_by_asking();
    EXPECT_FALSE(cache.heard_claim(peer, peer_mac, now));
}

TEST_F(NeighbourCacheTest, Rfc1122_2_3_2_2_TheLatestPacketsAreKept) {
    const std::uint32_t sent = NeighbourCache::pending_limit_per_neighbour + 4;
    for (std::uint32_t name = 1; name <= sent; ++name)
        EXPECT_EQ(hold(name), DropReason::none);
    EXPECT_EQ(events.discarded, (std::vector<std::uint32_t>{1, 2, 3, 4}));
    EXPECT_EQ(events.reasons[0], DropReason::neighbour_pending_overflow);
    cache.heard_answer(peer, peer_mac, now);
    EXPECT_EQ(events.resolved.size(), NeighbourCache::pending_limit_per_neighbour);
    EXPECT_EQ(events.resolved.back(), sent);
}

TEST_F(NeighbourCacheTest, PacketsInAllAreBoundedAndANewNeighbourStillGetsAPlace) {
    const std::uint32_t full =
        NeighbourCache::pending_limit / NeighbourCache::pending_limit_per_neighbour;
    for (std::uint32_t host = 0; host < full; ++host) {
        for (std::size_t i = 0; i < NeighbourCache::pending_limit_per_neighbour; ++i) {
            hold(host, Ipv4Address(peer.value + 1 + host));
        }
    }
    EXPECT_EQ(cache.pending_packets(), NeighbourCache::pending_limit);
    EXPECT_TRUE(events.discarded.empty());
    EXPECT_EQ(hold(77), DropReason::none);
    EXPECT_EQ(cache.pending_packets(), NeighbourCache::pending_limit);
    EXPECT_EQ(events.discarded.size(), 1u);
    cache.heard_answer(peer, peer_mac, now);
    EXPECT_EQ(events.resolved, (std::vector<std::uint32_t>{77}));
}

TEST_F(NeighbourCacheTest, TenThousandUnresolvedNeighboursStayWithinTheBounds) {
    learn_by_asking();
    events.requests.clear();
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        hold(5, Ipv4Address(0xc6120000u + i));
        EXPECT_LE(cache.size(), NeighbourCache::entry_limit);
        EXPECT_LE(cache.pending_packets(), NeighbourCache::pending_limit);
    }
    EXPECT_LE(events.requests.size(), NeighbourCache::incomplete_limit)
        << "one request a second for each, at once";
    EXPECT_TRUE(knows(peer)) << "those who answered are not pushed out";
    // A second later the next ones get their turn.
    now = now + seconds(1);
    const std::size_t asked = events.requests.size();
    EXPECT_EQ(hold(6, Ipv4Address(198, 51, 100, 1)), DropReason::none);
    EXPECT_EQ(events.requests.size(), asked + 1);
}

TEST_F(NeighbourCacheTest, AFloodOfRequestsDoesNotPushOutWhoIsUsed) {
    learn_by_asking();
    EXPECT_TRUE(knows(peer));
    for (std::uint32_t i = 0; i < 5'000; ++i) {
        now = now + microseconds(10);
        cache.heard_request(Ipv4Address(0xc6120000u + i), other_mac, now);
    }
    EXPECT_EQ(cache.size(), NeighbourCache::entry_limit);
    EXPECT_TRUE(knows(peer));
}

TEST_F(NeighbourCacheTest, RoomIsMadeByTheFailedThenTheNeverUsedThenTheLeastRecentlyUsed) {
    Recorder log;
    NeighbourLimits limits;
    limits.entries = 4;
    NeighbourCache small(log, limits);
    const auto at = [](std::uint32_t i) { return Ipv4Address(peer.value + i); };
    const auto present = [&] {
        std::string all;
        small.for_each(now, [&](const NeighbourCache::Neighbour& n) {
            all += static_cast<char>('0' + (n.address.value - peer.value));
        });
        return all;
    };
    const auto use = [&](std::uint32_t i) {
        now = now + seconds(1);
        return small.look_up(at(i), now).knowledge;
    };
    small.hold(at(1), {}, now);
    while (now < Time{} + seconds(3)) {
        now = small.next_deadline();
        small.advance(now);
    }
    EXPECT_EQ(small.look_up(at(1), now).knowledge, NeighbourCache::Knowledge::unreachable);
    for (std::uint32_t i = 2; i <= 4; ++i)
        small.heard_request(at(i), peer_mac, now);
    use(2);
    use(3);
    use(2);
    EXPECT_EQ(present(), "1234");
    small.heard_request(at(5), peer_mac, now);
    EXPECT_EQ(present(), "2345") << "the failed one went";
    now = now + seconds(2);
    small.heard_request(at(6), peer_mac, now);
    EXPECT_EQ(present(), "2356") << "of those never used, the one heard of first";
    use(5);
    use(6);
    now = now + seconds(2);
    small.heard_request(at(7), peer_mac, now);
    EXPECT_EQ(present(), "2567") << "3 was used before 2, 5 and 6";
}

TEST_F(NeighbourCacheTest, NeighboursThatFailedAreAskedAnewWithinTheSameBound) {
    Recorder log;
    NeighbourLimits limits;
    limits.incomplete = 2;
    NeighbourCache small(log, limits);
    const auto at = [](std::uint32_t i) { return Ipv4Address(peer.value + i); };
    const auto wait = [&](Duration how_long) {
        const Time then = now + how_long;
        while (small.next_deadline() <= then) {
            now = std::max(now, small.next_deadline());
            small.advance(now);
        }
        now = then;
    };
    for (std::uint32_t pair = 0; pair < 2; ++pair) {
        small.hold(at(2 * pair), {}, now);
        small.hold(at(2 * pair + 1), {}, now);
        wait(seconds(4));
    }
    EXPECT_EQ(small.size(), 4u);
    EXPECT_EQ(small.hold(at(0), {}, now), DropReason::none);
    EXPECT_EQ(small.hold(at(1), {}, now), DropReason::none);
    EXPECT_EQ(small.hold(at(2), {}, now), DropReason::neighbour_pending_overflow);
}

TEST_F(NeighbourCacheTest, LimitsAreBroughtWithinTheirBounds) {
    NeighbourLimits limits{0, 0, 0, 0, seconds(-1)};
    NeighbourCache none(events, limits);
    EXPECT_EQ(none.limits().entries, 1u);
    EXPECT_EQ(none.limits().incomplete, 1u);
    EXPECT_EQ(none.limits().pending_per_neighbour, 1u);
    EXPECT_EQ(none.limits().pending, 1u);
    EXPECT_EQ(none.limits().reachable_time, Duration{});
    limits = {1'000'000, 1'000'000, 1'000'000, 1'000'000, seconds(1)};
    NeighbourCache vast(events, limits);
    EXPECT_EQ(vast.limits().entries, NeighbourLimits::most);
    EXPECT_EQ(vast.limits().incomplete, NeighbourLimits::most);
    EXPECT_EQ(vast.limits().pending_per_neighbour, NeighbourLimits::most_per_neighbour);
    EXPECT_EQ(vast.limits().pending, NeighbourLimits::most);
}

TEST_F(NeighbourCacheTest, ALargeCacheKeepsAllOfItsNeighboursInOrder) {
    NeighbourLimits limits;
    limits.entries = NeighbourLimits::most;
    NeighbourCache large(events, limits, {1, 2});
    constexpr std::uint32_t stride = 40'503;  // odd: visits every address once
    for (std::uint32_t i = 0; i < limits.entries; ++i) {
        const std::uint32_t low = i * stride % 65'536;
        large.heard_request(
            Ipv4Address(0xc6120000u + low),
            {{2, 0, 0, 0, static_cast<std::uint8_t>(low >> 8), static_cast<std::uint8_t>(low)}},
            now);
    }
    EXPECT_EQ(large.size(), NeighbourLimits::most);
    std::uint32_t expected = 0xc6120000u;
    large.for_each(now, [&](const NeighbourCache::Neighbour& neighbour) {
        EXPECT_EQ(neighbour.address.value, expected);
        EXPECT_EQ(neighbour.mac.octets[5], static_cast<std::uint8_t>(expected));
        ++expected;
    });
    EXPECT_EQ(expected, 0xc6130000u);
}

TEST_F(NeighbourCacheTest, Rfc1122_2_3_2_1_TheTimeoutIsConfigurable) {
    NeighbourLimits limits;
    limits.reachable_time = minutes(5);
    NeighbourCache patient(events, limits);
    patient.hold(peer, {}, now);
    patient.heard_answer(peer, peer_mac, now);
    const auto state_at = [&](Time when) {
        NeighbourState state = NeighbourState::failed;
        patient.for_each(when, [&](const auto& neighbour) { state = neighbour.state; });
        return state;
    };
    EXPECT_EQ(state_at(now + milliseconds(299'999)), NeighbourState::reachable);
    EXPECT_EQ(state_at(now + minutes(5)), NeighbourState::stale);
}

TEST_F(NeighbourCacheTest, APermanentNeighbourIsNeitherAskedNorChangedNorForgotten) {
    EXPECT_TRUE(cache.add_permanent(peer, peer_mac, now));
    EXPECT_EQ(state_of(peer), NeighbourState::permanent);
    cache.heard_request(peer, other_mac, now);
    EXPECT_FALSE(cache.heard_answer(peer, other_mac, now));
    EXPECT_FALSE(cache.heard_claim(peer, other_mac, now));
    advance_to(now + minutes(60));
    EXPECT_EQ(cache.look_up(peer, now).mac, peer_mac);
    for (std::uint32_t i = 0; i < 5'000; ++i)
        cache.heard_request(Ipv4Address(0xc6120000u + i), other_mac, now);
    cache.flush(now);
    EXPECT_EQ(cache.size(), 1u);
    EXPECT_EQ(cache.look_up(peer, now).mac, peer_mac);
    EXPECT_TRUE(events.requests.empty());
    EXPECT_TRUE(cache.next_deadline().is_never());
    EXPECT_TRUE(cache.remove(peer, now));
    EXPECT_FALSE(cache.remove(peer, now));
    EXPECT_EQ(cache.size(), 0u);
}

TEST_F(NeighbourCacheTest, APermanentNeighbourReleasesWhatWaited) {
    hold(10);
    EXPECT_TRUE(cache.add_permanent(peer, peer_mac, now));
    EXPECT_EQ(events.resolved, (std::vector<std::uint32_t>{10}));
    EXPECT_TRUE(cache.next_deadline().is_never());
}

TEST_F(NeighbourCacheTest, APermanentNeighbourIsOneStation) {
    EXPECT_FALSE(cache.add_permanent(peer, {}, now));
    EXPECT_FALSE(cache.add_permanent(peer, MacAddress::broadcast(), now));
    EXPECT_FALSE(cache.add_permanent({}, peer_mac, now));
    EXPECT_FALSE(cache.add_permanent({224, 0, 0, 1}, peer_mac, now));
    EXPECT_FALSE(cache.add_permanent({255, 255, 255, 255}, peer_mac, now));
    EXPECT_EQ(cache.size(), 0u);
}

TEST_F(NeighbourCacheTest, ACacheFullOfPermanentNeighboursSaysSo) {
    Recorder log;
    NeighbourLimits limits;
    limits.entries = 2;
    NeighbourCache small(log, limits);
    EXPECT_TRUE(small.add_permanent({192, 0, 2, 10}, peer_mac, now));
    EXPECT_TRUE(small.add_permanent({192, 0, 2, 11}, peer_mac, now));
    EXPECT_FALSE(small.add_permanent({192, 0, 2, 12}, peer_mac, now));
    EXPECT_TRUE(small.add_permanent({192, 0, 2, 11}, other_mac, now)) << "that one changes";
    EXPECT_EQ(small.hold({192, 0, 2, 12}, {}, now), DropReason::neighbour_pending_overflow);
}

TEST_F(NeighbourCacheTest, Rfc1122_2_3_2_1_EntriesCanBeFlushed) {
    learn_by_asking();
    hold(20, {192, 0, 2, 7});
    cache.flush(now);
    EXPECT_EQ(cache.size(), 0u);
    EXPECT_EQ(cache.pending_packets(), 0u);
    EXPECT_EQ(events.discarded, (std::vector<std::uint32_t>{20}));
    EXPECT_EQ(events.reasons[0], DropReason::neighbour_unreachable);
    EXPECT_TRUE(cache.next_deadline().is_never());
    EXPECT_EQ(cache.look_up(peer, now).knowledge, NeighbourCache::Knowledge::unknown);
}

TEST_F(NeighbourCacheTest, ARowSaysHowAnEntryCameToBe) {
    NeighbourCache::Neighbour row;
    const auto look = [&] { cache.for_each(now, [&](const auto& each) { row = each; }); };
    hold(10);
    advance_to(now + milliseconds(1500));
    look();
    EXPECT_EQ(name_of(row.state), "INCOMPLETE");
    EXPECT_EQ(row.probes, 2u);
    EXPECT_EQ(row.pending_packets, 1u);
    EXPECT_TRUE(row.last_confirmed.is_never());
    EXPECT_EQ(row.last_used, Time{});
    cache.heard_answer(peer, peer_mac, now);
    const Time answered = now;
    advance_to(now + seconds(2));
    EXPECT_TRUE(knows(peer));
    look();
    EXPECT_EQ(name_of(row.state), "REACHABLE");
    EXPECT_EQ(row.mac, peer_mac);
    EXPECT_EQ(row.probes, 0u);
    EXPECT_EQ(row.last_confirmed, answered);
    EXPECT_EQ(row.last_used, now);
    EXPECT_EQ(name_of(NeighbourState::stale), "STALE");
    EXPECT_EQ(name_of(NeighbourState::delay), "DELAY");
    EXPECT_EQ(name_of(NeighbourState::probe), "PROBE");
    EXPECT_EQ(name_of(NeighbourState::failed), "FAILED");
    EXPECT_EQ(name_of(NeighbourState::permanent), "PERMANENT");
}

// Whatever happens in whatever order: the bounds hold, every packet comes out exactly once, the
// deadline is never late, and no target is asked twice in a second.
TEST_F(NeighbourCacheTest, RandomHistoriesKeepTheInvariants) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(Seed::from(seed));
        Recorder log;
        NeighbourCache model(log);
        Time t{};
        std::uint32_t held = 0;
        for (int step = 0; step < 3000; ++step) {
            const Ipv4Address address(0xc0000200u + random.below(1400));
            const MacAddress mac = random.chance(500'000) ? peer_mac : other_mac;
            switch (random.below(8)) {
                case 6:
                    if (random.chance(20'000)) model.add_permanent(address, mac, t);
                    break;
                case 0: {
                    OwnedPacket packet;
                    packet.length = ++held;
                    const auto knowledge = model.look_up(address, t).knowledge;
                    if (knowledge == NeighbourCache::Knowledge::unknown) {
                        model.hold(address, std::move(packet), t);
                    } else {
                        --held;
                    }
                    break;
                }
                case 1: model.heard_request(address, mac, t); break;
                case 2: model.heard_answer(address, mac, t); break;
                case 3: model.heard_claim(address, mac, t); break;
                case 4: t = t + milliseconds(random.below(300)); break;
                default: model.look_up(address, t); break;
            }
            model.advance(t);
            ASSERT_GT(model.next_deadline(), t);
            ASSERT_LE(model.size(), NeighbourCache::entry_limit);
            ASSERT_LE(model.pending_packets(), NeighbourCache::pending_limit);
            ASSERT_EQ(model.pending_packets() + log.resolved.size() + log.discarded.size(), held);
        }
        std::map<Ipv4Address, Time> last;
        for (const Request& request : log.requests) {
            const auto found = last.find(request.target);
            if (found != last.end()) {
                ASSERT_GE(request.when - found->second, seconds(1));
            }
            last[request.target] = request.when;
        }
    }
}

}  // namespace
}  // namespace berth::link
