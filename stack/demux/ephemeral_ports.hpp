// Which local port a socket gets when nobody names one. A connection: RFC 6056 §3.3.4, algorithm 4
// (double-hash port selection), unpredictable to others, and rarely reused towards the same remote.
// A socket without a remote: a random one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/random.hpp"
#include "base/siphash.hpp"
#include "berth/address.hpp"

namespace berth::demux {

class EphemeralPorts {
  public:
    // RFC 6056 §3.2 asks for as large a range as possible; the default is RFC 6335's dynamic range
    // enlarged downward as Linux does.
    static constexpr Port default_first = 32768;
    static constexpr Port default_last = 60999;

    // 0 < first <= last.
    explicit EphemeralPorts(Random random, Port first = default_first, Port last = default_last);

    // The first port, in the order the algorithm gives for (local, remote), for which
    // `is_free(port)`.
    template <class IsFree>
    std::optional<Port> choose(Ipv4Address local, Endpoint remote, IsFree&& is_free) {
        const std::uint32_t offset = hash_offset(local, remote);
        std::uint32_t& counter = counters_[hash_index(local, remote)];
        for (std::uint32_t tried = 0; tried < count(); ++tried) {
            const Port port = port_at(offset + counter);
            // Reduced here, so that no wrap of the counter makes it skip ports.
            counter = (counter + 1) % count();
            if (is_free(port)) return port;
        }
        return std::nullopt;
    }

    // For who is bound to no remote yet. Algorithm 4 would count upwards for all the world to see
    // here, so: §3.3.2, algorithm 2, another random port when one is taken; and where most are,
    // §3.3.1, algorithm 1, the next free one after a random one.
    template <class IsFree>
    std::optional<Port> choose_any(IsFree&& is_free) {
        std::uint32_t place = 0;
        for (std::uint32_t tried = 0; tried < random_tries; ++tried) {
            place = random_.below(count());
            if (is_free(port_at(place))) return port_at(place);
        }
        for (std::uint32_t tried = 1; tried < count(); ++tried)
            if (is_free(port_at(place + tried))) return port_at(place + tried);
        return std::nullopt;
    }

    Port first() const { return first_; }
    Port last() const { return last_; }

  private:
    std::uint32_t count() const { return std::uint32_t{last_} - first_ + 1; }
    Port port_at(std::uint32_t place) const { return static_cast<Port>(first_ + place % count()); }
    std::uint32_t hash_offset(Ipv4Address local, Endpoint remote) const;
    std::size_t hash_index(Ipv4Address local, Endpoint remote) const;

    static constexpr std::size_t counters = 1024;  // RFC 6056's TABLE_LENGTH
    static constexpr std::uint32_t random_tries = 16;
    SipHashKey offset_key_;
    SipHashKey index_key_;
    std::array<std::uint32_t, counters> counters_{};
    Port first_;
    Port last_;
    Random random_;
};

}  // namespace berth::demux
