// What is known of the MTU of paths (RFC 1191): one number for each destination that somebody on
// the way has spoken of, or that a black hole has taught (RFC 4821).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "berth/address.hpp"

namespace berth::ip {

// RFC 1191 §7.1: the next smaller of the MTUs that links have; 68 below them all. For what a router
// older than that RFC said of a packet of so many bytes.
std::uint16_t next_plateau_below(std::uint16_t packet_bytes);

class PathMtuCache {
  public:
    // Destinations remembered; beyond it the least recently learned goes.
    static constexpr std::size_t limit_entries = 1024;
    // RFC 1191 §6.3: how long a value stands before a larger one is tried.
    static constexpr Duration lifetime = minutes(10);
    // Less than this is not believed: RFC 791's minimum is 68, but who says less than 552 is an
    // attacker far more often than a link (Linux: net.ipv4.route.min_pmtu). Where the path really
    // is narrower, packets of this size without DF get through in fragments (is_locked()).
    static constexpr std::uint16_t min_mtu = 552;

    struct Entry {
        Ipv4Address destination;
        std::uint16_t mtu = 0;
        bool is_locked = false;  // less than min_mtu was claimed
        Time expires{};
    };

    // The MTU towards a destination; nothing: the link's.
    std::optional<std::uint16_t> find(Ipv4Address destination) const;
    // The path is said to be narrower than min_mtu: what goes there must not carry DF (Linux's
    // "locked" path MTU, ip_dont_fragment()).
    bool is_locked(Ipv4Address destination) const;
    // A router said that its next link takes `next_hop_mtu` bytes (0: a router older than RFC 1191)
    // of a packet that had `packet_bytes`; `current` is what the sender took for the path's MTU.
    // True if the value went down (or became locked). Never raises it: a claim that is not below
    // the packet's size is none, one that is not below `current` only makes what is known young
    // again.
    bool lower(Ipv4Address destination, std::uint16_t next_hop_mtu, std::uint16_t packet_bytes,
               std::uint16_t current, Time now);
    // Changes whenever any value does, so that who keeps a path sees when to ask again.
    std::uint32_t generation() const { return generation_; }

    // Forgets what is too old.
    void advance(Time now);
    Time next_deadline() const;

    std::size_t size() const { return entries_.size(); }
    std::vector<Entry> entries() const;  // by destination

  private:
    void put(const Entry& entry);
    void forget(Ipv4Address destination);

    std::uint32_t generation_ = 0;
    std::map<Ipv4Address, Entry> entries_;
    std::set<std::pair<Time, Ipv4Address>> by_age_;  // all of them, by when they expire
};

}  // namespace berth::ip
