// A population of connections and the packets that arrive for them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "bench/demux/algorithm.hpp"
#include "bench/support.hpp"

namespace berth::bench {

enum class Arrivals {
    uniform,  // every packet belongs to any connection
    trains,   // packets come in runs of one connection, eight long on average
};

struct WorkloadShape {
    std::size_t connections = 0;
    Arrivals arrivals = Arrivals::uniform;
    unsigned miss_percent = 0;  // packets (trains) that belong to no connection
};

struct Workload {
    std::vector<std::unique_ptr<Pcb>> connections;  // in memory as they were set up, one by one
    std::vector<FourTuple> packets;
    std::vector<Pcb*> expected;  // of each packet; nullptr: nobody's

    explicit Workload(const WorkloadShape& shape);
};

}  // namespace berth::bench
