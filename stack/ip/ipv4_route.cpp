// The choice of interface, next hop and source address for a destination (RFC 1122 §3.3.1, §3.3.4).
#include <algorithm>

#include "ip/ipv4.hpp"

namespace berth::ip {

namespace {

constexpr Ipv4Address loopback_address{127, 0, 0, 1};

}  // namespace

Result<Path, DropReason> Ipv4::route(Ipv4Address destination, Ipv4Address source,
                                     std::optional<link::InterfaceIndex> device) const {
    if (is_own(destination)) return loopback_path(destination, source);
    if (device) return device_path(*device, destination, source);
    if (is_broadcast(destination)) return broadcast_path(destination, source);
    if (destination.is_multicast()) return multicast_path(destination, source);
    // §3.2.1.3: 0/8 and class E never go out on a link.
    if (!is_single_host(destination)) return Failure{DropReason::ip_no_route};
    const Route* route = way_to(destination);
    if (route == nullptr) return Failure{DropReason::ip_no_route};
    Ipv4Address next_hop = route->gateway.is_unspecified() ? destination : route->gateway;
    if (const auto* better = redirects_.find(destination);
        better != nullptr && better->interface_index == route->interface_index) {
        next_hop = better->gateway;  // §3.3.1.2
    }
    return path_by(interfaces_.at(route->interface_index), next_hop, destination, source);
}

// The best route by an interface that is there. §3.3.1.4 and §3.3.1.5: a gateway that does not
// answer is avoided for a while where another route to the same network has one that may.
const Route* Ipv4::way_to(Ipv4Address destination) const {
    const Route* best = routes_.lookup(destination);
    if (best == nullptr || !interfaces_.has(best->interface_index)) return nullptr;
    if (!is_dead(*best)) return best;
    for (const Route& other : routes_.routes()) {
        const bool same_network = other.destination == best->destination;
        if (same_network && interfaces_.has(other.interface_index) && !is_dead(other))
            return &other;
    }
    return best;
}

bool Ipv4::is_dead(const Route& route) const {
    return !route.gateway.is_unspecified() &&
           interfaces_.at(route.interface_index).neighbours().is_failed(route.gateway, now_);
}

// §3.2.1.3 (g): what is for us never touches a link. Who names no source speaks from the address
// that it speaks to, so that both ends of the conversation are one address (as on Linux).
Result<Path, DropReason> Ipv4::loopback_path(Ipv4Address destination, Ipv4Address source) const {
    if (!source.is_unspecified() && !is_own(source)) return Failure{DropReason::ip_no_source};
    if (source.is_unspecified())
        source = destination.is_loopback() ? loopback_address : destination;
    return Path{link::Interfaces::loopback_index, destination, source, interfaces_.loopback().mtu(),
                true};
}

// By one interface, whatever the routes say; through a gateway where a route by it names one.
Result<Path, DropReason> Ipv4::device_path(link::InterfaceIndex device, Ipv4Address destination,
                                           Ipv4Address source) const {
    if (!interfaces_.has(device) || link::Interfaces::is_loopback(device))
        return Failure{DropReason::ip_no_route};
    const link::Interface& interface = interfaces_.at(device);
    if (is_group(destination)) {
        // Before it has an address a host may speak to all, and only to get one (§3.2.1.3 (a)).
        if (destination.is_limited_broadcast() && interface.addresses().empty() &&
            source.is_unspecified()) {
            return Path{device, destination, source, interface.mtu()};
        }
        return path_by(interface, destination, destination, source);
    }
    if (!is_single_host(destination)) return Failure{DropReason::ip_no_route};
    const Route* route = routes_.lookup(destination);
    const bool by_gateway =
        route != nullptr && route->interface_index == device && !route->gateway.is_unspecified();
    return path_by(interface, by_gateway ? route->gateway : destination, destination, source);
}

// A directed broadcast leaves by its network's interface; the limited one by that of the source
// address, else by the first with an address.
Result<Path, DropReason> Ipv4::broadcast_path(Ipv4Address destination, Ipv4Address source) const {
    for (const auto& interface : interfaces_) {
        for (const Ipv4Prefix& own : interface->addresses()) {
            if (!own.has_broadcast() || own.broadcast() != destination) continue;
            return path_by(*interface, destination, destination, source);
        }
    }
    const link::Interface* interface = interface_of(source);
    if (interface == nullptr) return Failure{DropReason::ip_no_route};
    return path_by(*interface, destination, destination, source);
}

// RFC 1112 §6.1: by a route to the group or the default route, else as a limited broadcast would
// go. A group's members are reached on the link, whatever gateway the route names.
Result<Path, DropReason> Ipv4::multicast_path(Ipv4Address group, Ipv4Address source) const {
    const Route* route = routes_.lookup(group);
    if (source.is_unspecified() && route != nullptr && interfaces_.has(route->interface_index))
        return path_by(interfaces_.at(route->interface_index), group, group, source);
    const link::Interface* interface = interface_of(source);
    if (interface == nullptr) return Failure{DropReason::ip_no_route};
    return path_by(*interface, group, group, source);
}

Result<Path, DropReason> Ipv4::path_by(const link::Interface& interface, Ipv4Address next_hop,
                                       Ipv4Address destination, Ipv4Address source) const {
    Path path{interface.index(), next_hop, source, interface.mtu()};
    if (const auto known = path_mtus_.find(destination)) path.mtu = std::min(path.mtu, *known);
    if (!source.is_unspecified()) {
        // 127/8 never leaves the host (§3.2.1.3 (g)).
        if (!is_own(source) || source.is_loopback()) return Failure{DropReason::ip_no_source};
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
