#include "bench/memory/memory.hpp"

#include <cstdio>

#include "bench/memory/measure.hpp"
#include "tcp/half_open.hpp"
#include "tcp/time_wait.hpp"

namespace berth::bench {
namespace {

std::size_t record_bytes(Kept kept) {
    if (kept == Kept::half_open) return sizeof(tcp::HalfOpen);
    if (kept == Kept::time_wait) return sizeof(tcp::TimeWait);
    return sizeof(tcp::Connection);
}

}  // namespace

void print_memory_costs(std::uint32_t entries) {
    std::puts("[");
    for (const Kept kept : all_kept) {
        const MemoryCost cost = MemoryMeasurement(entries).cost_of(kept);
        std::printf(
            "  {\"name\": \"%s\", \"entries\": %zu, \"record_bytes\": %zu, \"allocated_bytes\": "
            "%zu, \"slab_bytes\": %zu, \"table_bytes\": %zu, \"other_bytes\": %zu}%s\n",
            name_of(kept).data(), cost.entries, record_bytes(kept), cost.all_bytes, cost.slab_bytes,
            cost.table_bytes, cost.other_bytes(), kept == all_kept.back() ? "" : ",");
    }
    std::puts("]");
}

}  // namespace berth::bench
