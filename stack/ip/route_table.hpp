// The FIB: longest prefix match, then the smaller metric, then the older route (RFC 1122 §3.3.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "berth/address.hpp"
#include "link/interface.hpp"

namespace berth::ip {

struct Route {
    Ipv4Prefix destination;  // 0.0.0.0/0 is the default route; host bits do not count
    Ipv4Address gateway;     // unspecified: the destination is on the link
    link::InterfaceIndex interface_index = 0;
    std::uint32_t metric = 0;

    constexpr bool operator==(const Route&) const = default;
};

class RouteTable {
  public:
    // Routes that fit; beyond it add() is false.
    static constexpr std::size_t limit_routes = 200'000;

    bool add(
        const Route& route);  // false: there already, the table is full, or the length is above 32
    bool remove(const Route& route);
    // The best route, valid until the table changes; nullptr: none.
    const Route* lookup(Ipv4Address destination) const;
    // Longest prefix first, then by network, then by metric.
    std::span<const Route> routes() const { return routes_; }

  private:
    static constexpr std::size_t prefix_lengths = 33;

    std::vector<Route> routes_;
    // Routes of length n are the count_[n] ones that begin behind all the longer ones: one binary
    // search for each length that is in use.
    std::array<std::uint32_t, prefix_lengths> count_{};
};

}  // namespace berth::ip
