// berth route: the routes of a running host, as `ip route` shows and changes the kernel's.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/berth/command.hpp"
#include "apps/berth/running_host.hpp"
#include "apps/berth/terminal_text.hpp"
#include "berth/address.hpp"
#include "host/route_text.hpp"

namespace berth::app {
namespace {

using json = nlohmann::ordered_json;

struct RouteArguments {
    QueryArguments query;
    std::vector<std::string> words;
};

std::string text(const json& row, const char* key) {
    return escaped_line(row.at(key).get<std::string>());
}

// " via 192.0.2.1", or nothing where the value is null.
std::string clause(const char* word, const json& row, const char* key) {
    return row.at(key).is_null() ? std::string() : fmt::format(" {} {}", word, text(row, key));
}

void print_route(const json& row) {
    const std::string destination = text(row, "destination");
    std::string line = destination == "0.0.0.0/0" ? "default" : destination;
    line += clause("via", row, "gateway") + clause("dev", row, "link");
    if (row.at("gateway").is_null()) line += " scope link";
    line += clause("src", row, "source");
    if (const auto metric = row.at("metric").get<std::uint64_t>(); metric != 0)
        line += fmt::format(" metric {}", metric);
    fmt::print("{}\n", line);
}

int print_path(const json& path) {
    if (!path.at("reachable").get<bool>())
        throw Failure(fmt::format("{} cannot be reached: {}", text(path, "destination"),
                                  text(path, "reason")));
    const std::string kind = text(path, "kind");
    std::string line = kind == "unicast" ? "" : kind + ' ';
    line += text(path, "destination") + clause("via", path, "gateway") +
            clause("dev", path, "link") + clause("src", path, "source");
    if (kind != "local") line += fmt::format(" mtu {}", path.at("mtu").get<unsigned>());
    fmt::print("{}\n", line);
    return exit_done;
}

int get_route(const RouteArguments& arguments, const std::string& request) {
    const auto& words = arguments.words;
    const bool has_source = words.size() == 4 && words[2] == "from";
    if (words.size() != 2 && !has_source)
        throw UsageError("write 'berth route get ADDRESS', perhaps with 'from ADDRESS' behind it");
    for (std::size_t i = 1; i < words.size(); i += 2)
        if (!parse_ipv4_address(words[i]))
            throw UsageError(
                fmt::format("'{}' is not an IPv4 address; write it like 192.0.2.1", words[i]));
    const json answer = ask(arguments.query, request);
    const json& path = answer.at("route");
    if (!arguments.query.json) return print_path(path);
    fmt::print("{}\n", json_text(answer));
    return path.at("reachable").get<bool>() ? exit_done : exit_failed;
}

int change_route(const RouteArguments& arguments, const std::string& request) {
    std::string route;
    for (std::size_t i = 1; i < arguments.words.size(); ++i)
        route += (i > 1 ? " " : "") + arguments.words[i];
    const auto parsed = host::parse_route(route, arguments.words.front() == "add");
    if (!parsed) throw UsageError(parsed.error());
    const json answer = ask(arguments.query, request);
    if (arguments.query.json) fmt::print("{}\n", json_text(answer));
    return exit_done;
}

int show_routes(const QueryArguments& query) {
    json document;
    const auto rows = ask_rows(query, "route", document);
    if (query.json) fmt::print("{}\n", json_text(document));
    if (!query.json)
        for (const auto& row : rows)
            print_route(row);
    return exit_done;
}

int run_route(const RouteArguments& arguments) {
    const auto& words = arguments.words;
    const std::string verb = words.empty() ? "show" : words.front();
    if (verb == "show" && words.size() <= 1) return show_routes(arguments.query);
    std::string request = "route";
    for (const auto& word : words) {
        if (word.find_first_of("\n\r") != std::string::npos)
            throw UsageError("a route is one line");
        request += ' ' + word;
    }
    if (verb == "get") return get_route(arguments, request);
    if (verb == "add" || verb == "del") return change_route(arguments, request);
    throw UsageError("behind 'route' there are show, get, add and del");
}

}  // namespace

void register_route(CLI::App& tool, int& exit_code) {
    auto* command = tool.add_subcommand(
        "route", "Show or change the routes of a running host, or ask where a packet would go");
    auto arguments = std::make_shared<RouteArguments>();
    command
        ->add_option("words", arguments->words,
                     "show; get ADDRESS [from ADDRESS]; add|del PREFIX [via GATEWAY] [dev LINK] "
                     "[metric N]")
        ->option_text("[show|get|add|del …]")
        ->expected(0, -1);
    arguments->query.add_to(*command);
    command->footer(
        "'get' says what the host would do with a packet: the link, the gateway, the local\n"
        "address, and the MTU as far as the path is known. Exit code 1: there is no way.\n"
        "Examples:\n"
        "  berth route\n"
        "  berth route get 198.51.100.7\n"
        "  berth route add 198.51.100.0/24 via 192.0.2.1\n"
        "  berth route del 198.51.100.0/24 --host lab1");
    command->callback([arguments, &exit_code] { exit_code = run_route(*arguments); });
}

}  // namespace berth::app
