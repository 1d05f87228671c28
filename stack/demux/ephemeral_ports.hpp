// Which local port a connection gets when nobody names one: RFC 6056 §3.3.4, algorithm 4
// (double-hash port selection): unpredictable to others, and rarely reused towards the same remote.
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
            const auto port = static_cast<Port>(first_ + (offset + counter) % count());
            // Reduced here, so that no wrap of the counter makes it skip ports.
            counter = (counter + 1) % count();
            if (is_free(port)) return port;
        }
        return std::nullopt;
    }

    Port first() const { return first_; }
    Port last() const { return last_; }

  private:
    std::uint32_t count() const { return std::uint32_t{last_} - first_ + 1; }
    std::uint32_t hash_offset(Ipv4Address local, Endpoint remote) const;
    std::size_t hash_index(Ipv4Address local, Endpoint remote) const;

    static constexpr std::size_t counters = 1024;  // RFC 6056's TABLE_LENGTH
    SipHashKey offset_key_;
    SipHashKey index_key_;
    std::array<std::uint32_t, counters> counters_{};
    Port first_;
    Port last_;
};

}  // namespace berth::demux
