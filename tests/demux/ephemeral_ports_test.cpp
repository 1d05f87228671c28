// RFC 6056 algorithm 4: what a peer, and what an onlooker, may and may not expect of our ports.
#include "demux/ephemeral_ports.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

namespace berth::demux {
namespace {

constexpr Ipv4Address local(192, 0, 2, 1);
constexpr Endpoint remote{Ipv4Address(198, 51, 100, 1), 80};
constexpr auto always_free = [](Port) { return true; };

EphemeralPorts ports(std::uint64_t seed, Port first = EphemeralPorts::default_first,
                     Port last = EphemeralPorts::default_last) {
    return EphemeralPorts(Random(Seed::from(seed)), first, last);
}

TEST(EphemeralPorts, TowardsOneRemotePortsIncreaseByOneAndWrapAround) {  // RFC 6056 §3.3.4
    EphemeralPorts chooser = ports(1, 50000, 50009);
    Port previous = *chooser.choose(local, remote, always_free);
    for (int i = 0; i < 100; ++i) {
        const Port next = *chooser.choose(local, remote, always_free);
        EXPECT_EQ(next, previous == 50009 ? 50000 : previous + 1);
        previous = next;
    }
}

TEST(EphemeralPorts,
     TheWholeRangeIsUsedBeforeAPortComesAgain) {  // RFC 6056 §2: reuse as late as possible
    EphemeralPorts chooser = ports(2);
    const std::size_t count =
        std::size_t{EphemeralPorts::default_last} - EphemeralPorts::default_first + 1;
    std::set<Port> chosen;
    for (std::size_t i = 0; i < count; ++i)
        chosen.insert(*chooser.choose(local, remote, always_free));
    EXPECT_EQ(chosen.size(), count);
    EXPECT_EQ(*chosen.begin(), EphemeralPorts::default_first);
    EXPECT_EQ(*chosen.rbegin(), EphemeralPorts::default_last);
}

TEST(EphemeralPorts, TheLargestRangeWorks) {  // RFC 6056 §3.2
    EphemeralPorts chooser = ports(3, 1, 65535);
    std::set<Port> chosen;
    for (int i = 0; i < 65535; ++i)
        chosen.insert(*chooser.choose(local, remote, always_free));
    EXPECT_EQ(chosen.size(), 65535u);
    EXPECT_EQ(chosen.count(0), 0u);
}

TEST(EphemeralPorts, ARangeOfOnePortWorks) {
    EphemeralPorts chooser = ports(3, 65535, 65535);
    EXPECT_EQ(chooser.choose(local, remote, always_free), 65535);
    EXPECT_EQ(chooser.choose(local, remote, always_free), 65535);
}

TEST(EphemeralPorts, OnePortTowardsARemoteDoesNotBetrayThePortTowardsAnother) {
    // An attacker sees the port towards its own endpoint and guesses the one towards the victim's
    // by the difference. The differences must be spread over the range: none of 16 parts of the
    // range gets less than a third or more than thrice its share of 4000 remotes.
    constexpr std::uint32_t count =
        std::uint32_t{EphemeralPorts::default_last} - EphemeralPorts::default_first + 1;
    EphemeralPorts chooser = ports(4);
    std::array<int, 16> part{};
    Port previous = *chooser.choose(local, remote, always_free);
    for (std::uint32_t n = 0; n < 4000; ++n) {
        const Endpoint other{Ipv4Address(0xc6120000 + n), 80};
        const Port port = *chooser.choose(local, other, always_free);
        const std::uint32_t difference = (std::uint32_t{port} + count - previous) % count;
        ++part[difference * 16 / count];
        previous = port;
    }
    for (const int hits : part) {
        EXPECT_GT(hits, 83);
        EXPECT_LT(hits, 750);
    }
}

TEST(EphemeralPorts, EachOfLocalAddressRemoteAddressAndRemotePortMatters) {
    const auto first_choice = [](Ipv4Address from, Endpoint to) {
        return *ports(5).choose(from, to, always_free);  // a fresh chooser: counters play no part
    };
    int differences = 0;
    for (std::uint8_t n = 1; n <= 20; ++n) {
        const Endpoint to{Ipv4Address(198, 51, 100, n), 80};
        const Port base = first_choice(local, to);
        differences += base != first_choice(Ipv4Address(192, 0, 2, 2), to);
        differences += base != first_choice(local, {Ipv4Address(198, 51, 100, 99), 80});
        differences += base != first_choice(local, {to.address, 81});
    }
    EXPECT_GE(differences, 57);
}

TEST(EphemeralPorts, AnotherSecretGivesOtherPorts) {
    std::set<Port> first;
    for (std::uint64_t seed = 1; seed <= 50; ++seed)
        first.insert(*ports(seed).choose(local, remote, always_free));
    EXPECT_GE(first.size(), 45u);
}

TEST(EphemeralPorts, TheSameSecretGivesTheSamePorts) {
    EphemeralPorts one = ports(6);
    EphemeralPorts other = ports(6);
    for (std::uint32_t n = 0; n < 1000; ++n) {
        const Endpoint to{Ipv4Address(0xc6120000 + n % 10), static_cast<Port>(80 + n % 3)};
        ASSERT_EQ(one.choose(local, to, always_free), other.choose(local, to, always_free));
    }
}

TEST(EphemeralPorts, TakenPortsAreSkippedAndTheLastFreeOneIsFound) {
    for (Port free = 50000; free < 50100; ++free) {
        EphemeralPorts chooser = ports(7, 50000, 50099);
        EXPECT_EQ(chooser.choose(local, remote, [free](Port port) { return port == free; }), free);
    }
}

TEST(EphemeralPorts, WithoutARemoteOnePortDoesNotBetrayTheNext) {  // RFC 6056 §3.3.2
    constexpr std::uint32_t count =
        std::uint32_t{EphemeralPorts::default_last} - EphemeralPorts::default_first + 1;
    EphemeralPorts chooser = ports(9);
    std::array<int, 16> part{};
    Port previous = *chooser.choose_any(always_free);
    for (int n = 0; n < 4000; ++n) {
        const Port port = *chooser.choose_any(always_free);
        ASSERT_GE(port, EphemeralPorts::default_first);
        ASSERT_LE(port, EphemeralPorts::default_last);
        ++part[(std::uint32_t{port} + count - previous) % count * 16 / count];
        previous = port;
    }
    for (const int hits : part) {
        EXPECT_GT(hits, 83);
        EXPECT_LT(hits, 750);
    }
}

TEST(EphemeralPorts, WithoutARemoteTheLastFreePortIsFound) {
    for (Port free = 50000; free < 50100; ++free) {
        EphemeralPorts chooser = ports(7, 50000, 50099);
        EXPECT_EQ(chooser.choose_any([free](Port port) { return port == free; }), free);
    }
    EphemeralPorts chooser = ports(7, 50000, 50099);
    EXPECT_EQ(chooser.choose_any([](Port) { return false; }), std::nullopt);
}

TEST(EphemeralPorts, AnExhaustedRangeGivesNothingAfterOneRound) {
    EphemeralPorts chooser = ports(8, 50000, 50099);
    std::vector<Port> asked;
    EXPECT_EQ(chooser.choose(local, remote,
                             [&asked](Port port) {
                                 asked.push_back(port);
                                 return false;
                             }),
              std::nullopt);
    std::sort(asked.begin(), asked.end());
    ASSERT_EQ(asked.size(), 100u);
    EXPECT_EQ(std::adjacent_find(asked.begin(), asked.end()), asked.end())
        << "each is asked about once";
    EXPECT_TRUE(chooser.choose(local, remote, always_free).has_value()) << "and it goes on working";
}

}  // namespace
}  // namespace berth::demux
