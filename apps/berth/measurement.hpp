// A measurement, ping or traceroute: from a host that the command makes, or from a running one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "apps/berth/host_options.hpp"
#include "apps/berth/running_host.hpp"

namespace berth::app {

// The host options, and --host and --json.
class MeasurementArguments {
  public:
    explicit MeasurementArguments(CLI::App& command);

    bool json() const { return query_.json; }
    // Runs it and hands on its events as they come; with --json they are printed as well, a line
    // each. Returns the signal that ended it early; 0: none. Throws UsageError and Failure.
    using OnEvent = std::function<void(const nlohmann::ordered_json& event)>;
    int run(const std::string& word, const nlohmann::ordered_json& request,
            const OnEvent& on_event) const;

  private:
    std::unique_ptr<HostArguments> host_;
    QueryArguments query_;
};

// Durations on the command line are seconds, perhaps with a fraction.
std::int64_t milliseconds_from(const char* option, double seconds, std::int64_t least_ms);

// A line of --json, at once.
void print_event(const nlohmann::ordered_json& event);

}  // namespace berth::app
