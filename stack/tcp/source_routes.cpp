// RFC 9293 §3.9.2.1: segments that go by the routers that somebody has named.
#include "tcp/source_routes.hpp"

#include "tcp/tcp.hpp"

namespace berth::tcp {

Ipv4Address Tcp::first_hop(const FourTuple& four_tuple) const {
    const ip::SourceRoute* route = source_routes_.find(four_tuple);
    const Ipv4Address destination = four_tuple.remote.address;
    return route == nullptr ? destination : route->first_hop(destination);
}

std::size_t Tcp::ip_option_bytes(const FourTuple& four_tuple) const {
    const ip::SourceRoute* route = source_routes_.find(four_tuple);
    return route == nullptr ? 0 : route->option_bytes();
}

// The checksum of TCP knows the final destination only, so that nothing else of a segment changes.
void Tcp::address(ip::SendFields& fields, const FourTuple& four_tuple, RouteOption& room) const {
    fields.source = four_tuple.local.address;
    fields.destination = four_tuple.remote.address;
    const ip::SourceRoute* route = source_routes_.find(four_tuple);
    if (route == nullptr) return;
    fields.options = Bytes(room).first(route->write(fields.destination, room));
    fields.destination = route->first_hop(fields.destination);
}

// A call for a listener: its user's choice, else the way by which the call came.
void Tcp::note_route(const Listener& listener, const FourTuple& four_tuple,
                     const ip::SourceRoute* way_back) {
    if (!listener.options.source_route.empty())
        source_routes_.choose(four_tuple, listener.options.source_route);
    else if (way_back != nullptr)
        source_routes_.remember(four_tuple, *way_back);
}

// A later segment came another way (SHLD-24): what follows goes back by it, in segments that fit.
void Tcp::change_route(Connection& connection, const ip::SourceRoute& way_back) {
    if (!connection.passive_ || connection.is_over()) return;
    source_routes_.remember(connection.four_tuple, way_back);
    reroute(connection);
    connection.follow_path_mtu();
}

}  // namespace berth::tcp
