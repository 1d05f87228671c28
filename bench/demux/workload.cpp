#include "bench/demux/workload.hpp"

#include <algorithm>
#include <utility>

namespace berth::bench {
namespace {

constexpr std::size_t least_packets = 1 << 16;
constexpr std::uint32_t mean_train_packets = 8;
constexpr Endpoint server{Ipv4Address(192, 0, 2, 1), 80};

// Clients of one server. Odd ports are connected, even ones are those of strangers.
FourTuple client(std::uint32_t number, bool stranger) {
    const std::uint32_t port = 32768 + 2 * (number % 8192) + (stranger ? 0 : 1);
    return {server,
            {Ipv4Address((198U << 24 | 18U << 16) + number / 8192), static_cast<Port>(port)}};
}

}  // namespace

Workload::Workload(const WorkloadShape& shape) {
    Random random = random_stream(shape.connections);
    const auto count = static_cast<std::uint32_t>(shape.connections);
    for (std::uint32_t n = 0; n < count; ++n) {
        connections.push_back(std::make_unique<Pcb>(client(n, false)));
    }
    // Nobody connects in the order of addresses.
    for (std::uint32_t n = count; n > 1; --n) {
        std::swap(connections[n - 1], connections[random.below(n)]);
    }

    const std::size_t wanted = std::max(least_packets, shape.connections);
    while (packets.size() < wanted) {
        const std::uint32_t number = random.below(count);
        const bool miss = random.below(100) < shape.miss_percent;
        Pcb* const pcb = miss ? nullptr : connections[number].get();
        do {
            packets.push_back(miss ? client(number, true) : pcb->four_tuple);
            expected.push_back(pcb);
        } while (shape.arrivals == Arrivals::trains && random.below(mean_train_packets) != 0);
    }
}

}  // namespace berth::bench
