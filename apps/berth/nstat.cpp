// berth nstat: what a running host has counted, as `nstat -az` shows the kernel's counters.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/berth/command.hpp"
#include "apps/berth/name_pattern.hpp"
#include "apps/berth/running_host.hpp"
#include "apps/berth/terminal_text.hpp"

namespace berth::app {
namespace {

struct NstatArguments {
    QueryArguments query;
    std::vector<std::string> patterns;
    bool zeros = false;
    bool absolute = false;
};

void run_nstat(const NstatArguments& arguments) {
    nlohmann::ordered_json document;
    auto wanted = nlohmann::ordered_json::array();
    bool known = arguments.patterns.empty();
    for (const auto& row : ask_rows(arguments.query, "nstat", document)) {
        if (!is_wanted(row.at("name").get<std::string>(), arguments.patterns)) continue;
        known = true;
        if (arguments.zeros || row.at("value").get<std::uint64_t>() != 0) wanted.push_back(row);
    }
    if (!known)
        throw Failure(fmt::format("no counter is called '{}'; 'berth nstat -z' lists them all",
                                  fmt::join(arguments.patterns, "' or '")));
    if (arguments.query.json) {
        document["counters"] = std::move(wanted);
        fmt::print("{}\n", json_text(document));
        return;
    }
    fmt::print("#{}\n", escaped_line(document.at("host").get<std::string>()));
    for (const auto& row : wanted)
        fmt::print("{:<32}{}\n", escaped_line(row.at("name").get<std::string>()),
                   row.at("value").get<std::uint64_t>());
}

}  // namespace

void register_nstat(CLI::App& tool, int&) {
    auto* command = tool.add_subcommand("nstat", "Show what a running host has counted");
    auto arguments = std::make_shared<NstatArguments>();
    command->add_option("PATTERN", arguments->patterns,
                        "Only counters of such a name: Tcp*, *Drops");
    command->add_flag("-z,--zeros", arguments->zeros, "Also counters that are zero");
    command->add_flag("-a,--ignore", arguments->absolute,
                      "Since the host was made (always so: berth keeps no history)");
    arguments->query.add_to(*command);
    command->footer(
        "The names are those of the MIBs and of Linux's nstat where the meaning is the same; the\n"
        "groups Link and Berth are berth's own. 'berth drops' has the reason of every drop.\n"
        "Examples:\n"
        "  berth nstat               what is not zero\n"
        "  berth nstat -az 'Tcp*'    all of TCP\n"
        "  berth nstat --json --host lab1");
    command->callback([arguments] { run_nstat(*arguments); });
}

}  // namespace berth::app
