#include "apps/berth/measurement.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <optional>

#include "apps/berth/command.hpp"
#include "apps/berth/signals.hpp"
#include "apps/berth/terminal_text.hpp"
#include "berth/control.hpp"

namespace berth::app {

using Object = nlohmann::ordered_json;

MeasurementArguments::MeasurementArguments(CLI::App& command)
    : host_(std::make_unique<HostArguments>(command)) {
    query_.add_to(command);
}

int MeasurementArguments::run(const std::string& word, const Object& request,
                              const OnEvent& on_event) const {
    const bool own_host = host_->are_given();
    if (own_host && !query_.host.empty())
        throw UsageError("--host asks a running host, and --link makes one; choose one of them");
    std::optional<HostPlan> plan;
    if (own_host) plan = host_->plan();
    if (plan && plan->options.capture_file == "-")
        throw UsageError("--capture -: standard output belongs to the results; name a file");
    StopSignals signals;
    int signal = 0;
    std::string problem;
    const auto is_over = [&] {
        if (signal == 0) signal = signals.take();
        return signal != 0;
    };
    const auto tell = [&](const std::string& line) {
        const Object event = Object::parse(line, nullptr, false);
        if (!event.is_object()) {
            problem =
                "the host's answer is not what was asked for: it runs another version of berth";
        } else if (event.contains("error")) {
            problem = event["error"].is_string() ? event["error"].get<std::string>() : line;
        } else {
            if (query_.json) print_event(event);
            on_event(event);
        }
        return problem.empty();
    };
    const std::string text = word + ' ' + request.dump();
    if (plan) {
        const auto host = make_host(*plan);
        host->measure(text, tell, is_over, signals.fd());
        if (problem.empty()) problem = host->link_error();
    } else if (const auto failed = measure_on_host(chosen_host(query_), text, tell, is_over);
               problem.empty()) {
        problem = failed;
    }
    if (!problem.empty()) throw Failure(problem);
    return signal;
}

std::int64_t milliseconds_from(const char* option, double seconds, std::int64_t least_ms) {
    constexpr double longest_seconds = 86'400;
    const bool sound = std::isfinite(seconds) && seconds >= 0 && seconds <= longest_seconds;
    const std::int64_t milliseconds = sound ? std::llround(seconds * 1000) : -1;
    if (milliseconds < least_ms)
        throw UsageError(fmt::format("{}: give seconds, from {:g} to {:g}", option,
                                     static_cast<double>(least_ms) / 1000, longest_seconds));
    return milliseconds;
}

void print_event(const Object& event) {
    fmt::print("{}\n", event.dump(-1, ' ', true, Object::error_handler_t::replace));
    std::fflush(stdout);
}

}  // namespace berth::app
