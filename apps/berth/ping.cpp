// berth ping: echo requests, with the output, statistics and exit codes of iputils' ping.
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/berth/command.hpp"
#include "apps/berth/icmp_text.hpp"
#include "apps/berth/measurement.hpp"
#include "apps/berth/ping_statistics.hpp"
#include "apps/berth/terminal_text.hpp"
#include "drivers/text.hpp"

namespace berth::app {
namespace {

using json = nlohmann::ordered_json;

constexpr int exit_error = 2;  // ping's own: 1 is "no answer"
constexpr unsigned icmp_header_bytes = 8;
constexpr unsigned ip_and_icmp_header_bytes = 28;

struct PingArguments {
    std::unique_ptr<MeasurementArguments> measurement;
    std::string destination;
    unsigned count = 0;
    std::optional<double> interval{}, timeout{}, deadline{};
    unsigned size = 56;
    unsigned ttl = 0, tos = 0;
    bool quiet = false, numeric = false, stamps = false, broadcast = false;
    std::string mtu_discover, pattern;
};

json request_of(const PingArguments& arguments) {
    constexpr std::int64_t least_interval_ms = 2;
    json request{{"to", arguments.destination}, {"size", arguments.size}};
    if (arguments.count > 0) request["count"] = arguments.count;
    if (arguments.interval)
        request["interval_ms"] = milliseconds_from("-i", *arguments.interval, least_interval_ms);
    if (arguments.timeout) request["timeout_ms"] = milliseconds_from("-W", *arguments.timeout, 1);
    if (arguments.deadline)
        request["deadline_ms"] = milliseconds_from("-w", *arguments.deadline, 1);
    if (arguments.ttl > 0) request["ttl"] = arguments.ttl;
    if (arguments.tos > 0) request["tos"] = arguments.tos;
    if (arguments.broadcast) request["broadcast"] = 1;
    if (!arguments.mtu_discover.empty()) request["mtu_discover"] = arguments.mtu_discover;
    if (!arguments.pattern.empty()) request["pattern"] = arguments.pattern;
    return request;
}

// Draws the events as they come.
class PingOutput {
  public:
    explicit PingOutput(const PingArguments& arguments) : arguments_(arguments) {}

    void draw(const json& event) {
        const auto kind = event.at("event").get<std::string>();
        if (kind == "begin") draw_begin(event);
        if (arguments_.quiet) return;
        if (kind == "reply") draw_reply(event);
        if (kind == "error") draw_error(event);
        if (kind == "local_error") draw_local_error(event);
        std::fflush(stdout);
    }

  private:
    static std::string from(const json& event) {
        return escaped_line(event.at("from").get<std::string>());
    }

    std::string stamp() const {
        timeval now{};
        if (!arguments_.stamps || ::gettimeofday(&now, nullptr) != 0) return {};
        return fmt::format("[{}.{:06}] ", now.tv_sec, now.tv_usec);
    }

    void draw_begin(const json& event) const {
        fmt::print("PING {} ({}) {}({}) bytes of data.\n", escaped_line(arguments_.destination),
                   escaped_line(event.at("destination").get<std::string>()), arguments_.size,
                   arguments_.size + ip_and_icmp_header_bytes);
        if (!arguments_.pattern.empty()) fmt::print("PATTERN: 0x{}\n", arguments_.pattern);
    }

    void draw_reply(const json& event) const {
        fmt::print("{}{} bytes from {}: icmp_seq={} ttl={} time={} ms{}\n", stamp(),
                   event.at("bytes").get<unsigned>(), from(event),
                   event.at("sequence").get<unsigned>(), event.at("ttl").get<unsigned>(),
                   round_trip_text(event.at("time_ns").get<std::int64_t>()),
                   event.at("duplicate").get<bool>() ? " (DUP!)" : "");
        if (event.contains("wrong_byte"))
            fmt::print("wrong data byte #{}\n", event["wrong_byte"].get<unsigned>());
        if (event.at("bytes").get<unsigned>() < arguments_.size + icmp_header_bytes)
            fmt::print("(truncated)\n");
    }

    void draw_error(const json& event) const {
        fmt::print(
            "{}From {} icmp_seq={} {}\n", stamp(), from(event),
            event.at("sequence").get<unsigned>(),
            ping_error_text(event.at("type").get<unsigned>(), event.at("code").get<unsigned>(),
                            event.at("info").get<std::uint64_t>()));
    }

    static void draw_local_error(const json& event) {
        const int error = event.at("errno").get<int>();
        const std::string what =
            error == EMSGSIZE
                ? fmt::format("message too long, mtu={}", event.at("mtu").get<std::uint64_t>())
                : drivers::errno_text(error);
        fmt::print(stderr, "berth ping: local error: {}\n", what);
    }

    const PingArguments& arguments_;
};

int run_ping(const PingArguments& arguments) {
    const json request = request_of(arguments);
    PingStatistics statistics;
    PingOutput output(arguments);
    const bool as_json = arguments.measurement->json();
    arguments.measurement->run("ping", request, [&](const json& event) {
        statistics.count(event);
        if (!as_json) output.draw(event);
    });
    if (as_json)
        print_event(statistics.json());
    else
        fmt::print("{}", statistics.text(escaped_line(arguments.destination)));
    const bool too_few = arguments.deadline && statistics.received() < arguments.count;
    return statistics.received() == 0 || too_few ? exit_failed : exit_done;
}

int ping_exit_code(const PingArguments& arguments) {
    try {
        return run_ping(arguments);
    } catch (const UsageError&) {
        throw;
    } catch (const std::exception& error) {
        throw Failure(error.what(), exit_error);
    }
}

}  // namespace

void register_ping(CLI::App& tool, int& exit_code) {
    auto* command = tool.add_subcommand(
        "ping", "Is a host there, and how far away? On a host of its own or a running one");
    auto arguments = std::make_shared<PingArguments>();
    command->add_option("destination", arguments->destination, "Whom to ask: an address or a name")
        ->option_text("NAME|ADDRESS")
        ->required();
    const auto number = [&](const char* name, unsigned& value, unsigned least, unsigned greatest,
                            const char* type, const char* help) {
        command->add_option(name, value, help)->type_name(type)->check(CLI::Range(least, greatest));
    };
    const auto seconds = [&](const char* name, std::optional<double>& value, const char* help) {
        command->add_option(name, value, help)->type_name("SECONDS");
    };
    number("-c", arguments->count, 1, INT32_MAX, "N",
           "End after so many requests (default: never)");
    seconds("-i", arguments->interval, "Between two requests (default: 1; at least 0.002)");
    number("-s", arguments->size, 0, 65'507, "BYTES", "Data in each request (default: 56)");
    number("-t", arguments->ttl, 1, 255, "TTL", "Routers that it may pass");
    seconds("-W", arguments->timeout,
            "Wait so long for the last answers while none came at all (default: 10)");
    seconds("-w", arguments->deadline,
            "End after so long, however many were sent; -c then counts answers");
    command->add_flag("-q", arguments->quiet, "Only the summary");
    command->add_flag("-n", arguments->numeric, "Addresses without names (always so)");
    command->add_flag("-D", arguments->stamps, "The time of day before each line");
    command->add_flag("-b", arguments->broadcast, "The address may be a broadcast address");
    command
        ->add_option("-M", arguments->mtu_discover,
                     "Fragments: do (forbidden), want (as the path needs), dont (allowed), "
                     "probe (forbidden, path MTU ignored)")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"do", "want", "dont", "probe"}));
    number("-Q", arguments->tos, 0, 255, "TOS", "The DSCP and ECN octet");
    command
        ->add_option("-p", arguments->pattern, "Fill requests with up to 16 bytes, as hex digits")
        ->type_name("PATTERN");
    arguments->measurement = std::make_unique<MeasurementArguments>(*command);
    command->footer(
        "Without --link a running host asks (--host NAME; the only one by default).\n"
        "Exit code: 0 an answer came, 1 none came, 2 an error. Control-C shows the summary.\n"
        "Examples:\n"
        "  berth ping -c 3 192.0.2.1\n"
        "  berth ping --link unix:/tmp/lab.sock --address 192.0.2.3/24 -c 3 -s 4000 192.0.2.2\n"
        "  berth ping -M do -s 1472 192.0.2.1      # does a full frame pass?");
    command->callback([arguments, &exit_code] { exit_code = ping_exit_code(*arguments); });
}

}  // namespace berth::app
