// berth neigh: the neighbours of a running host, as `ip neigh` shows the kernel's.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/berth/command.hpp"
#include "apps/berth/running_host.hpp"
#include "apps/berth/terminal_text.hpp"
#include "host/route_text.hpp"

namespace berth::app {
namespace {

using json = nlohmann::ordered_json;

struct NeighArguments {
    QueryArguments query;
    bool statistics = false;
    std::vector<std::string> words;
};

// As `ip -s neigh`: seconds since it was used, since it answered.
std::string statistics_of(const json& row) {
    const auto seconds = [&](const char* key) {
        return row.at(key).is_null() ? std::string("-")
                                     : std::to_string(row.at(key).get<std::int64_t>() / 1000);
    };
    return fmt::format(" used {}/{} probes {} pending {}", seconds("used_ms"),
                       seconds("confirmed_ms"), row.at("probes").get<std::uint64_t>(),
                       row.at("pending_packets").get<std::uint64_t>());
}

void print_neighbour(const json& row, bool statistics) {
    const auto text = [&](const char* key) { return escaped_line(row.at(key).get<std::string>()); };
    std::string line = fmt::format("{} dev {}", text("address"), text("link"));
    if (!row.at("mac").is_null()) line += " lladdr " + text("mac");
    if (statistics) line += statistics_of(row);
    fmt::print("{} {}\n", line, text("state"));
}

void show_neighbours(const NeighArguments& arguments) {
    json document;
    const auto rows = ask_rows(arguments.query, "neigh", document);
    if (arguments.query.json) fmt::print("{}\n", json_text(document));
    if (!arguments.query.json)
        for (const auto& row : rows)
            print_neighbour(row, arguments.statistics);
}

void change_neighbours(const NeighArguments& arguments, host::NeighbourVerb verb) {
    std::string text;
    for (std::size_t i = 1; i < arguments.words.size(); ++i)
        text += (i > 1 ? " " : "") + arguments.words[i];
    if (const auto parsed = host::parse_neighbour(text, verb); !parsed)
        throw UsageError(parsed.error());
    const json answer = ask(arguments.query, "neigh " + arguments.words.front() + ' ' + text);
    if (arguments.query.json) fmt::print("{}\n", json_text(answer));
}

void run_neigh(const NeighArguments& arguments) {
    using host::NeighbourVerb;
    const auto& words = arguments.words;
    if (words.empty() || (words.size() == 1 && words.front() == "show"))
        return show_neighbours(arguments);
    if (words.front() == "add") return change_neighbours(arguments, NeighbourVerb::add);
    if (words.front() == "del") return change_neighbours(arguments, NeighbourVerb::del);
    if (words.front() == "flush") return change_neighbours(arguments, NeighbourVerb::flush);
    throw UsageError("behind 'neigh' there are show, add, del and flush");
}

}  // namespace

void register_neigh(CLI::App& tool, int&) {
    auto* command = tool.add_subcommand(
        "neigh", "Show or change the neighbours of a running host: who has which hardware address");
    auto arguments = std::make_shared<NeighArguments>();
    command
        ->add_option("words", arguments->words,
                     "show; add ADDRESS lladdr MAC [dev LINK]; del ADDRESS [dev LINK]; flush "
                     "[dev LINK]")
        ->option_text("[show|add|del|flush …]")
        ->expected(0, -1);
    command->add_flag("-s,--statistics", arguments->statistics,
                      "Seconds since it was used and since it answered, requests since then, and "
                      "packets that wait for it");
    arguments->query.add_to(*command);
    command->footer(
        "INCOMPLETE: asked, not answered yet. REACHABLE: answered not long ago. STALE: not\n"
        "confirmed lately. DELAY, PROBE: in use and about to be asked, being asked. FAILED: did\n"
        "not answer. PERMANENT: added by hand.\n"
        "Examples:\n"
        "  berth neigh\n"
        "  berth neigh -s --host lab1\n"
        "  berth neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev tap:tap0");
    command->callback([arguments] { run_neigh(*arguments); });
}

}  // namespace berth::app
