// berth drops: what a running host threw away, by reason.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/berth/command.hpp"
#include "apps/berth/running_host.hpp"
#include "apps/berth/terminal_text.hpp"

namespace berth::app {
namespace {

void run_drops(const QueryArguments& arguments) {
    nlohmann::ordered_json document;
    const auto rows = ask_rows(arguments, "drops", document);
    if (arguments.json) {
        fmt::print("{}\n", json_text(document));
        return;
    }
    if (rows.empty()) {
        fmt::print("Nothing was dropped.\n");
        return;
    }
    const auto text = [](const nlohmann::ordered_json& row, const char* key) {
        return escaped_line(row.at(key).get<std::string>());
    };
    std::size_t layer_width = 5, name_width = 6;
    for (const auto& row : rows) {
        layer_width = std::max(layer_width, text(row, "layer").size());
        name_width = std::max(name_width, text(row, "name").size());
    }
    fmt::print("{:>10} {:<{}} {:<{}} {}\n", "Count", "Layer", layer_width, "Reason", name_width,
               "Meaning");
    for (const auto& row : rows) {
        const auto clause = text(row, "clause");
        fmt::print("{:>10} {:<{}} {:<{}} {}{}\n", row.at("count").get<std::uint64_t>(),
                   text(row, "layer"), layer_width, text(row, "name"), name_width,
                   text(row, "sentence"), clause.empty() ? "" : " (" + clause + ")");
    }
}

}  // namespace

void register_drops(CLI::App& tool, int&) {
    auto* command =
        tool.add_subcommand("drops", "Show what a running host dropped, and why, most first");
    auto arguments = std::make_shared<QueryArguments>();
    arguments->add_to(*command);
    command->footer(
        "Every packet that a host receives has one fate; the dropped ones are counted by reason.\n"
        "Examples:\n  berth drops\n  berth drops --json --host lab1");
    command->callback([arguments] { run_drops(*arguments); });
}

}  // namespace berth::app
