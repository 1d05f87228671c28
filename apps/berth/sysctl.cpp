// berth sysctl: the tunables of a running host as they stand, name = value as sysctl(8) prints
// them.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

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

struct SysctlArguments {
    QueryArguments query;
    std::vector<std::string> patterns;
};

void run_sysctl(const SysctlArguments& arguments) {
    nlohmann::ordered_json document;
    auto wanted = nlohmann::ordered_json::array();
    for (const auto& row : ask_rows(arguments.query, "sysctl", document))
        if (is_wanted(row.at("name").get<std::string>(), arguments.patterns)) wanted.push_back(row);
    if (wanted.empty())
        throw Failure(fmt::format("there is no sysctl '{}'; 'berth sysctl' lists them all",
                                  fmt::join(arguments.patterns, "' or '")));
    if (arguments.query.json) {
        document["sysctls"] = std::move(wanted);
        fmt::print("{}\n", json_text(document));
        return;
    }
    const auto text = [](const auto& row, const char* key) {
        return escaped_line(row.at(key).template get<std::string>());
    };
    for (const auto& row : wanted)
        fmt::print("{} = {}\n", text(row, "name"), text(row, "value"));
}

}  // namespace

void register_sysctl(CLI::App& tool, int&) {
    auto* command = tool.add_subcommand("sysctl", "Show the tunables of a running host");
    auto arguments = std::make_shared<SysctlArguments>();
    command->add_option("PATTERN", arguments->patterns, "Only those of such a name: net.*, *rto*");
    arguments->query.add_to(*command);
    command->footer(
        "They are set when the host is made: berth serve --sysctl net.ipv4.tcp_sack=0.\n"
        "Examples:\n"
        "  berth sysctl\n"
        "  berth sysctl net.ipv4.tcp_rmem 'berth.*'");
    command->callback([arguments] { run_sysctl(*arguments); });
}

}  // namespace berth::app
