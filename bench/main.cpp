// The benchmark program. bench/run builds it, pins it to a processor and reads what it writes.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

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

// Takes `--seed=N` out of the arguments; the others are Google Benchmark's.
bool take_seed(std::vector<char*>& arguments) {
    constexpr std::string_view option = "--seed=";
    std::vector<char*> others;
    for (char* argument : arguments) {
        const std::string_view text(argument);
        if (text.substr(0, option.size()) != option) {
            others.push_back(argument);
            continue;
        }
        const auto number = parse_number(text.substr(option.size()));
        if (!number) return false;
        seed_of_this_run = *number;
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
    if (!berth::bench::take_seed(arguments)) {
        std::fputs("berth_bench: --seed wants a number of at most 18 digits\n", stderr);
        return 2;
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
