// `berth_bench --memory=N`: what N connections cost in each state, as a JSON array.
#pragma once

#include <cstdint>

namespace berth::bench {

void print_memory_costs(std::uint32_t entries);

}  // namespace berth::bench
