// berth neigh: the neighbours of a running host, as `ip neigh` shows the kernel's.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/berth/command.hpp"
#include "apps/berth/running_host.hpp"
#include "apps/berth/terminal_text.hpp"

namespace berth::app {
namespace {

struct NeighArguments {
    QueryArguments query;
    bool statistics = false;
    std::vector<std::string> words;
};

void print_neighbour(const nlohmann::ordered_json& row, bool statistics) {
    const auto text = [&](const char* key) { return escaped_line(row.at(key).get<std::string>()); };
    std::string line = fmt::format("{} dev {}", text("address"), text("link"));
    if (!row.at("mac").is_null()) line += " lladdr " + text("mac");
    if (statistics)
        line += fmt::format(" used {:.1f}s pending {}",
                            static_cast<double>(row.at("used_ms").get<std::int64_t>()) / 1e3,
                            row.at("pending_packets").get<std::uint64_t>());
    fmt::print("{} {}\n", line, text("state"));
}

void run_neigh(const NeighArguments& arguments) {
    if (arguments.words.size() > 1 || (!arguments.words.empty() && arguments.words[0] != "show"))
        throw UsageError("behind 'neigh' there is only 'show', or nothing");
    nlohmann::ordered_json document;
    const auto rows = ask_rows(arguments.query, "neigh", document);
    if (arguments.query.json) {
        fmt::print("{}\n", json_text(document));
        return;
    }
    for (const auto& row : rows)
        print_neighbour(row, arguments.statistics);
}

}  // namespace

void register_neigh(CLI::App& tool, int&) {
    auto* command = tool.add_subcommand(
        "neigh", "Show the neighbours of a running host: who has which hardware address");
    auto arguments = std::make_shared<NeighArguments>();
    command->add_option("words", arguments->words, "show")->option_text("[show]")->expected(0, -1);
    command->add_flag("-s,--statistics", arguments->statistics,
                      "When it was last used, and how many packets wait for it");
    arguments->query.add_to(*command);
    command->footer(
        "INCOMPLETE: asked, not answered yet. REACHABLE: answered not long ago. STALE: not\n"
        "confirmed lately. DELAY, PROBE: in use and about to be asked, being asked. FAILED: did\n"
        "not answer.\n"
        "Examples:\n  berth neigh\n  berth neigh -s --host lab1");
    command->callback([arguments] { run_neigh(*arguments); });
}

}  // namespace berth::app
