// What is known of the MTU of paths (RFC 1191): one number for each destination that somebody on
// the way has spoken of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "berth/address.hpp"

namespace berth::ip {

class PathMtuCache {
  public:
    // Destinations remembered; beyond it the least recently learned goes.
    static constexpr std::size_t limit_entries = 1024;
    // RFC 1191 §6.3: how long a value stands before a larger one is tried.
    static constexpr Duration lifetime = minutes(10);
    // Less than this is not believed: RFC 791's minimum is 68, but who says less than 552 is an
    // attacker far more often than a link (Linux: net.ipv4.route.min_pmtu).
    static constexpr std::uint16_t min_mtu = 552;

    // The MTU towards a destination; nothing: the link's.
    std::optional<std::uint16_t> find(Ipv4Address destination) const;
    // A router said that its next link takes `next_hop_mtu` bytes (0: a router older than RFC 1191)
    // of a packet that had `packet_bytes`. True if the value went down.
    bool lower(Ipv4Address destination, std::uint16_t next_hop_mtu, std::uint16_t packet_bytes,
               std::uint16_t current, Time now);
    // Changes whenever any value does, so that who keeps a path sees when to ask again.
    std::uint64_t generation() const { return generation_; }

    void advance(Time now);
    Time next_deadline() const;

    std::size_t size() const;

    struct Entry {
        Ipv4Address destination;
        std::uint16_t mtu = 0;
        Time expires{};
    };

    std::vector<Entry> entries() const { return {}; }

  private:
    std::uint64_t generation_ = 0;
};

}  // namespace berth::ip
