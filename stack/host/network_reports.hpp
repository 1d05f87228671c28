// What a host says of its network over its control socket: routes, neighbours, what IP has done.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "host/core.hpp"

namespace berth::host {

// Requests that begin with "route" or "neigh": filled in, or an "error" set. False: neither of
// them. Lock not held.
//
//     route                               every route
//     route get ADDRESS [from ADDRESS]    what would be done with a packet
//     route add|del PREFIX [via GATEWAY] [dev LINK] [metric N]
//     neigh                               every neighbour
//     neigh add ADDRESS lladdr MAC [dev LINK] | del ADDRESS [dev LINK] | flush [dev LINK]
bool answer_network(Core& core, std::string_view request, nlohmann::ordered_json& answer);

// For "info"; lock held.
nlohmann::ordered_json ip_json(const Core& core);

}  // namespace berth::host
