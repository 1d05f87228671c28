// Routes and neighbours of a host, as users see and change them. All with the core lock held.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "berth/host.hpp"
#include "host/core.hpp"
#include "host/route_text.hpp"

namespace berth::host {

// The name that links bear in tables: without options, and "lo" for the loopback interface.
std::string link_name(const Core& core, link::InterfaceIndex index);
// The link of that name, whole or short. The error is a sentence.
Result<int, std::string> find_link(const Core& core, std::string_view name);

// The interface's index, or a sentence.
Result<int, std::string> add_route(Core& core, Ipv4Prefix destination,
                                   std::optional<Ipv4Address> gateway,
                                   std::optional<int> interface_index, std::uint32_t metric);
// Empty, or a sentence. What the text does not say need not agree.
std::string remove_route(Core& core, const RouteText& text);

// Empty, or a sentence. Without an interface: on all of them.
std::string add_neighbour(Core& core, Ipv4Address address, MacAddress mac, int interface_index);
std::string remove_neighbour(Core& core, Ipv4Address address, std::optional<int> interface_index);
void flush_neighbours(Core& core, std::optional<int> interface_index);

std::vector<RouteRow> route_rows(const Core& core);
std::vector<NeighbourRow> neighbour_rows(const Core& core);

}  // namespace berth::host
