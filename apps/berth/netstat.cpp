// berth netstat: the same table as `berth ss`, in netstat's columns and words.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "apps/berth/command.hpp"
#include "apps/berth/socket_table.hpp"

namespace berth::app {
namespace {

std::string_view netstat_state(const SocketEntry& entry) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> names{{
        {"ESTAB", "ESTABLISHED"},
        {"SYN-SENT", "SYN_SENT"},
        {"SYN-RECV", "SYN_RECV"},
        {"FIN-WAIT-1", "FIN_WAIT1"},
        {"FIN-WAIT-2", "FIN_WAIT2"},
        {"TIME-WAIT", "TIME_WAIT"},
        {"UNCONN", ""},
        {"CLOSE-WAIT", "CLOSE_WAIT"},
        {"LAST-ACK", "LAST_ACK"},
        {"CLOSED", "CLOSE"},
        {"LISTEN", "LISTEN"},
    }};
    for (const auto& [ss, netstat] : names)
        if (entry.state == ss) return netstat;
    return entry.state;
}

void run_netstat(const SocketTableArguments& arguments) {
    bool printed_json = false;
    const auto entries = socket_table(arguments, printed_json);
    if (printed_json) return;
    fmt::print("Active Internet connections ({})\n",
               arguments.listening ? "only servers" : "servers and established");
    fmt::print("{:<5} {:>6} {:>6} {:<23} {:<23} {}\n", "Proto", "Recv-Q", "Send-Q", "Local Address",
               "Foreign Address", "State");
    for (const auto& entry : entries)
        fmt::print("{:<5} {:>6} {:>6} {:<23} {:<23} {}\n", entry.protocol, entry.receive_queue,
                   entry.send_queue, entry.local_address + ":" + entry.local_port,
                   entry.remote_address + ":" + entry.remote_port, netstat_state(entry));
}

}  // namespace

void register_netstat(CLI::App& tool, int&) {
    auto* command =
        tool.add_subcommand("netstat", "The same as ss, in netstat's columns and words");
    auto arguments = std::make_shared<SocketTableArguments>();
    arguments->add_to(*command);
    command->footer("Example:\n  berth netstat -tan");
    command->callback([arguments] { run_netstat(*arguments); });
}

}  // namespace berth::app
