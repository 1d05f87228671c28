// berth serve: a host with the small services of RFC 862 to 868 and a file server.
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/berth/command.hpp"
#include "apps/berth/host_options.hpp"
#include "apps/berth/services/event_loop.hpp"
#include "apps/berth/services/server.hpp"
#include "apps/berth/services/service_spec.hpp"
#include "apps/berth/services/web_root.hpp"
#include "apps/berth/signals.hpp"

namespace berth::app {
namespace {

// How often a vanished link and the end of closing are looked for.
constexpr std::chrono::milliseconds watch_interval{250};
// How long open connections get to close properly once the program is told to end.
constexpr std::chrono::milliseconds close_limit{3000};
// Of that, what remains in any case for the last goodbyes, once all sockets are closed.
constexpr std::chrono::milliseconds drain_limit{500};

struct ServeArguments {
    std::unique_ptr<HostArguments> host;
    std::vector<std::string> services;
};

class SignalActivity : public Activity {
  public:
    explicit SignalActivity(StopSignals& signals, int& received)
        : signals_(signals), received_(received) {}
    int fd() const override { return signals_.fd(); }
    short events() const override { return POLLIN; }
    void on_ready(short, Moment) override {
        while (signals_.take() != 0)
            ++received_;
    }
    void begin_close(Moment) override {}
    bool is_finished() const override { return false; }

  private:
    StopSignals& signals_;
    int& received_;
};

std::vector<ServiceSpec> wanted_services(const std::vector<std::string>& texts,
                                         const HostPlan& plan) {
    std::vector<ServiceSpec> services;
    for (const auto& text : texts)
        services.push_back(parse_service(text));
    if (services.empty() && !plan.options.forward) {
        // Others live on a captured network too, so nothing is opened there unasked.
        for (const auto& link : plan.links)
            if (link.kind == drivers::LinkUrlKind::pcap)
                throw UsageError(fmt::format(
                    "the link {} is a real network: name the services to open there, for example "
                    "'http' or 'echo=7007'",
                    link.url));
        services = all_services();
    }
    // With DHCP the addresses are known later.
    if (!plan.uses_dhcp()) check_services(services, plan.addresses());
    for (const auto& service : services)
        if (!service.directory.empty()) WebRoot{service.directory};  // throws if it is none
    return services;
}

// One line, at the moment from which a client finds the services.
void announce(const HostPlan& plan, const std::vector<ServiceSpec>& services) {
    std::string line = fmt::format("berth: ready as {} at", plan.options.name);
    for (const auto& link : plan.links)
        for (const auto& prefix : link.addresses)
            line += fmt::format(" {}", to_string(prefix));
    if (plan.options.forward)
        line += fmt::format(", forwarding between {} links", plan.links.size());
    // A router has no sockets of its own.
    line += services.empty() ? ", serving nothing" : ", serving";
    for (const auto& service : services) {
        line += fmt::format(" {}=", service.info().name);
        line += service.local.address.is_unspecified() ? fmt::format("{}", service.local.port)
                                                       : to_string(service.local);
    }
    // With the capture on standard output, the line must not land in the middle of it.
    std::FILE* out = plan.options.capture_file == "-" ? stderr : stdout;
    fmt::print(out, "{}\n", line);
    std::fflush(out);
}

void require_links(const Host& host) {
    if (const auto error = host.link_error(); !error.empty()) throw Failure(error);
}

// Until the first signal, then until all connections are closed, a second signal, or the limit.
void serve(EventLoop& loop, Host& host, const int& signals_received) {
    while (signals_received == 0) {
        loop.turn(watch_interval);
        require_links(host);
    }
    loop.begin_close();
    const Moment limit = Clock::now() + close_limit;
    const auto left = [&] {
        return std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now());
    };
    const std::size_t only_the_signals = 1;
    while (signals_received < 2 && loop.size() > only_the_signals && left() > drain_limit)
        loop.turn(std::min<std::chrono::milliseconds>(watch_interval, left()));
    if (signals_received < 2)
        host.drain(
            static_cast<int>(std::max<std::chrono::milliseconds>(left(), drain_limit).count()));
}

void run_serve(const ServeArguments& arguments) {
    HostPlan plan = arguments.host->plan();
    const auto services = wanted_services(arguments.services, plan);
    if (plan.options.name.empty()) plan.options.name = fmt::format("serve-{}", ::getpid());
    StopSignals signals;
    int signals_received = 0;
    const auto host = make_host(plan);
    if (plan.uses_dhcp()) {
        plan.add_leases(*host);
        check_services(services, plan.addresses());
    }
    EventLoop loop;
    loop.adopt(std::make_unique<SignalActivity>(signals, signals_received));
    start_services(loop, *host, services, plan.addresses());
    require_links(*host);
    announce(plan, services);
    serve(loop, *host, signals_received);
}

}  // namespace

void register_serve(CLI::App& tool, int&) {
    auto* command = tool.add_subcommand(
        "serve", "Be a host with small services: echo, discard, daytime, chargen, time, http");
    auto arguments = std::make_shared<ServeArguments>();
    arguments->host = std::make_unique<HostArguments>(*command);
    command
        ->add_option("services", arguments->services,
                     "NAME, NAME=PORT, NAME=ADDRESS:PORT or http=[ADDRESS:]PORT:DIRECTORY, with "
                     "NAME one of echo (7), discard (9), daytime (13), chargen (19), time (37), "
                     "http (80). None: all of them, except on pcap: links; with --forward: none")
        ->type_name("SERVICE")
        ->option_text("SERVICE ...");
    command->footer(
        "It prints a line beginning 'berth: ready' when it serves, and ends on SIGINT or SIGTERM.\n"
        "Examples:\n"
        "  berth serve --link tap:tap0 --address 192.0.2.2/24 --peer-address 192.0.2.1/24\n"
        "  berth serve --link tap:tap0 --address 192.0.2.2/24 --address 192.0.2.3/24 \\\n"
        "      http=192.0.2.2:80:/srv/a http=80:/srv/b      # the specific listener wins\n"
        "  berth serve --link unix:/tmp/lab.sock,listen --address 192.0.2.2/24   # without root\n"
        "  berth serve --link tap:tap0 --address dhcp http              # a server gives the "
        "address\n"
        "  berth serve --link tap:tap0,loss=1%,delay=20ms,seed=7 --address 192.0.2.2/24 echo\n"
        "  berth serve --forward --link tap:a --address 192.0.2.1/24 \\\n"
        "      --link tap:b --address 198.51.100.1/24       # a router");
    command->callback([arguments] { run_serve(*arguments); });
}

}  // namespace berth::app
