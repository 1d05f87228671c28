// Which redirects are believed (RFC 1122 §3.2.2.2), when any are.
#include "ip/ipv4.hpp"

namespace berth::ip {

DropReason Ipv4::redirect(Ipv4Address destination, Ipv4Address gateway, Ipv4Address reporter,
                          link::InterfaceIndex interface_index, Time now) {
    constexpr DropReason refused = DropReason::icmp_redirect_refused;
    if (!config_.accept_redirects) return DropReason::icmp_error_ignored;
    if (config_.forward) return refused;  // RFC 1812 §5.2.7.2: a router has routes of its own
    // From the first hop that is in use for that destination, and by the interface that leads
    // there.
    const auto path = route(destination);
    if (!path || path->is_loopback || path->interface_index != interface_index ||
        path->next_hop != reporter || path->next_hop == destination)
        return refused;
    // To a host on the same network, which we are not.
    if (is_own(gateway) || !is_single_host(gateway) || gateway == reporter) return refused;
    bool is_near = false;
    for (const Ipv4Prefix& own : interfaces_.at(interface_index).addresses())
        is_near = is_near || (own.contains(gateway) && own.contains(reporter));
    if (!is_near) return refused;
    redirects_.learn(destination, gateway, interface_index, now);
    return DropReason::none;
}

}  // namespace berth::ip
