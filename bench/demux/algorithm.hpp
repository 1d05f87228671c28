// The concept behind which the demultiplexing algorithms stand, and what they all look for.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "base/siphash.hpp"
#include "berth/address.hpp"
#include "demux/entry.hpp"

namespace berth::bench {

// A protocol control block: as large as a connection that idles, so that looking at one costs the
// cache what it costs a stack. The links are for the algorithms that chain blocks through
// themselves.
struct alignas(64) Pcb : demux::Entry {
    explicit Pcb(const FourTuple& tuple) : Entry(tuple, demux::EntryKind::connection) {}

    Pcb* next = nullptr;
    Pcb** link = nullptr;  // what points at this block
    std::uint64_t hash = 0;
    std::uint8_t rest_of_the_connection[200] = {};
};
static_assert(sizeof(Pcb) == 256);

// All hashed algorithms use the same keyed hash: the tables are compared, not the hashes.
inline std::uint64_t hash_of(const SipHashKey& key, const FourTuple& tuple) {
    const std::uint64_t addresses =
        std::uint64_t{tuple.local.address.value} << 32 | tuple.remote.address.value;
    return siphash_1_3(key, addresses, std::uint64_t{tuple.local.port} << 16 | tuple.remote.port);
}

// Doubly linked the way BSD and Linux do it: a block knows what points at it.
inline void link_at(Pcb*& head, Pcb& pcb) {
    pcb.next = head;
    pcb.link = &head;
    if (head != nullptr) head->link = &pcb.next;
    head = &pcb;
}
inline void unlink(Pcb& pcb) {
    *pcb.link = pcb.next;
    if (pcb.next != nullptr) pcb.next->link = pcb.link;
}

// Algorithms may move blocks at a lookup (caches, lists), so find() is not const.
template <class A>
concept DemuxAlgorithm = std::constructible_from<A, const SipHashKey&, std::size_t> &&
    requires(A algorithm, Pcb& pcb, const FourTuple& tuple) {
    { A::name } -> std::convertible_to<const char*>;
    // Beyond this many connections a run takes too long to be worth waiting for.
    { A::largest_size } -> std::convertible_to<std::size_t>;
    algorithm.insert(pcb);
    algorithm.erase(pcb);
    { algorithm.find(tuple) } -> std::same_as<Pcb*>;
};

}  // namespace berth::bench
