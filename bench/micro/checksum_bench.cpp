// checksum/…: the Internet checksum against the textbook loop of RFC 1071 and against memcpy, which
// has to read the same bytes.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "bench/support.hpp"
#include "wire/checksum.hpp"

namespace berth::bench {
namespace {

std::vector<std::uint8_t> random_bytes(std::size_t count) {
    Random random = random_stream(count);
    std::vector<std::uint8_t> bytes(count);
    for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>(random.next_u32());
    return bytes;
}

// RFC 1071 §4.1, word by word: slow, and right by inspection.
std::uint16_t checksum_by_the_book(Bytes bytes) {
    std::uint32_t sum = 0;
    std::size_t at = 0;
    for (; at + 1 < bytes.size(); at += 2) {
        sum += load_be16(bytes, at);
        if (sum > 0xffff) sum -= 0xffff;
    }
    if (at < bytes.size()) sum += std::uint32_t{bytes[at]} << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void set_rates(benchmark::State& state) {
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

template <std::uint16_t (*function)(Bytes)>
void checksum(benchmark::State& state) {
    const auto bytes = random_bytes(static_cast<std::size_t>(state.range(0)));
    if (function(bytes) != checksum_by_the_book(bytes)) {
        state.SkipWithError("the checksum is wrong");
        return;
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes.data());
        benchmark::ClobberMemory();
        benchmark::DoNotOptimize(function(bytes));
    }
    set_rates(state);
}

void copy(benchmark::State& state) {
    const auto bytes = random_bytes(static_cast<std::size_t>(state.range(0)));
    std::vector<std::uint8_t> to(bytes.size());
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes.data());
        std::memcpy(to.data(), bytes.data(), bytes.size());
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    if (to != bytes) state.SkipWithError("the copy is wrong");
    set_rates(state);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    // An IPv4 header, a small and a full segment, and what a merging link brings.
    for (const int size : {20, 64, 576, 1460, 65535})
        benchmark->Arg(size);
}

BENCHMARK(copy)->Name("checksum/memcpy")->Apply(sizes);
BENCHMARK(checksum<wire::checksum_of>)->Name("checksum/berth")->Apply(sizes);
BENCHMARK(checksum<checksum_by_the_book>)->Name("checksum/by_the_book")->Apply(sizes);

}  // namespace
}  // namespace berth::bench
