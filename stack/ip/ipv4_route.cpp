// The choice of interface, next hop and source address for a destination (RFC 1122 §3.3.1, §3.3.4).
#include <algorithm>

#include "ip/ipv4.hpp"

namespace berth::ip {

Result<Path, DropReason> Ipv4::route(Ipv4Address destination, Ipv4Address source) const {
    if (is_broadcast(destination)) return broadcast_path(destination, source);
    if (destination.is_multicast()) return multicast_path(destination, source);
    // §3.2.1.3: 0/8, 127/8 and class E never go out on a link; we ourselves are not on one.
    if (!is_single_host(destination) || is_own(destination))
        return Failure{DropReason::ip_no_route};
    const Route* route = routes_.lookup(destination);
    if (route == nullptr || route->interface_index >= interfaces_.size())
        return Failure{DropReason::ip_no_route};
    const Ipv4Address next_hop = route->gateway.is_unspecified() ? destination : route->gateway;
    return path_by(*interfaces_[route->interface_index], next_hop, source);
}

// A directed broadcast leaves by its network's interface; the limited one by that of the source
// address, else by the first with an address.
Result<Path, DropReason> Ipv4::broadcast_path(Ipv4Address destination, Ipv4Address source) const {
    for (const auto& interface : interfaces_) {
        for (const Ipv4Prefix& own : interface->addresses()) {
            if (!own.has_broadcast() || own.broadcast() != destination) continue;
            return path_by(*interface, destination, source);
        }
    }
    const link::Interface* interface = interface_of(source);
    if (interface == nullptr) return Failure{DropReason::ip_no_route};
    return path_by(*interface, destination, source);
}

// RFC 1112 §6.1: by a route to the group or the default route, else as a limited broadcast would
// go. A group's members are reached on the link, whatever gateway the route names.
Result<Path, DropReason> Ipv4::multicast_path(Ipv4Address group, Ipv4Address source) const {
    const Route* route = routes_.lookup(group);
    if (source.is_unspecified() && route != nullptr &&
        route->interface_index < interfaces_.size()) {
        return path_by(*interfaces_[route->interface_index], group, source);
    }
    const link::Interface* interface = interface_of(source);
    if (interface == nullptr) return Failure{DropReason::ip_no_route};
    return path_by(*interface, group, source);
}

Result<Path, DropReason> Ipv4::path_by(const link::Interface& interface, Ipv4Address next_hop,
                                       Ipv4Address source) const {
    Path path{interface.index(), next_hop, source, interface.mtu()};
    if (!source.is_unspecified()) {
        if (!is_own(source)) return Failure{DropReason::ip_no_source};
        return path;
    }
    const auto addresses = interface.addresses();
    if (addresses.empty()) return Failure{DropReason::ip_no_source};
    // §3.3.4.3 (b): from the network that the next hop is on.
    const auto near = std::find_if(addresses.begin(), addresses.end(),
                                   [&](const Ipv4Prefix& own) { return own.contains(next_hop); });
    path.source = near != addresses.end() ? near->address : addresses.front().address;
    return path;
}

// The interface that has the address; for the unspecified one, the first with any.
const link::Interface* Ipv4::interface_of(Ipv4Address own_address) const {
    for (const auto& interface : interfaces_) {
        const bool fits = own_address.is_unspecified() ? !interface->addresses().empty()
                                                       : interface->has_address(own_address);
        if (fits) return interface.get();
    }
    return nullptr;
}

}  // namespace berth::ip
