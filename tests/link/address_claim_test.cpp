// One claim alone (RFC 5227): what it wants done, and when.
#include "link/address_claim.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace berth::link {
namespace {

using Action = AddressClaim::Action;

constexpr Ipv4Prefix address{Ipv4Address(192, 0, 2, 2), 24};
constexpr Time start = Time{} + seconds(100);

struct Done {
    Action action;
    Time when;
};

// All that it does by itself.
std::vector<Done> run(AddressClaim& claim, Random& random) {
    std::vector<Done> done;
    while (!claim.deadline().is_never()) {
        const Time now = claim.deadline();
        done.push_back({claim.on_deadline(now, random), now});
    }
    return done;
}

TEST(Rfc5227_2_1_1, ThreeProbesAtRandomTimesThenTwoAnnouncements) {
    Random random(Seed::from(1));
    Time earliest = Time::never();
    Time latest{};
    for (int i = 0; i < 500; ++i) {
        AddressClaim claim =
            AddressClaim::probe_for(address, ConflictPolicy::defend, start, random);
        EXPECT_TRUE(claim.is_tentative());
        const std::vector<Done> done = run(claim, random);
        ASSERT_EQ(done.size(), 5u);
        for (std::size_t probe = 0; probe < 3; ++probe)
            ASSERT_EQ(done[probe].action, Action::probe);
        ASSERT_EQ(done[3].action, Action::claim_and_announce);
        ASSERT_EQ(done[4].action, Action::announce);
        // PROBE_WAIT, PROBE_MIN and PROBE_MAX, ANNOUNCE_WAIT, ANNOUNCE_INTERVAL.
        ASSERT_GE(done[0].when, start);
        ASSERT_LE(done[0].when, start + seconds(1));
        for (std::size_t probe = 1; probe < 3; ++probe) {
            ASSERT_GE(done[probe].when - done[probe - 1].when, seconds(1));
            ASSERT_LE(done[probe].when - done[probe - 1].when, seconds(2));
        }
        ASSERT_EQ(done[3].when - done[2].when, seconds(2));
        ASSERT_EQ(done[4].when - done[3].when, seconds(2));
        ASSERT_EQ(claim.state(), AddressClaim::State::in_use);
        earliest = earlier(earliest, done[0].when);
        latest = std::max(latest, done[0].when);
    }
    EXPECT_LT(earliest, start + milliseconds(100)) << "the first wait is spread over its second";
    EXPECT_GT(latest, start + milliseconds(900));
}

TEST(Rfc5227_2_1_1, AnyConflictWhileTentativeLosesWhateverThePolicy) {
    for (const ConflictPolicy policy :
         {ConflictPolicy::give_up, ConflictPolicy::defend, ConflictPolicy::keep}) {
        Random random(Seed::from(1));
        AddressClaim claim = AddressClaim::probe_for(address, policy, start, random);
        EXPECT_EQ(claim.on_conflict(start), Action::lose);
    }
}

TEST(Rfc5227_2_4, APolicyOfGivingUpGivesUpAtOnce) {
    AddressClaim claim = AddressClaim::of_own(address, ConflictPolicy::give_up);
    EXPECT_EQ(claim.on_conflict(start), Action::lose);
}

TEST(Rfc5227_2_4, ADefendedAddressIsLostAtTheSecondConflictWithinTenSeconds) {
    AddressClaim claim = AddressClaim::of_own(address, ConflictPolicy::defend);
    EXPECT_EQ(claim.on_conflict(start), Action::announce);
    EXPECT_EQ(claim.on_conflict(start + seconds(10)), Action::announce) << "that is long ago";
    EXPECT_EQ(claim.on_conflict(start + milliseconds(19'999)), Action::lose);
}

TEST(Rfc5227_2_4, AKeptAddressIsDefendedOnceInTenSeconds) {
    AddressClaim claim = AddressClaim::of_own(address, ConflictPolicy::keep);
    int defences = 0;
    for (int tenth = 0; tenth < 300; ++tenth) {
        const Action action = claim.on_conflict(start + milliseconds(100) * tenth);
        EXPECT_NE(action, Action::lose);
        defences += action == Action::announce ? 1 : 0;
    }
    EXPECT_EQ(defences, 3) << "in thirty seconds";
}

TEST(Rfc5227_2_3, WhatIsInUseIsAnnouncedTwiceTwoSecondsApartWheneverAsked) {
    Random random(Seed::from(1));
    AddressClaim claim = AddressClaim::of_own(address, ConflictPolicy::keep);
    EXPECT_TRUE(claim.deadline().is_never());
    for (const Time now : {start, start + seconds(60)}) {
        claim.announce(now);
        const std::vector<Done> done = run(claim, random);
        ASSERT_EQ(done.size(), 2u);
        EXPECT_EQ(done[0].action, Action::announce);
        EXPECT_EQ(done[0].when, now);
        EXPECT_EQ(done[1].when, now + seconds(2));
    }
}

TEST(Rfc5227_2_3, ATentativeAddressIsNotAnnounced) {
    Random random(Seed::from(1));
    AddressClaim claim = AddressClaim::probe_for(address, ConflictPolicy::keep, start, random);
    claim.announce(start);
    EXPECT_TRUE(claim.is_tentative());
    EXPECT_EQ(claim.on_deadline(claim.deadline(), random), Action::probe);
}

}  // namespace
}  // namespace berth::link
