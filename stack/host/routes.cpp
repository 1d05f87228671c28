#include "host/routes.hpp"

#include <algorithm>

#include "drivers/text.hpp"

namespace berth::host {

namespace {

using drivers::concat;

// The address that packets by this route are sent from, where the route itself says so: that of the
// network that it leads to.
std::optional<Ipv4Address> source_of(const link::Interface& interface, const ip::Route& route) {
    if (!route.gateway.is_unspecified()) return std::nullopt;
    for (const Ipv4Prefix& own : interface.addresses())
        if (own.network() == route.destination.address && own.length == route.destination.length)
            return own.address;
    return std::nullopt;
}

}  // namespace

std::string link_name(const Core& core, link::InterfaceIndex index) {
    if (link::Interfaces::is_loopback(index)) return "lo";
    return std::string(short_link_name(core.stack().interface_at(index).name()));
}

Result<int, std::string> find_link(const Core& core, std::string_view name) {
    std::vector<std::string_view> known;
    for (const Core::Link& link : core.links()) {
        if (link.name == name || short_link_name(link.name) == name)
            return static_cast<int>(known.size());
        known.push_back(short_link_name(link.name));
    }
    return Failure{concat({"this host has no link '", name, "'; it has ",
                           known.empty() ? std::string("none") : drivers::list_of(known)})};
}

Result<int, std::string> add_route(Core& core, Ipv4Prefix destination,
                                   std::optional<Ipv4Address> gateway,
                                   std::optional<int> interface_index, std::uint32_t metric) {
    const std::string shown = concat({"route to ", to_string(destination)});
    if (!gateway && !interface_index)
        return Failure{concat({"the ", shown, " needs a gateway or an interface"})};
    int index = interface_index.value_or(-1);
    for (std::size_t i = 0; gateway && index < 0 && i < core.links().size(); ++i) {
        const auto at = static_cast<link::InterfaceIndex>(i);
        for (const Ipv4Prefix& own : core.stack().interface_at(at).addresses())
            if (own.contains(*gateway)) index = static_cast<int>(i);
    }
    if (index < 0) {
        return Failure{concat({"the gateway ", to_string(*gateway),
                               " is on no network of this host; give "
                               "the host an address on the gateway's network first"})};
    }
    if (gateway && core.stack().ip().is_own(*gateway))
        return Failure{concat({"the gateway ", to_string(*gateway), " is this host itself"})};
    ip::Route route;
    route.destination = {destination.network(), destination.length};
    route.gateway = gateway.value_or(Ipv4Address{});
    route.interface_index = static_cast<link::InterfaceIndex>(index);
    route.metric = metric;
    if (core.stack().add_route(route)) return index;
    if (core.stack().ip().routes().routes().size() >= ip::RouteTable::limit_routes)
        return Failure{concat({"the route table is full; the ", shown, " is not in it"})};
    return Failure{concat({"the ", shown, " is there already"})};
}

std::string remove_route(Core& core, const RouteText& text) {
    std::optional<int> index;
    if (!text.device.empty()) {
        const auto found = find_link(core, text.device);
        if (!found) return found.error();
        index = *found;
    }
    ip::RouteTable& table = core.stack().ip().routes();
    for (const ip::Route& route : table.routes()) {
        const bool fits = route.destination == text.destination && route.metric == text.metric &&
                          (!text.gateway || route.gateway == *text.gateway) &&
                          (!index || route.interface_index == static_cast<unsigned>(*index));
        if (!fits) continue;
        const ip::Route found = route;  // the table changes under its own element
        table.remove(found);
        return {};
    }
    return concat({"there is no such route to ", to_string(text.destination),
                   "; 'berth route' shows those that there are"});
}

std::string add_neighbour(Core& core, Ipv4Address address, MacAddress mac, int interface_index) {
    link::Interface& interface =
        core.stack().interface_at(static_cast<link::InterfaceIndex>(interface_index));
    if (interface.add_permanent_neighbour(address, mac, core.now())) return {};
    return concat({to_string(address), " with ", to_string(mac), " cannot be a neighbour on ",
                   short_link_name(interface.name()),
                   ": one of them is no station's address, the link is no Ethernet, or all entries "
                   "are permanent"});
}

std::string remove_neighbour(Core& core, Ipv4Address address, std::optional<int> interface_index) {
    bool removed = false;
    for (std::size_t i = 0; i < core.links().size(); ++i) {
        if (interface_index && *interface_index != static_cast<int>(i)) continue;
        link::Interface& interface =
            core.stack().interface_at(static_cast<link::InterfaceIndex>(i));
        removed = interface.remove_neighbour(address, core.now()) || removed;
    }
    if (removed) return {};
    return concat({to_string(address), " is not known there; 'berth neigh' shows who is"});
}

void flush_neighbours(Core& core, std::optional<int> interface_index) {
    for (std::size_t i = 0; i < core.links().size(); ++i)
        if (!interface_index || *interface_index == static_cast<int>(i))
            core.stack()
                .interface_at(static_cast<link::InterfaceIndex>(i))
                .flush_neighbours(core.now());
}

std::vector<RouteRow> route_rows(const Core& core) {
    std::vector<RouteRow> rows;
    for (const ip::Route& route : core.stack().ip().routes().routes()) {
        const link::Interface& interface = core.stack().interface_at(route.interface_index);
        RouteRow row;
        row.destination = route.destination;
        if (!route.gateway.is_unspecified()) row.gateway = route.gateway;
        row.interface_index = static_cast<int>(route.interface_index);
        row.link = link_name(core, route.interface_index);
        row.metric = route.metric;
        row.source = source_of(interface, route);
        rows.push_back(std::move(row));
    }
    // As ip(8) shows them: the default route first.
    std::reverse(rows.begin(), rows.end());
    std::stable_sort(rows.begin(), rows.end(), [](const RouteRow& a, const RouteRow& b) {
        return std::tuple(a.destination, a.metric) < std::tuple(b.destination, b.metric);
    });
    return rows;
}

std::vector<NeighbourRow> neighbour_rows(const Core& core) {
    std::vector<NeighbourRow> rows;
    const Time now = core.now();
    for (std::size_t i = 0; i < core.links().size(); ++i) {
        const auto index = static_cast<link::InterfaceIndex>(i);
        core.stack().interface_at(index).neighbours().for_each(
            now, [&](const link::NeighbourCache::Neighbour& neighbour) {
                NeighbourRow row;
                row.address = neighbour.address;
                row.interface_index = static_cast<int>(i);
                row.link = link_name(core, index);
                if (!neighbour.mac.is_zero()) row.mac = neighbour.mac;
                row.state = link::name_of(neighbour.state);
                row.pending_packets = neighbour.pending_packets;
                row.used_ns = (now - neighbour.last_used).ns;
                row.probes = neighbour.probes;
                if (!neighbour.last_confirmed.is_never())
                    row.confirmed_ns = (now - neighbour.last_confirmed).ns;
                rows.push_back(std::move(row));
            });
    }
    return rows;
}

}  // namespace berth::host
