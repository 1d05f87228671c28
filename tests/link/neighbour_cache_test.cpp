// The neighbour cache alone: who learns what, what is asked when, and the bounds.
#include "link/neighbour_cache.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "link/neighbour_fixture.hpp"

namespace berth::link {
namespace {

class NeighbourCacheTest : public NeighbourFixture {};

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
