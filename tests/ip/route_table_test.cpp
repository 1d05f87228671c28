// Longest prefix match against a model that looks at every route (RFC 1122 §3.3.1).
#include "ip/route_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.hpp"

namespace berth::ip {
namespace {

// The oldest of the routes with the smallest metric among those with the longest prefix.
const Route* naive_lookup(const std::vector<Route>& routes, Ipv4Address destination) {
    const Route* best = nullptr;
    for (const Route& route : routes) {
        if (!route.destination.contains(destination)) continue;
        const bool better =
            best == nullptr || route.destination.length > best->destination.length ||
            (route.destination.length == best->destination.length && route.metric < best->metric);
        if (better) best = &route;
    }
    return best;
}

Route normalised(Route route) {
    route.destination.address = route.destination.network();
    return route;
}

TEST(RouteTableTest, AnEmptyTableKnowsNoWay) {
    EXPECT_EQ(RouteTable().lookup({192, 0, 2, 1}), nullptr);
}

TEST(RouteTableTest, TheLongestPrefixWins) {
    RouteTable table;
    const Route everywhere{{{}, 0}, {192, 0, 2, 1}, 0, 0};
    const Route network{{{198, 51, 100, 0}, 24}, {}, 1, 100};
    const Route host{{{198, 51, 100, 7}, 32}, {}, 2, 200};
    for (const Route& route : {everywhere, network, host})
        EXPECT_TRUE(table.add(route));
    EXPECT_EQ(*table.lookup({203, 0, 113, 1}), everywhere);
    EXPECT_EQ(*table.lookup({198, 51, 100, 6}), network);
    EXPECT_EQ(*table.lookup({198, 51, 100, 7}), host);
    EXPECT_TRUE(table.remove(host));
    EXPECT_EQ(*table.lookup({198, 51, 100, 7}), network);
    EXPECT_FALSE(table.remove(host));
}

TEST(RouteTableTest, ThenTheSmallerMetricThenTheOlderRoute) {
    RouteTable table;
    const Route slow{{{}, 0}, {192, 0, 2, 1}, 0, 20};
    const Route first{{{}, 0}, {192, 0, 2, 2}, 0, 10};
    const Route second{{{}, 0}, {192, 0, 2, 3}, 0, 10};
    for (const Route& route : {slow, first, second})
        EXPECT_TRUE(table.add(route));
    EXPECT_EQ(*table.lookup({203, 0, 113, 1}), first);
    EXPECT_TRUE(table.remove(first));
    EXPECT_EQ(*table.lookup({203, 0, 113, 1}), second);
}

TEST(RouteTableTest, DuplicatesAndImpossibleLengthsAreRefused) {
    RouteTable table;
    const Route route{{{192, 0, 2, 9}, 24}, {}, 0, 0};
    EXPECT_TRUE(table.add(route));
    EXPECT_FALSE(table.add(route));
    EXPECT_FALSE(table.add(normalised(route))) << "host bits do not make another route";
    EXPECT_FALSE(table.add({{{192, 0, 2, 0}, 33}, {}, 0, 0}));
    EXPECT_EQ(table.routes().size(), 1u);
    EXPECT_TRUE(table.remove(route));
    EXPECT_TRUE(table.routes().empty());
}

TEST(RouteTableTest, AgreesWithTheModelUnderRandomChanges) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(Seed::from(seed));
        RouteTable table;
        std::vector<Route> model;
        // Few distinct networks, so that prefixes nest and routes compete.
        const auto some_address = [&] {
            return Ipv4Address(0xc0000000u | random.below(64) << 18 | random.below(8));
        };
        for (int step = 0; step < 1500; ++step) {
            Route route{{some_address(), static_cast<std::uint8_t>(random.below(33))},
                        Ipv4Address(random.below(3)),
                        random.below(2),
                        random.below(3)};
            if (random.chance(650'000)) {
                route = normalised(route);
                const bool is_new = std::find(model.begin(), model.end(), route) == model.end();
                ASSERT_EQ(table.add(route), is_new);
                if (is_new) model.push_back(route);
            } else if (!model.empty()) {
                const std::uint32_t victim = random.below(static_cast<std::uint32_t>(model.size()));
                ASSERT_TRUE(table.remove(model[victim]));
                model.erase(model.begin() + victim);
            }
            const Ipv4Address wanted = some_address();
            const Route* expected = naive_lookup(model, wanted);
            const Route* found = table.lookup(wanted);
            ASSERT_EQ(found == nullptr, expected == nullptr) << to_string(wanted);
            if (found != nullptr) {
                ASSERT_EQ(*found, *expected) << to_string(wanted);
            }
        }
        ASSERT_EQ(table.routes().size(), model.size());
    }
}

}  // namespace
}  // namespace berth::ip
