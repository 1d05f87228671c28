// A route in the words of ip(8): "198.51.100.0/24 via 192.0.2.1 dev tap:tap0 metric 10".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::host {

struct RouteText {
    Ipv4Prefix destination;  // "default" is 0.0.0.0/0
    std::optional<Ipv4Address> gateway{};
    std::string device{};  // a link's name, not looked up; empty: not said
    std::uint32_t metric = 0;
};

// What lies between spaces.
std::vector<std::string_view> words_of(std::string_view text);

// The error is a sentence that says what would be right. A route that is to be added needs a
// gateway or a link; one that is to be found needs neither.
Result<RouteText, std::string> parse_route(std::string_view text, bool to_be_added = true);

// A neighbour, likewise: "192.0.2.1 lladdr 02:00:00:00:00:01 dev tap:tap0".
struct NeighbourText {
    std::optional<Ipv4Address> address{};
    std::optional<MacAddress> mac{};
    std::string device{};
};
enum class NeighbourVerb : std::uint8_t { add, del, flush };
// add needs all three (a host with one link does without the device), del the address, flush none.
Result<NeighbourText, std::string> parse_neighbour(std::string_view text, NeighbourVerb verb);

// A link's name without the options behind it: "unix:/tmp/lab.sock,listen" is at
// unix:/tmp/lab.sock.
std::string_view short_link_name(std::string_view url);

}  // namespace berth::host
