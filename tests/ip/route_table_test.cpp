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

// Longest prefix first, then network, then metric, then age.
TEST(RouteTableTest, TheListIsInTheDocumentedOrder) {
    RouteTable table;
    const Ipv4Prefix low{{198, 51, 100, 0}, 24};
    const Ipv4Prefix high{{203, 0, 113, 0}, 24};
    const Route default_route{{{}, 0}, {192, 0, 2, 1}, 0, 0};
    const Route host{{{192, 0, 2, 9}, 32}, {}, 0, 7};
    const Route first{low, {192, 0, 2, 1}, 0, 5};
    const Route older{low, {192, 0, 2, 3}, 0, 9};
    const Route newer{low, {192, 0, 2, 2}, 0, 9};
    const Route other{high, {}, 1, 0};
    for (const Route& route : {older, default_route, newer, other, first, host})
        EXPECT_TRUE(table.add(route));
    const std::vector<Route> expected{host, first, older, newer, other, default_route};
    EXPECT_EQ(std::vector<Route>(table.routes().begin(), table.routes().end()), expected);
    EXPECT_TRUE(table.remove(older));
    EXPECT_TRUE(table.add(older));  // it is the youngest now
    const std::vector<Route> after{host, first, newer, older, other, default_route};
    EXPECT_EQ(std::vector<Route>(table.routes().begin(), table.routes().end()), after);
}

TEST(RouteTableTest, EveryLengthAtTheEdgesOfTheAddressSpace) {
    RouteTable table;
    EXPECT_TRUE(table.add({{{}, 0}, {192, 0, 2, 1}, 0, 0}));
    for (std::uint8_t length = 1; length <= 32; ++length) {
        EXPECT_TRUE(table.add({{{}, length}, {192, 0, 2, 1}, 0, 0}));
        EXPECT_TRUE(table.add({{Ipv4Address(0xffffffffU), length}, {192, 0, 2, 1}, 0, 0}));
    }
    // An address that shares exactly n bits with an edge is found at length n.
    for (std::uint32_t shared = 1; shared <= 32; ++shared) {
        const std::uint32_t bit = shared == 32 ? 0 : 1U << (31 - shared);
        for (const std::uint32_t address : {bit, ~bit}) {
            const Route* found = table.lookup(Ipv4Address(address));
            ASSERT_NE(found, nullptr);
            EXPECT_EQ(found->destination.length, shared) << to_string(Ipv4Address(address));
        }
    }
}

TEST(RouteTableTest, AFullTableRefusesAndWorksOn) {
    RouteTable table;
    for (std::uint32_t i = 0; i < RouteTable::limit_routes; ++i)
        ASSERT_TRUE(table.add({{Ipv4Address(i << 8), 24}, {}, 0, 0}));
    EXPECT_FALSE(table.add({{{203, 0, 113, 1}, 32}, {}, 0, 0}));
    EXPECT_TRUE(table.remove({{Ipv4Address(5U << 8), 24}, {}, 0, 0}));
    EXPECT_TRUE(table.add({{{203, 0, 113, 1}, 32}, {}, 0, 0}));
    EXPECT_EQ(table.size(), RouteTable::limit_routes);
    EXPECT_EQ(table.lookup(Ipv4Address(5U << 8)), nullptr);
    EXPECT_NE(table.lookup(Ipv4Address(6U << 8)), nullptr);
}

TEST(RouteTableTest, ASmallTableIsSmallAndAnEmptiedOneGrowsNoFurther) {
    RouteTable table;
    EXPECT_LT(table.memory_bytes(), 1024u);
    table.add({{{}, 0}, {192, 0, 2, 1}, 0, 0});
    table.add({{{192, 0, 2, 0}, 24}, {}, 0, 0});
    table.add({{{198, 51, 100, 0}, 24}, {}, 1, 0});
    EXPECT_LT(table.memory_bytes(), 2048u);
    const auto fill_and_empty = [&] {
        for (const bool add : {true, false}) {
            for (std::uint32_t i = 0; i < 5000; ++i) {
                const Route route{{Ipv4Address(i * 0x9e3779b1U), 27}, {}, 0, 0};
                ASSERT_TRUE(add ? table.add(route) : table.remove(route)) << i;
            }
        }
    };
    fill_and_empty();
    const std::size_t once = table.memory_bytes();
    for (int i = 0; i < 5; ++i)
        fill_and_empty();
    EXPECT_EQ(table.memory_bytes(), once);
    EXPECT_EQ(table.size(), 3u);
}

// Real tables: many prefixes of the lengths that the Internet has, nested and apart.
TEST(RouteTableTest, AgreesWithTheModelOnALargeTable) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(Seed::from(seed));
        RouteTable table;
        std::vector<Route> model;
        for (int i = 0; i < 3000; ++i) {
            const auto length =
                static_cast<std::uint8_t>(random.chance(600'000) ? 24 : 8 + random.below(25));
            const Route route = normalised({{Ipv4Address(random.next_u32()), length},
                                            Ipv4Address(random.next_u32()),
                                            0,
                                            random.below(4)});
            if (table.add(route)) model.push_back(route);
            // One in two inside an earlier one.
            const Route& outer = model[random.below(static_cast<std::uint32_t>(model.size()))];
            const auto longer = static_cast<std::uint8_t>(
                outer.destination.length + random.below(33U - outer.destination.length));
            const Route inner = normalised(
                {{Ipv4Address(outer.destination.address.value | (random.next_u32() & 0xffU)),
                  longer},
                 {},
                 1,
                 0});
            if (table.add(inner)) model.push_back(inner);
        }
        const auto compare = [&](Ipv4Address wanted) {
            const Route* expected = naive_lookup(model, wanted);
            const Route* found = table.lookup(wanted);
            ASSERT_EQ(found == nullptr, expected == nullptr) << to_string(wanted);
            if (found != nullptr) {
                ASSERT_EQ(*found, *expected) << to_string(wanted);
            }
        };
        for (int i = 0; i < 500; ++i) {
            compare(Ipv4Address(random.next_u32()));
            const Route& near = model[random.below(static_cast<std::uint32_t>(model.size()))];
            compare(near.destination.address);
            compare(Ipv4Address(near.destination.address.value + random.below(256)));
        }
        while (model.size() > 100) {
            const std::uint32_t victim = random.below(static_cast<std::uint32_t>(model.size()));
            ASSERT_TRUE(table.remove(model[victim]));
            model.erase(model.begin() + victim);
        }
        for (int i = 0; i < 500; ++i)
            compare(Ipv4Address(random.next_u32()));
        for (const Route& route : model)
            compare(route.destination.address);
    }
}

}  // namespace
}  // namespace berth::ip
