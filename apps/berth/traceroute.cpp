// berth traceroute: the routers on the way, with the output of Debian's traceroute.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/berth/command.hpp"
#include "apps/berth/icmp_text.hpp"
#include "apps/berth/measurement.hpp"
#include "apps/berth/signals.hpp"
#include "apps/berth/terminal_text.hpp"

namespace berth::app {
namespace {

using json = nlohmann::ordered_json;

struct TracerouteArguments {
    std::unique_ptr<MeasurementArguments> measurement;
    std::string destination;
    unsigned packet_bytes = 60;
    unsigned first = 1, last = 30;
    std::optional<unsigned> probes{};
    std::optional<double> timeout{};
    unsigned port = 33'434;
    bool numeric = false, icmp = false, find_mtu = false;
};

json request_of(const TracerouteArguments& arguments) {
    if (arguments.first > arguments.last)
        throw UsageError("-f begins behind the end that -m gives; make -m the greater one");
    json request{{"to", arguments.destination},
                 {"first", arguments.first},
                 {"last", arguments.last},
                 {"packet_bytes", arguments.packet_bytes},
                 {"port", arguments.port}};
    if (arguments.probes) request["probes"] = *arguments.probes;
    if (arguments.timeout) request["timeout_ms"] = milliseconds_from("-w", *arguments.timeout, 1);
    if (arguments.icmp) request["icmp"] = 1;
    if (!arguments.numeric) request["names"] = 1;
    if (arguments.find_mtu) request["mtu"] = 1;
    return request;
}

class TracerouteOutput {
  public:
    explicit TracerouteOutput(const TracerouteArguments& arguments) : arguments_(arguments) {}

    void draw(const json& event) {
        const auto kind = event.at("event").get<std::string>();
        if (kind == "begin") draw_begin(event);
        if (kind == "mtu") mtu_ = event.at("mtu").get<unsigned>();
        if (kind == "probe") draw_probe(event);
        if (kind == "end") end_line();
        std::fflush(stdout);
    }

    void end_line() {
        if (hop_ != 0) fmt::print("\n");
        hop_ = 0;
    }

  private:
    void draw_begin(const json& event) const {
        fmt::print("traceroute to {} ({}), {} hops max, {} byte packets\n",
                   escaped_line(arguments_.destination),
                   escaped_line(event.at("destination").get<std::string>()), arguments_.last,
                   event.at("packet_bytes").get<unsigned>());
    }

    void draw_probe(const json& event) {
        if (const auto hop = event.at("hop").get<unsigned>(); hop != hop_) {
            end_line();
            fmt::print("{:2} ", hop);
            hop_ = hop;
            from_.clear();
        }
        if (!event.contains("from")) {
            fmt::print(" *");
            return;
        }
        // Who answers is said once, and again when somebody else does.
        if (const auto from = escaped_line(event.at("from").get<std::string>()); from != from_) {
            const auto name = escaped_line(event.at("name").get<std::string>());
            fmt::print(" {}", name.empty() ? from : name);
            if (!arguments_.numeric) fmt::print(" ({})", from);
            from_ = from;
        }
        fmt::print("  {:.3f} ms",
                   static_cast<double>(event.at("time_ns").get<std::int64_t>()) / 1e6);
        const auto mark =
            trace_mark(event.at("type").get<unsigned>(), event.at("code").get<unsigned>(),
                       event.at("info").get<std::uint64_t>());
        if (!mark.empty()) fmt::print(" {}", mark);
        if (mtu_ != 0) fmt::print(" F={}", mtu_);
        mtu_ = 0;
    }

    const TracerouteArguments& arguments_;
    unsigned hop_ = 0;  // on the line in hand; 0: none
    unsigned mtu_ = 0;  // to be told with the next answer; 0: nothing new
    std::string from_;
};

int run_traceroute(const TracerouteArguments& arguments) {
    const json request = request_of(arguments);
    TracerouteOutput output(arguments);
    bool reached = false;
    const bool as_json = arguments.measurement->json();
    const int signal = arguments.measurement->run("traceroute", request, [&](const json& event) {
        if (event.at("event") == "end") reached = event.at("reached").get<bool>();
        if (!as_json) output.draw(event);
    });
    if (signal != 0) {
        std::fflush(stdout);
        end_by(signal);
    }
    return reached ? exit_done : exit_failed;
}

}  // namespace

void register_traceroute(CLI::App& tool, int& exit_code) {
    auto* command = tool.add_subcommand(
        "traceroute", "Show the routers on the way, from a host of its own or a running one");
    auto arguments = std::make_shared<TracerouteArguments>();
    command->add_option("destination", arguments->destination, "Where to: an address or a name")
        ->option_text("NAME|ADDRESS")
        ->required();
    command->add_option("size", arguments->packet_bytes, "Bytes of each packet (default: 60)")
        ->option_text("[SIZE]")
        ->check(CLI::Range(28u, 65'535u));
    command->add_flag("-n", arguments->numeric, "Addresses only");
    command->add_option("-f", arguments->first, "The TTL to begin with (default: 1)")
        ->type_name("TTL")
        ->check(CLI::Range(1u, 255u));
    command->add_option("-m", arguments->last, "The TTL to end with (default: 30)")
        ->type_name("TTL")
        ->check(CLI::Range(1u, 255u));
    command->add_option("-q", arguments->probes, "Probes for each TTL (default: 3)")
        ->type_name("N")
        ->check(CLI::Range(1u, 10u));
    command->add_option("-w", arguments->timeout, "How long to wait for answers (default: 3)")
        ->type_name("SECONDS");
    command->add_option("-p", arguments->port, "The first probe's UDP port (default: 33434)")
        ->type_name("PORT")
        ->check(CLI::Range(1u, 65'535u));
    command->add_flag("-I", arguments->icmp, "Echo requests instead of UDP");
    command->add_flag("--mtu", arguments->find_mtu,
                      "Find the path MTU as well: full packets that may not be fragmented; F=N "
                      "stands where it changes");
    arguments->measurement = std::make_unique<MeasurementArguments>(*command);
    command->footer(
        "Without --link a running host asks (--host NAME; the only one by default).\n"
        "Behind a time: !H !N !P host, network, protocol unreachable; !X prohibited; !F-N too\n"
        "large for N bytes. Exit code: 0 the destination answered, 1 it did not.\n"
        "Examples:\n"
        "  berth traceroute 198.51.100.7\n"
        "  berth traceroute -I -q 1 198.51.100.7\n"
        "  berth traceroute --mtu --link tap:tap0 --address 192.0.2.2/24 --gateway 192.0.2.1 "
        "198.51.100.7");
    command->callback([arguments, &exit_code] { exit_code = run_traceroute(*arguments); });
}

}  // namespace berth::app
