// Which associations have a source route (RFC 9293 §3.9.2.1): those whose user chose one, and
// passive ones whose peer's segments came by one. Hardly any ever does (RFC 7126 §4.3), so that it
// stands here and not with the connection.
#pragma once

#include <cstddef>
#include <map>

#include "berth/address.hpp"
#include "ip/source_route.hpp"

namespace berth::tcp {

class SourceRoutes {
  public:
    // Associations with a route; beyond it an OPEN with one fails, and a peer's is not remembered.
    static constexpr std::size_t max_routes = 1024;

    bool empty() const { return routes_.empty(); }
    // nullptr: it goes the usual way.
    const ip::SourceRoute* find(const FourTuple& four_tuple) const {
        if (empty()) return nullptr;
        const auto found = routes_.find(four_tuple);
        return found == routes_.end() ? nullptr : &found->second.route;
    }
    // The user's choice (MUST-51). False: the bound is reached.
    bool choose(const FourTuple& four_tuple, const ip::SourceRoute& route) {
        return set(four_tuple, {route, true});
    }
    // The way back of a segment that arrived (MUST-53): the latest counts (SHLD-24), but never
    // against the user's choice (MUST-52).
    void remember(const FourTuple& four_tuple, const ip::SourceRoute& route) {
        const auto found = routes_.find(four_tuple);
        if (found == routes_.end() || !found->second.chosen) set(four_tuple, {route, false});
    }
    void forget(const FourTuple& four_tuple) {
        if (!empty()) routes_.erase(four_tuple);
    }

  private:
    struct Entry {
        ip::SourceRoute route;
        bool chosen = false;  // by our user, not by the peer
    };
    bool set(const FourTuple& four_tuple, const Entry& entry) {
        if (routes_.size() >= max_routes && routes_.count(four_tuple) == 0) return false;
        routes_.insert_or_assign(four_tuple, entry);
        return true;
    }

    std::map<FourTuple, Entry> routes_;
};

}  // namespace berth::tcp
