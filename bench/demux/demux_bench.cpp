// demux/…: time per lookup of each algorithm, and per connection set up and taken down.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bench/demux/chains.hpp"
#include "bench/demux/lists.hpp"
#include "bench/demux/modern.hpp"
#include "bench/demux/workload.hpp"

namespace berth::bench {
namespace {

constexpr std::size_t burst = 32;  // packets of an iteration: what a link brings at once
constexpr SipHashKey key{0x243f6a8885a308d3, 0x13198a2e03707344};

// A workload and the table that holds it, kept from one call of a benchmark to its next.
template <class Algorithm>
struct Prepared {
    Workload workload;
    Algorithm algorithm;

    explicit Prepared(const WorkloadShape& shape)
        : workload(shape), algorithm(key, shape.connections) {
        for (const auto& pcb : workload.connections)
            algorithm.insert(*pcb);
    }
    // Algorithms that walk lists are asked a sample, or they would be at it for minutes.
    bool all_answers_right() {
        constexpr bool walks_lists = Algorithm::largest_size < 1'000'000;
        const std::size_t asked = walks_lists ? 2048 : workload.packets.size();
        for (std::size_t i = 0; i < asked; ++i) {
            if (algorithm.find(workload.packets[i]) != workload.expected[i]) return false;
        }
        return true;
    }
};

// What was prepared last; it goes when the next benchmark prepares its own, whatever its type.
std::string prepared_name;
std::shared_ptr<void> prepared_last;
bool prepared_right = false;

template <class Algorithm>
Prepared<Algorithm>& prepare(const std::string& name, const WorkloadShape& shape) {
    if (prepared_name != name) {
        prepared_last.reset();
        auto prepared = std::make_shared<Prepared<Algorithm>>(shape);
        prepared_right = prepared->all_answers_right();
        prepared_last = std::move(prepared);
        prepared_name = name;
    }
    return *static_cast<Prepared<Algorithm>*>(prepared_last.get());
}

// Goes round the packets, a burst at each call, and counts how many hits there should be.
class Bursts {
  public:
    explicit Bursts(const Workload& workload) : workload_(workload) {}
    std::span<const FourTuple> next() {
        if (at_ + burst > workload_.packets.size()) at_ = 0;
        const auto packets = std::span(workload_.packets).subspan(at_, burst);
        at_ += burst;
        return packets;
    }

  private:
    const Workload& workload_;
    std::size_t at_ = 0;
};

template <class Algorithm>
void lookup(benchmark::State& state, const std::string& name, const WorkloadShape& shape) {
    auto& prepared = prepare<Algorithm>(name, shape);
    if (!prepared_right) {
        state.SkipWithError("a lookup gave the wrong connection");
        return;
    }
    Bursts bursts(prepared.workload);
    for (auto _ : state) {
        std::uintptr_t hits = 0;
        for (const FourTuple& tuple : bursts.next()) {
            const Pcb* found = prepared.algorithm.find(tuple);
            // What is found gets used: the stack would look at the state next.
            if (found != nullptr) hits += found->four_tuple.remote.port;
        }
        benchmark::DoNotOptimize(hits);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst));
}

void lookup_batch(benchmark::State& state, const std::string& name, const WorkloadShape& shape) {
    auto& prepared = prepare<BerthTable>(name, shape);
    const Workload& workload = prepared.workload;
    std::array<demux::Entry*, burst> found{};
    for (std::size_t at = 0; at + burst <= workload.packets.size(); at += burst) {
        prepared.algorithm.find_batch(std::span(workload.packets).subspan(at, burst), found);
        for (std::size_t i = 0; i < burst; ++i) {
            if (found[i] == workload.expected[at + i]) continue;
            state.SkipWithError("a batch lookup gave the wrong connection");
            return;
        }
    }
    Bursts bursts(workload);
    for (auto _ : state) {
        prepared.algorithm.find_batch(bursts.next(), found);
        std::uintptr_t hits = 0;
        for (const demux::Entry* entry : found) {
            if (entry != nullptr) hits += entry->four_tuple.remote.port;
        }
        benchmark::DoNotOptimize(hits);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst));
}

// A connection goes and comes again: the size stays, the table's ways age.
template <class Algorithm>
void churn(benchmark::State& state, const std::string& name, const WorkloadShape& shape) {
    auto& prepared = prepare<Algorithm>(name, shape);
    auto& connections = prepared.workload.connections;
    Random random = random_stream(2);
    for (auto _ : state) {
        Pcb& pcb = *connections[random.below(static_cast<std::uint32_t>(connections.size()))];
        prepared.algorithm.erase(pcb);
        prepared.algorithm.insert(pcb);
    }
    if (!prepared.all_answers_right()) state.SkipWithError("a connection was lost");
    state.SetItemsProcessed(state.iterations());
}

constexpr std::size_t sizes[] = {10, 100, 1'000, 10'000, 100'000, 1'000'000};

std::string name_of(const char* kind, const char* algorithm, const WorkloadShape& shape) {
    return std::string("demux/") + kind + "/miss:" + std::to_string(shape.miss_percent) + "/" +
           algorithm + "/" + std::to_string(shape.connections);
}

const char* kind_of(Arrivals arrivals) {
    return arrivals == Arrivals::uniform ? "uniform" : "trains";
}

template <class Algorithm>
void register_lookup(const WorkloadShape& shape) {
    if (shape.connections > Algorithm::largest_size) return;
    const std::string name = name_of(kind_of(shape.arrivals), Algorithm::name, shape);
    benchmark::RegisterBenchmark(name.c_str(), [name, shape](benchmark::State& state) {
        lookup<Algorithm>(state, name, shape);
    });
}

template <class Algorithm>
void register_churn(std::size_t connections) {
    const WorkloadShape shape{.connections = connections};
    const std::string name =
        std::string("demux/churn/") + Algorithm::name + "/" + std::to_string(connections);
    benchmark::RegisterBenchmark(name.c_str(), [name, shape](benchmark::State& state) {
        churn<Algorithm>(state, name, shape);
    });
}

void register_all(const WorkloadShape& shape) {
    register_lookup<BsdList>(shape);
    register_lookup<MoveToFrontList>(shape);
    register_lookup<SequentChains>(shape);
    register_lookup<LinuxChains>(shape);
    register_lookup<StdUnorderedMap>(shape);
    register_lookup<BerthTable>(shape);
    const std::string name = name_of(kind_of(shape.arrivals), "berth_batch", shape);
    benchmark::RegisterBenchmark(
        name.c_str(), [name, shape](benchmark::State& state) { lookup_batch(state, name, shape); });
}

const bool registered = [] {
    for (const Arrivals arrivals : {Arrivals::uniform, Arrivals::trains}) {
        for (const unsigned miss_percent : {0U, 10U, 100U}) {
            if (arrivals == Arrivals::trains && miss_percent != 10) continue;
            for (const std::size_t size : sizes) {
                register_all(
                    {.connections = size, .arrivals = arrivals, .miss_percent = miss_percent});
            }
        }
    }
    for (const std::size_t size :
         {std::size_t{1'000}, std::size_t{100'000}, std::size_t{1'000'000}}) {
        register_churn<LinuxChains>(size);
        register_churn<StdUnorderedMap>(size);
        register_churn<BerthTable>(size);
    }
    return true;
}();

}  // namespace
}  // namespace berth::bench
