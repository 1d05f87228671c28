// berth ss: the sockets of a running host, as `ss -tan` shows the kernel's.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/berth/command.hpp"
#include "apps/berth/socket_table.hpp"

namespace berth::app {
namespace {

// The width that a column needs, its heading included.
template <class Text>
std::size_t width(const std::vector<SocketEntry>& entries, std::size_t heading, Text text) {
    std::size_t widest = heading;
    for (const auto& entry : entries)
        widest = std::max(widest, std::string(text(entry)).size());
    return widest;
}

void print_table(const std::vector<SocketEntry>& entries, bool with_protocol) {
    // Addresses end and ports begin at their colon, so that equal endpoints are seen to be equal.
    const auto local = width(entries, 13, [](auto& e) { return e.local_address; });
    const auto local_port = width(entries, 4, [](auto& e) { return e.local_port; });
    const auto remote = width(entries, 12, [](auto& e) { return e.remote_address; });
    if (with_protocol) fmt::print("{:<5} ", "Netid");
    fmt::print("{:<10} {:>6} {:>6} {:>{}}:{:<{}} {:>{}}:Port\n", "State", "Recv-Q", "Send-Q",
               "Local Address", local, "Port", local_port, "Peer Address", remote);
    for (const auto& entry : entries) {
        if (with_protocol) fmt::print("{:<5} ", entry.protocol);
        fmt::print("{:<10} {:>6} {:>6} {:>{}}:{:<{}} {:>{}}:{}{}\n", entry.state,
                   entry.receive_queue, entry.send_queue, entry.local_address, local,
                   entry.local_port, local_port, entry.remote_address, remote, entry.remote_port,
                   entry.details.beside);
        if (!entry.details.below.empty()) fmt::print("\t{}\n", entry.details.below);
    }
}

void run_ss(const SocketTableArguments& arguments) {
    bool printed_json = false;
    const auto entries = socket_table(arguments, printed_json);
    if (!printed_json) print_table(entries, arguments.kinds() != 1 || arguments.raw);
}

}  // namespace

void register_ss(CLI::App& tool, int&) {
    auto* command =
        tool.add_subcommand("ss", "Show the sockets of a running host, as ss -tan does");
    auto arguments = std::make_shared<SocketTableArguments>();
    arguments->add_to(*command);
    DetailChoice& details = arguments->details;
    command->add_flag("-i,--info", details.info, "What TCP knows: options, RTO, MSS, windows …");
    command->add_flag("-m,--memory", details.memory, "What TCP's buffers hold, and may hold");
    command->add_flag("-e,--extended", details.extended, "TCP's link and next hop");
    command->add_flag("-o,--options", details.timers, "TCP's timer");
    command->footer(
        "Recv-Q: bytes that the program has not read yet; Send-Q: bytes that the peer has not\n"
        "acknowledged yet. Of a listener: connections not accepted yet, and its backlog.\n"
        "Examples:\n"
        "  berth ss            every socket\n"
        "  berth ss -tan       TCP only, ports as numbers\n"
        "  berth ss -tuln      the listening ones: TCP and UDP ports are separate\n"
        "  berth ss -w         raw and ping sockets: ICMP has no ports\n"
        "  berth ss -tim       MTU (pmtu), MSS (mss) and buffer (skmem) are three things\n"
        "  berth ss -tano      with timers: what will happen next\n"
        "  berth ss --json --host lab1");
    command->callback([arguments] { run_ss(*arguments); });
}

}  // namespace berth::app
