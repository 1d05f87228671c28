#include "ip/route_table.hpp"

#include <algorithm>
#include <tuple>

namespace berth::ip {

namespace {

auto order_of(const Route& route) {
    return std::make_tuple(32 - route.destination.length, route.destination.address, route.metric);
}

Route normalised(const Route& route) {
    Route result = route;
    result.destination.address = route.destination.network();
    return result;
}

bool before(const Route& a, const Route& b) {
    return order_of(a) < order_of(b);
}

}  // namespace

bool RouteTable::add(const Route& route) {
    if (route.destination.length > 32 || routes_.size() >= limit_routes) return false;
    const Route added = normalised(route);
    const auto [first, last] = std::equal_range(routes_.begin(), routes_.end(), added, before);
    if (std::find(first, last, added) != last) return false;
    routes_.insert(last, added);
    ++count_[added.destination.length];
    return true;
}

bool RouteTable::remove(const Route& route) {
    if (route.destination.length > 32) return false;
    const Route removed = normalised(route);
    const auto [first, last] = std::equal_range(routes_.begin(), routes_.end(), removed, before);
    const auto found = std::find(first, last, removed);
    if (found == last) return false;
    routes_.erase(found);
    --count_[removed.destination.length];
    return true;
}

const Route* RouteTable::lookup(Ipv4Address destination) const {
    const Route* begin = routes_.data();
    for (std::size_t i = 0; i < prefix_lengths; ++i) {
        const std::size_t length = prefix_lengths - 1 - i;
        const Route* end = begin + count_[length];
        if (begin != end) {
            const Ipv4Address network =
                Ipv4Prefix{destination, static_cast<std::uint8_t>(length)}.network();
            const Route* found =
                std::lower_bound(begin, end, network, [](const Route& route, Ipv4Address wanted) {
                    return route.destination.address < wanted;
                });
            if (found != end && found->destination.address == network) return found;
        }
        begin = end;
    }
    return nullptr;
}

}  // namespace berth::ip
