// The neighbour cache as the operator meets it: limits, who makes room, permanent entries, rows.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "link/neighbour_fixture.hpp"

namespace berth::link {
namespace {

class NeighbourTableTest : public NeighbourFixture {};

TEST_F(NeighbourTableTest, RoomIsMadeByTheFailedThenTheNeverUsedThenTheLeastRecentlyUsed) {
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

TEST_F(NeighbourTableTest, NeighboursThatFailedAreAskedAnewWithinTheSameBound) {
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

TEST_F(NeighbourTableTest, LimitsAreBroughtWithinTheirBounds) {
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

TEST_F(NeighbourTableTest, ALargeCacheKeepsAllOfItsNeighboursInOrder) {
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

TEST_F(NeighbourTableTest, Rfc1122_2_3_2_1_TheTimeoutIsConfigurable) {
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

TEST_F(NeighbourTableTest, APermanentNeighbourIsNeitherAskedNorChangedNorForgotten) {
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

TEST_F(NeighbourTableTest, APermanentNeighbourReleasesWhatWaited) {
    hold(10);
    EXPECT_TRUE(cache.add_permanent(peer, peer_mac, now));
    EXPECT_EQ(events.resolved, (std::vector<std::uint32_t>{10}));
    EXPECT_TRUE(cache.next_deadline().is_never());
}

TEST_F(NeighbourTableTest, APermanentNeighbourIsOneStation) {
    EXPECT_FALSE(cache.add_permanent(peer, {}, now));
    EXPECT_FALSE(cache.add_permanent(peer, MacAddress::broadcast(), now));
    EXPECT_FALSE(cache.add_permanent({}, peer_mac, now));
    EXPECT_FALSE(cache.add_permanent({224, 0, 0, 1}, peer_mac, now));
    EXPECT_FALSE(cache.add_permanent({255, 255, 255, 255}, peer_mac, now));
    EXPECT_EQ(cache.size(), 0u);
}

TEST_F(NeighbourTableTest, ACacheFullOfPermanentNeighboursSaysSo) {
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

TEST_F(NeighbourTableTest, Rfc1122_2_3_2_1_EntriesCanBeFlushed) {
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

TEST_F(NeighbourTableTest, ARowSaysHowAnEntryCameToBe) {
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

}  // namespace
}  // namespace berth::link
