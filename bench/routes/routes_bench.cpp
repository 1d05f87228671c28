// routes/…: longest prefix match among so many routes, and a route taken out and put back.
//
// Prefix lengths are mixed as in the Internet's tables: more than half are /24. Every table has a
// default route, so that each destination has an answer.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "bench/routes/tables.hpp"
#include "bench/support.hpp"
#include "ip/route_table.hpp"

namespace berth::bench {
namespace {

constexpr std::size_t destination_count = 1 << 16;  // a power of two

struct Share {
    std::uint8_t length;
    std::uint32_t per_mille;
};
// About what full tables hold.
constexpr std::array<Share, 11> mix{{{24, 595},
                                     {23, 100},
                                     {22, 115},
                                     {21, 52},
                                     {20, 47},
                                     {19, 26},
                                     {18, 15},
                                     {17, 10},
                                     {16, 28},
                                     {15, 6},
                                     {12, 6}}};

std::uint8_t some_length(Random& random) {
    std::uint32_t left = random.below(1000);
    for (const Share& share : mix) {
        if (left < share.per_mille) return share.length;
        left -= share.per_mille;
    }
    return mix.front().length;
}

std::vector<ip::Route> make_routes(std::size_t count) {
    Random random = random_stream(count);
    std::vector<ip::Route> routes{{{{}, 0}, {192, 0, 2, 1}, 0, 0}};
    std::set<Ipv4Prefix> taken;
    while (routes.size() < count) {
        // 1.0.0.0 to 223.255.255.255, as unicast is.
        Ipv4Prefix prefix{Ipv4Address(random.below(223U << 24) + (1U << 24)), some_length(random)};
        prefix.address = prefix.network();
        if (!taken.insert(prefix).second) continue;
        routes.push_back({prefix, Ipv4Address(random.next_u32()), 0, 0});
    }
    return routes;
}

// Half of them anywhere, half inside a route's network.
std::vector<Ipv4Address> make_destinations(const std::vector<ip::Route>& routes) {
    Random random = random_stream(routes.size() + 1'000'000);
    std::vector<Ipv4Address> destinations(destination_count);
    for (std::size_t i = 0; i < destinations.size(); ++i) {
        destinations[i] = Ipv4Address(random.next_u32());
        if (i % 2 == 0) continue;
        const Ipv4Prefix network =
            routes[random.below(static_cast<std::uint32_t>(routes.size()))].destination;
        const std::uint32_t host =
            network.length == 0 ? 0xffff'ffffU : 0xffff'ffffU >> network.length;
        destinations[i] = Ipv4Address(network.address.value | (destinations[i].value & host));
    }
    return destinations;
}

template <class Table>
void fill(Table& table, const std::vector<ip::Route>& routes) {
    for (const ip::Route& route : routes)
        table.add(route);
}

template <class Table>
bool answers_right(const Table& table, const std::vector<ip::Route>& routes,
                   const std::vector<Ipv4Address>& destinations) {
    StdMap judge;
    fill(judge, routes);
    return std::all_of(destinations.begin(), destinations.end(), [&](Ipv4Address destination) {
        const ip::Route* found = table.lookup(destination);
        return found != nullptr && *found == *judge.lookup(destination);
    });
}

template <class Table>
void lookup(benchmark::State& state) {
    const auto routes = make_routes(static_cast<std::size_t>(state.range(0)));
    const auto destinations = make_destinations(routes);
    Table table;
    fill(table, routes);
    if (!answers_right(table, routes, destinations)) {
        state.SkipWithError("the look-up gives the wrong route");
        return;
    }
    std::size_t next = 0;
    for (auto _ : state) {
        const Ipv4Address destination = destinations[next];
        next = (next + 1) % destination_count;
        // The gateway is what a packet needs: finding it is part of the work.
        benchmark::DoNotOptimize(table.lookup(destination)->gateway);
    }
    state.SetItemsProcessed(state.iterations());
}

template <class Table>
void change(benchmark::State& state) {
    const auto routes = make_routes(static_cast<std::size_t>(state.range(0)));
    Table table;
    fill(table, routes);
    std::size_t next = 0;
    for (auto _ : state) {
        table.remove(routes[next]);
        table.add(routes[next]);
        next = (next + 1) % routes.size();
    }
    if (!answers_right(table, routes, make_destinations(routes)))
        state.SkipWithError("the look-up gives the wrong route after changes");
    state.SetItemsProcessed(state.iterations());
}

template <class Table>
void load(benchmark::State& state) {
    const auto routes = make_routes(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        Table table;
        fill(table, routes);
        benchmark::DoNotOptimize(table.lookup(routes.back().destination.address));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(routes.size()));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    for (const int size : {3, 1000, 100'000})
        benchmark->Arg(size);
}

BENCHMARK(lookup<BinarySearch>)->Name("routes/lookup/binary_search")->Apply(sizes);
BENCHMARK(lookup<StdMap>)->Name("routes/lookup/std_map")->Apply(sizes);
BENCHMARK(lookup<ip::RouteTable>)->Name("routes/lookup/berth")->Apply(sizes);
BENCHMARK(change<BinarySearch>)->Name("routes/change/binary_search")->Apply(sizes);
BENCHMARK(change<StdMap>)->Name("routes/change/std_map")->Apply(sizes);
BENCHMARK(change<ip::RouteTable>)->Name("routes/change/berth")->Apply(sizes);
BENCHMARK(load<StdMap>)->Name("routes/load/std_map")->Arg(100'000);
BENCHMARK(load<ip::RouteTable>)->Name("routes/load/berth")->Arg(100'000);

}  // namespace
}  // namespace berth::bench
