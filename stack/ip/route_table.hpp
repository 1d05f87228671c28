// The FIB: longest prefix match, then the smaller metric, then the older route (RFC 1122 §3.3.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "berth/address.hpp"
#include "ip/prefix_trie.hpp"
#include "link/interface.hpp"

namespace berth::ip {

struct Route {
    Ipv4Prefix destination;  // 0.0.0.0/0 is the default route; host bits do not count
    Ipv4Address gateway;     // unspecified: the destination is on the link
    link::InterfaceIndex interface_index = 0;
    std::uint32_t metric = 0;

    constexpr bool operator==(const Route&) const = default;
};

// Adding, removing and looking up cost the depth of the trie, not the number of routes; but the
// routes to one and the same prefix form a list, which is walked: there are few of them.
class RouteTable {
  public:
    // Routes that fit; beyond it add() is false.
    static constexpr std::size_t limit_routes = 200'000;

    bool add(
        const Route& route);  // false: there already, the table is full, or the length is above 32
    bool remove(const Route& route);
    // The best route, valid until the table changes; nullptr: none.
    const Route* lookup(Ipv4Address destination) const {
        const PrefixTrie::Value found = best_.lookup(destination);
        return found == PrefixTrie::none ? nullptr : &slots_[found].route;
    }
    // Longest prefix first, then by network, then by metric, then by age; valid until the table
    // changes. The list is made when it is asked for.
    std::span<const Route> routes() const;
    std::size_t size() const { return size_; }
    std::size_t memory_bytes() const;

  private:
    using SlotIndex = std::uint32_t;
    static constexpr SlotIndex nowhere = std::numeric_limits<SlotIndex>::max();
    enum class Standing : std::uint8_t { free, best, behind };  // among those of its prefix
    struct Slot {
        Route route;
        SlotIndex next = nowhere;  // the next best of its prefix, or the next free slot
        Standing standing = Standing::free;
    };

    SlotIndex take_slot(const Route& route);

    PrefixTrie best_;  // the slot of each prefix's best route
    std::vector<Slot> slots_;
    SlotIndex first_free_ = nowhere;
    std::size_t size_ = 0;
    mutable std::vector<Route> listed_;  // what routes() shows; empty after a change
};

}  // namespace berth::ip
