// berth: one tool, one file per subcommand.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>

#include "apps/berth/command.hpp"
#include "apps/berth/terminal_text.hpp"

#ifndef BERTH_VERSION
#define BERTH_VERSION "unknown"
#endif

namespace berth::app {
namespace {

// "berth" or "berth serve": whoever has something to say.
std::string speaker(const CLI::App& tool) {
    for (const auto* subcommand : tool.get_subcommands())
        return "berth " + subcommand->get_name();
    return "berth";
}

// What the parser and the kernel say may quote arguments and span lines: one printable line of it.
int complain(const CLI::App& tool, std::string_view what, int code) {
    std::string line = escaped_line(what);
    fmt::print(stderr, "{}: {}\n", speaker(tool), line);
    return code;
}

void describe(CLI::App& tool) {
    tool.name("berth");
    tool.set_version_flag("--version", "berth " BERTH_VERSION);
    tool.require_subcommand(1);
    tool.footer(
        "Examples (as root, or inside 'unshare --user --map-root-user --net'):\n"
        "  berth serve --link tap:tap0 --address 192.0.2.2/24 --peer-address 192.0.2.1/24\n"
        "  ping 192.0.2.2; curl http://192.0.2.2/; nc 192.0.2.2 7\n"
        "  berth ss\n"
        "'berth COMMAND --help' explains a command; so does 'man berth'.");
}

// Without this, CLI11 calls a mistyped command a missing one.
void require_known_command(const CLI::App& tool, int argc, char** argv) {
    if (argc < 2 || argv[1][0] == '-') return;
    std::string known;
    for (const auto* command : tool.get_subcommands({})) {
        if (command->get_name() == argv[1]) return;
        known += (known.empty() ? "" : ", ") + command->get_name();
    }
    throw UsageError(fmt::format("there is no command '{}'; there are: {}", argv[1], known));
}

int run(int argc, char** argv) {
    CLI::App tool{"berth: a userspace TCP/IP stack as a host on a TAP, pcap or Unix-socket link"};
    int exit_code = exit_done;
    describe(tool);
    register_serve(tool, exit_code);
    register_nc(tool, exit_code);
    register_ss(tool, exit_code);
    register_netstat(tool, exit_code);
    register_nstat(tool, exit_code);
    register_drops(tool, exit_code);
    register_sysctl(tool, exit_code);
    register_neigh(tool, exit_code);
    register_route(tool, exit_code);
    register_ping(tool, exit_code);
    register_traceroute(tool, exit_code);
    try {
        require_known_command(tool, argc, argv);
        tool.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return tool.exit(error);  // --help and --version
        return complain(tool, fmt::format("{}; see '{} --help'", error.what(), speaker(tool)),
                        exit_usage);
    } catch (const UsageError& error) {
        return complain(tool, error.what(), exit_usage);
    } catch (const Failure& error) {
        return complain(tool, error.what(), error.code());
    } catch (const std::exception& error) {
        return complain(tool, error.what(), exit_failed);
    }
    return exit_code;
}

}  // namespace
}  // namespace berth::app

int main(int argc, char** argv) {
    const int code = berth::app::run(argc, argv);
    // A full disk or a closed pipe must not look like success.
    if (std::fflush(stdout) != 0 && code == 0) return berth::app::exit_failed;
    return code;
}
