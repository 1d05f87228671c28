// neighbour/…: what a packet pays to learn its neighbour's link address.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/siphash.hpp"
#include "bench/support.hpp"
#include "link/neighbour_cache.hpp"

namespace berth::bench {
namespace {

constexpr SipHashKey key{0x0123456789abcdef, 0xfedcba9876543210};
constexpr std::uint32_t network = 0xc6120000u;  // 198.18.0.0/16

MacAddress mac_of(Ipv4Address address) {
    return {{2, 0, 0, 0, static_cast<std::uint8_t>(address.value >> 8),
             static_cast<std::uint8_t>(address.value)}};
}

class NoEvents final : public link::NeighbourEvents {
  public:
    void on_solicit(Ipv4Address, MacAddress, Time) override {}
    void on_resolved(link::OwnedPacket, Time) override {}
    void on_discarded(link::OwnedPacket, DropReason, Time) override {}
};

class Berth {
  public:
    explicit Berth(std::size_t size) : cache_(events_, limits(size), key) {}
    void add(Ipv4Address address) { cache_.heard_request(address, mac_of(address), {}); }
    // A packet every microsecond, as at a million a second: the timers and the order of use move as
    // they do in life.
    MacAddress find(Ipv4Address address) {
        now_ = now_ + microseconds(1);
        return cache_.look_up(address, now_).mac;
    }

  private:
    static link::NeighbourLimits limits(std::size_t size) {
        link::NeighbourLimits limits;
        limits.entries = size;
        return limits;
    }
    NoEvents events_;
    link::NeighbourCache cache_;
    Time now_{};
};

// What a cache without states would be; the same keyed hash where there is one.
struct KeyedHash {
    std::size_t operator()(Ipv4Address address) const {
        return static_cast<std::size_t>(siphash_1_3(key, address.value, 0));
    }
};
template <class Map>
class Plain {
  public:
    explicit Plain(std::size_t) {}
    void add(Ipv4Address address) { map_.emplace(address, mac_of(address)); }
    MacAddress find(Ipv4Address address) {
        const auto found = map_.find(address);
        return found == map_.end() ? MacAddress{} : found->second;
    }

  private:
    Map map_;
};
using UnorderedMap = Plain<std::unordered_map<Ipv4Address, MacAddress, KeyedHash>>;
using OrderedMap = Plain<std::map<Ipv4Address, MacAddress>>;

template <class Cache>
void hit(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    Random random = random_stream(size);
    std::vector<Ipv4Address> addresses;
    for (std::uint32_t i = 0; i < size; ++i)
        addresses.emplace_back(network + i);
    const auto shuffle = [&] {
        for (std::size_t i = addresses.size(); i > 1; --i)
            std::swap(addresses[i - 1], addresses[random.below(static_cast<std::uint32_t>(i))]);
    };
    shuffle();
    Cache cache(size);
    for (const Ipv4Address address : addresses)
        cache.add(address);
    shuffle();  // or the order of arrival would be that of the memory
    std::size_t next = 0;
    std::size_t wrong = 0;
    for (auto _ : state) {
        const Ipv4Address address = addresses[next];
        const MacAddress found = cache.find(address);
        wrong += found.octets[5] == static_cast<std::uint8_t>(address.value) ? 0U : 1U;
        if (++next == addresses.size()) next = 0;
    }
    if (wrong != 0) state.SkipWithError("a neighbour had another's address");
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(hit<Berth>)->Name("neighbour/hit/berth")->Arg(100)->Arg(10'000);
BENCHMARK(hit<UnorderedMap>)->Name("neighbour/hit/std_unordered_map")->Arg(100)->Arg(10'000);
BENCHMARK(hit<OrderedMap>)->Name("neighbour/hit/std_map")->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace berth::bench
