// What every benchmark shares: the seed of the run.
#pragma once

#include <cstdint>

#include "base/random.hpp"

namespace berth::bench {

// From `--seed=N` on the command line; every benchmark draws its data from it.
std::uint64_t run_seed();

inline Random random_stream(std::uint64_t label) {
    return Random(Seed::from(run_seed())).fork(label);
}

}  // namespace berth::bench
