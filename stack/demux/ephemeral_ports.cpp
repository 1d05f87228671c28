#include "demux/ephemeral_ports.hpp"

#include <cassert>

namespace berth::demux {
namespace {

SipHashKey draw_key(Random& random) {
    const std::uint64_t k0 = random.next_u64();
    const std::uint64_t k1 = random.next_u64();
    return {k0, k1};
}

// SipHash-2-4 rather than 1-3: its result shows on the wire.
std::uint64_t hash_of(const SipHashKey& key, Ipv4Address local, Endpoint remote) {
    std::array<std::uint8_t, 10> message{};
    store_be32(message, 0, local.value);
    store_be32(message, 4, remote.address.value);
    store_be16(message, 8, remote.port);
    return siphash_2_4(key, message);
}

}  // namespace

EphemeralPorts::EphemeralPorts(Random random, Port first, Port last)
    : offset_key_(draw_key(random)),
      index_key_(draw_key(random)),
      first_(first),
      last_(last),
      random_(random) {
    assert(first != 0 && first <= last);
    for (std::uint32_t& counter : counters_)
        counter = random.below(count());
}

std::uint32_t EphemeralPorts::hash_offset(Ipv4Address local, Endpoint remote) const {
    return static_cast<std::uint32_t>(hash_of(offset_key_, local, remote) % count());
}

std::size_t EphemeralPorts::hash_index(Ipv4Address local, Endpoint remote) const {
    return static_cast<std::size_t>(hash_of(index_key_, local, remote) % counters);
}

}  // namespace berth::demux
