// The tables that berth's is compared with: the same answers by simpler means.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "ip/route_table.hpp"

namespace berth::bench {

// One sorted array, and one binary search for each prefix length in use: what berth began with.
class BinarySearch {
  public:
    void add(const ip::Route& route) {
        const auto at = std::lower_bound(routes_.begin(), routes_.end(), route, before);
        routes_.insert(at, route);
        ++count_[route.destination.length];
    }
    void remove(const ip::Route& route) {
        routes_.erase(std::lower_bound(routes_.begin(), routes_.end(), route, before));
        --count_[route.destination.length];
    }
    const ip::Route* lookup(Ipv4Address destination) const {
        const ip::Route* begin = routes_.data();
        for (std::size_t i = 0; i < count_.size(); ++i) {
            const std::size_t length = count_.size() - 1 - i;
            const ip::Route* end = begin + count_[length];
            if (begin != end) {
                const Ipv4Address network =
                    Ipv4Prefix{destination, static_cast<std::uint8_t>(length)}.network();
                const ip::Route* found = std::lower_bound(
                    begin, end, network, [](const ip::Route& route, Ipv4Address wanted) {
                        return route.destination.address < wanted;
                    });
                if (found != end && found->destination.address == network) return found;
            }
            begin = end;
        }
        return nullptr;
    }

  private:
    static bool before(const ip::Route& a, const ip::Route& b) {
        if (a.destination.length != b.destination.length)
            return a.destination.length > b.destination.length;
        return a.destination.address < b.destination.address;
    }

    std::vector<ip::Route> routes_;
    std::array<std::uint32_t, 33> count_{};
};

// A balanced tree for each prefix length.
class StdMap {
  public:
    void add(const ip::Route& route) {
        by_length_[route.destination.length].emplace(route.destination.address, route);
    }
    void remove(const ip::Route& route) {
        by_length_[route.destination.length].erase(route.destination.address);
    }
    const ip::Route* lookup(Ipv4Address destination) const {
        for (std::size_t i = 0; i < by_length_.size(); ++i) {
            const std::size_t length = by_length_.size() - 1 - i;
            const auto& routes = by_length_[length];
            if (routes.empty()) continue;
            const auto found =
                routes.find(Ipv4Prefix{destination, static_cast<std::uint8_t>(length)}.network());
            if (found != routes.end()) return &found->second;
        }
        return nullptr;
    }

  private:
    std::array<std::map<Ipv4Address, ip::Route>, 33> by_length_;
};

}  // namespace berth::bench
