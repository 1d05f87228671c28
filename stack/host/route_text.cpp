#include "host/route_text.hpp"

#include <charconv>

#include "drivers/text.hpp"

namespace berth::host {

namespace {

using drivers::concat;

Failure<std::string> wrong(std::string_view text, std::string_view why) {
    return Failure{
        concat({"route '", text, "': ", why,
                "; write it like '198.51.100.0/24 via 192.0.2.1', 'default via 192.0.2.1' or "
                "'203.0.113.0/24 dev tap:tap0 metric 10'"})};
}

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t end = text.find(' ');
        if (end != 0) words.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

Result<RouteText, std::string> parse_route(std::string_view text, bool to_be_added) {
    const auto words = words_of(text);
    if (words.empty()) return wrong(text, "it names no destination");
    RouteText route;
    const auto prefix = parse_ipv4_prefix(words.front() == "default" ? std::string_view("0.0.0.0/0")
                                                                     : words.front());
    if (!prefix) return wrong(text, concat({"'", words.front(), "' is no network"}));
    if (prefix->address != prefix->network())
        return wrong(text, concat({"'", words.front(), "' has bits beyond its length"}));
    route.destination = *prefix;
    for (std::size_t at = 1; at < words.size(); at += 2) {
        const std::string_view word = words[at];
        if (at + 1 == words.size()) return wrong(text, concat({"'", word, "' lacks its value"}));
        const std::string_view value = words[at + 1];
        if (word == "via") {
            route.gateway = parse_ipv4_address(value);
            if (!route.gateway) return wrong(text, concat({"'", value, "' is no address"}));
        } else if (word == "dev") {
            route.device = value;
        } else if (word == "metric") {
            const auto metric = number_of(value);
            if (!metric) return wrong(text, concat({"'", value, "' is no metric"}));
            route.metric = *metric;
        } else {
            return wrong(text, concat({"'", word, "' is none of via, dev and metric"}));
        }
    }
    if (to_be_added && !route.gateway && route.device.empty())
        return wrong(text, "it has neither a gateway nor a link");
    return route;
}

Result<NeighbourText, std::string> parse_neighbour(std::string_view text, NeighbourVerb verb) {
    const auto wrong_because = [text](std::initializer_list<std::string_view> why) {
        return Failure{concat({"neighbour '", text, "': ", concat(why),
                               "; write it like '192.0.2.1 lladdr 02:00:00:00:00:01 dev "
                               "tap:tap0'"})};
    };
    auto words = words_of(text);
    NeighbourText neighbour;
    if (verb != NeighbourVerb::flush) {
        if (words.empty()) return wrong_because({"it names nobody"});
        neighbour.address = parse_ipv4_address(words.front());
        if (!neighbour.address) return wrong_because({"'", words.front(), "' is no address"});
        words.erase(words.begin());
    }
    for (std::size_t at = 0; at < words.size(); at += 2) {
        const std::string_view word = words[at];
        if (at + 1 == words.size()) return wrong_because({"'", word, "' lacks its value"});
        const std::string_view value = words[at + 1];
        if (word == "dev") {
            neighbour.device = value;
        } else if (word == "lladdr" && verb == NeighbourVerb::add) {
            neighbour.mac = parse_mac_address(value);
            if (!neighbour.mac) return wrong_because({"'", value, "' is no hardware address"});
        } else {
            return wrong_because({"'", word, "' has no place here"});
        }
    }
    if (verb == NeighbourVerb::add && !neighbour.mac)
        return wrong_because({"its hardware address is missing"});
    return neighbour;
}

std::string_view short_link_name(std::string_view url) {
    return url.substr(0, url.find(','));
}

}  // namespace berth::host
