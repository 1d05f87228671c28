#include "host/network_reports.hpp"

#include "drivers/text.hpp"
#include "host/route_text.hpp"
#include "host/routes.hpp"

namespace berth::host {

namespace {

using drivers::concat;
using Json = nlohmann::ordered_json;

// What follows one of the request's words.
std::string_view behind(std::string_view request, std::string_view word) {
    return request.substr(static_cast<std::size_t>(word.end() - request.begin()));
}

template <class Value>
Json text_or_null(const std::optional<Value>& value) {
    return value ? Json(to_string(*value)) : Json();
}

Json routes_json(const Core& core) {
    Json rows = Json::array();
    for (const RouteRow& row : route_rows(core)) {
        rows.push_back({{"destination", to_string(row.destination)},
                        {"gateway", text_or_null(row.gateway)},
                        {"link", row.link},
                        {"source", text_or_null(row.source)},
                        {"metric", row.metric}});
    }
    return rows;
}

Json neighbours_json(const Core& core) {
    Json rows = Json::array();
    for (const NeighbourRow& row : neighbour_rows(core)) {
        rows.push_back(
            {{"address", to_string(row.address)},
             {"link", row.link},
             {"mac", text_or_null(row.mac)},
             {"state", row.state},
             {"pending_packets", row.pending_packets},
             {"used_ms", row.used_ns / 1'000'000},
             {"confirmed_ms", row.confirmed_ns ? Json(*row.confirmed_ns / 1'000'000) : Json()},
             {"probes", row.probes}});
    }
    return rows;
}

std::string_view kind_of(const ip::Ipv4& ip, Ipv4Address destination, const ip::Path& path) {
    if (path.is_loopback) return "local";
    if (destination.is_multicast()) return "multicast";
    return ip.is_broadcast(destination) ? "broadcast" : "unicast";
}

// The words behind "route get".
void answer_route_get(const Core& core, std::span<const std::string_view> words, Json& answer) {
    const bool has_source = words.size() == 3 && words[1] == "from";
    const auto destination = words.empty() ? std::nullopt : parse_ipv4_address(words.front());
    const auto source = has_source ? parse_ipv4_address(words[2]) : Ipv4Address{};
    if (!destination || !source || (words.size() != 1 && !has_source)) {
        answer["error"] =
            "'route get' takes an address, and perhaps 'from' and one of the host's own";
        return;
    }
    const ip::Ipv4& ip = core.stack().ip();
    const auto path = ip.route(*destination, *source);
    Json found{{"destination", to_string(*destination)}, {"reachable", bool{path}}};
    if (path) {
        const bool direct = path->next_hop == *destination;
        found["kind"] = kind_of(ip, *destination, *path);
        found["gateway"] = direct ? Json() : Json(to_string(path->next_hop));
        found["link"] = link_name(core, path->interface_index);
        found["source"] = to_string(path->source);
        found["mtu"] = path->mtu;
    } else {
        const bool no_source = path.error() == DropReason::ip_no_source;
        found["reason"] =
            no_source ? (has_source ? concat({to_string(*source), " is no address of this host"})
                                    : std::string("the host has no address to send from"))
                      : std::string("no route leads there");
    }
    answer["route"] = std::move(found);
}

// The words behind "route add" and "route del".
std::string change_route(Core& core, std::string_view verb, std::string_view text) {
    const auto route = parse_route(text, verb == "add");
    if (!route) return route.error();
    if (verb == "del") return remove_route(core, *route);
    std::optional<int> index;
    if (!route->device.empty()) {
        const auto found = find_link(core, route->device);
        if (!found) return found.error();
        index = *found;
    }
    const auto added = add_route(core, route->destination, route->gateway, index, route->metric);
    return added ? std::string() : added.error();
}

void answer_route(Core& core, std::string_view request, Json& answer) {
    const auto words = words_of(request);
    const CoreGuard guard(core.lock());
    if (words.size() == 1) {
        answer["routes"] = routes_json(core);
    } else if (words[1] == "get") {
        answer_route_get(core, std::span(words).subspan(2), answer);
    } else if (words[1] == "add" || words[1] == "del") {
        core.begin_call();
        const std::string problem = change_route(core, words[1], behind(request, words[1]));
        core.end_call();
        if (!problem.empty()) answer["error"] = problem;
    } else {
        answer["error"] = "unknown request; behind 'route' there are get, add and del";
    }
}

std::string change_neighbours(Core& core, NeighbourVerb verb, std::string_view text) {
    const auto wanted = parse_neighbour(text, verb);
    if (!wanted) return wanted.error();
    std::optional<int> index;
    if (!wanted->device.empty()) {
        const auto found = find_link(core, wanted->device);
        if (!found) return found.error();
        index = *found;
    } else if (core.links().size() == 1) {
        index = 0;
    }
    switch (verb) {
        case NeighbourVerb::del: return remove_neighbour(core, *wanted->address, index);
        case NeighbourVerb::flush: flush_neighbours(core, index); return {};
        case NeighbourVerb::add: break;
    }
    if (!index) return "this host has several links; say which one with 'dev LINK'";
    return add_neighbour(core, *wanted->address, *wanted->mac, *index);
}

void answer_neighbours(Core& core, std::string_view request, Json& answer) {
    const auto words = words_of(request);
    const CoreGuard guard(core.lock());
    if (words.size() == 1) {
        answer["neighbours"] = neighbours_json(core);
        return;
    }
    std::optional<NeighbourVerb> verb;
    if (words[1] == "add") verb = NeighbourVerb::add;
    if (words[1] == "del") verb = NeighbourVerb::del;
    if (words[1] == "flush") verb = NeighbourVerb::flush;
    if (!verb) {
        answer["error"] = "unknown request; behind 'neigh' there are add, del and flush";
        return;
    }
    core.begin_call();
    const std::string problem = change_neighbours(core, *verb, behind(request, words[1]));
    core.end_call();
    if (!problem.empty()) answer["error"] = problem;
}

}  // namespace

bool answer_network(Core& core, std::string_view request, Json& answer) {
    const std::string_view first = request.substr(0, request.find(' '));
    if (first == "route")
        answer_route(core, request, answer);
    else if (first == "neigh")
        answer_neighbours(core, request, answer);
    else
        return false;
    return true;
}

Json ip_json(const Core& core) {
    const ip::Ipv4& ip = core.stack().ip();
    const ip::Ipv4::Counters& counters = ip.counters();
    Json path_mtus = Json::array();
    for (const ip::PathMtuCache::Entry& entry : ip.path_mtus().entries())
        path_mtus.push_back({{"destination", to_string(entry.destination)}, {"mtu", entry.mtu}});
    return {{"forwarding", ip.config().forward},
            {"forwarded", counters.forwarded},
            {"fragmented", counters.fragmented},
            {"fragments_created", counters.fragments_created},
            {"reassembled", counters.reassembled},
            {"reassembly_bytes", ip.reassembly().bytes()},
            {"reassembly_datagrams", ip.reassembly().datagrams()},
            {"path_mtus", std::move(path_mtus)}};
}

}  // namespace berth::host
