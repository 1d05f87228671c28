#include "apps/berth/running_host.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/berth/command.hpp"
#include "berth/control.hpp"

namespace berth::app {
namespace {

using json = nlohmann::ordered_json;

std::string only_host() {
    auto hosts = running_hosts();
    if (!hosts) throw Failure(hosts.error());
    if (hosts->size() == 1) return hosts->front().path;
    if (hosts->empty())
        throw Failure(
            "no host is running here; start one with 'berth serve', or name its control socket "
            "with --host PATH");
    std::string names;
    for (const auto& host : *hosts)
        names += (names.empty() ? "" : ", ") + host.name;
    throw UsageError(
        fmt::format("several hosts are running: {}; choose one with --host NAME", names));
}

}  // namespace

void QueryArguments::add_to(CLI::App& command) {
    command
        .add_option("--host", host,
                    "Which host: its name, or the path of its control socket (default: the only "
                    "one that runs)")
        ->type_name("NAME|PATH");
    command.add_flag("--json", json, "JSON instead of a table");
}

std::string chosen_host(const QueryArguments& arguments) {
    return arguments.host.empty() ? only_host() : arguments.host;
}

json ask(const QueryArguments& arguments, const std::string& request) {
    auto answer = ask_host(chosen_host(arguments), request);
    if (!answer) throw Failure(answer.error());
    return json::parse(*answer);
}

json ask_rows(const QueryArguments& arguments, const std::string& request, json& document) {
    document = ask(arguments, request);
    const std::string word = request.substr(0, request.find(' '));
    const std::string key = word == "ss"       ? "sockets"
                            : word == "neigh"  ? "neighbours"
                            : word == "route"  ? "routes"
                            : word == "nstat"  ? "counters"
                            : word == "sysctl" ? "sysctls"
                                               : word;
    if (!document.contains(key) || !document[key].is_array())
        throw Failure(
            "the host's answer is not what was asked for: it runs another version of berth");
    return document[key];
}

std::string json_text(const json& answer) {
    return answer.dump(2, ' ', true, json::error_handler_t::replace);
}

}  // namespace berth::app
