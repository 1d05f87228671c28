// The benchmark program. bench/run builds it, pins it to a processor and reads what it writes.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/memory/memory.hpp"
#include "bench/support.hpp"
#include "berth_build_info.hpp"

namespace berth::bench {
namespace {

std::uint64_t seed_of_this_run = 1;

std::optional<std::uint64_t> parse_number(std::string_view text) {
    if (text.empty() || text.size() > 18) return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        number = 10 * number + static_cast<std::uint64_t>(c - '0');
    }
    return number;
}

std::uint64_t memory_entries = 0;  // not zero: no benchmarks, but what so many connections cost

// Takes `--seed=N` and `--memory=N` out of the arguments; the others are Google Benchmark's.
bool take_own(std::vector<char*>& arguments) {
    constexpr std::string_view seed = "--seed=";
    constexpr std::string_view memory = "--memory=";
    std::vector<char*> others;
    for (char* argument : arguments) {
        const std::string_view text(argument);
        const bool is_seed = text.substr(0, seed.size()) == seed;
        if (!is_seed && text.substr(0, memory.size()) != memory) {
            others.push_back(argument);
            continue;
        }
        const auto number = parse_number(text.substr(text.find('=') + 1));
        if (!number) return false;
        (is_seed ? seed_of_this_run : memory_entries) = *number;
    }
    arguments = others;
    return true;
}

}  // namespace

std::uint64_t run_seed() {
    return seed_of_this_run;
}

}  // namespace berth::bench

int main(int argc, char** argv) {
    std::vector<char*> arguments(argv, argv + argc);
    if (!berth::bench::take_own(arguments)) {
        std::fputs("berth_bench: --seed and --memory want a number of at most 18 digits\n", stderr);
        return 2;
    }
    if (berth::bench::memory_entries != 0) {
        constexpr std::uint64_t most = 6'000'000;  // clients in the crowd's network
        if (berth::bench::memory_entries < 1'000 || berth::bench::memory_entries > most) {
            std::fputs("berth_bench: --memory wants a number from 1000 to 6000000\n", stderr);
            return 2;
        }
        std::printf(
            "{\"context\": {\"berth_version\": \"%s\", \"berth_commit\": \"%s\", "
            "\"compiler\": \"%s\", \"flags\": \"%s\", \"build_type\": \"%s\"},\n\"costs\": ",
            berth::build_info::kVersion, berth::build_info::kCommit, berth::build_info::kCompiler,
            berth::build_info::kFlags, berth::build_info::kBuildType);
        berth::bench::print_memory_costs(static_cast<std::uint32_t>(berth::bench::memory_entries));
        std::puts("}");
        return 0;
    }
    int count = static_cast<int>(arguments.size());
    arguments.push_back(nullptr);
    benchmark::AddCustomContext("berth_version", berth::build_info::kVersion);
    benchmark::AddCustomContext("berth_commit", berth::build_info::kCommit);
    benchmark::AddCustomContext("compiler", berth::build_info::kCompiler);
    benchmark::AddCustomContext("flags", berth::build_info::kFlags);
    benchmark::AddCustomContext("build_type", berth::build_info::kBuildType);
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
