#include "apps/berth/services/service_spec.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/berth/command.hpp"

namespace berth::app {
namespace {

[[noreturn]] void reject(std::string_view text, std::string_view why) {
    throw UsageError(
        fmt::format("service {}: {}; write NAME, NAME=PORT, NAME=ADDRESS:PORT or "
                    "http=[ADDRESS:]PORT:DIRECTORY",
                    text, why));
}

const ServiceInfo& find_service(std::string_view text, std::string_view name) {
    for (const auto& info : known_services)
        if (info.name == name) return info;
    reject(text, "there is no such service, but echo, discard, daytime, chargen, time and http");
}

// Takes an address and its colon from the front, if one is there.
Ipv4Address take_address(std::string_view& rest) {
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos) return {};
    const auto address = parse_ipv4_address(rest.substr(0, colon));
    if (!address) return {};
    rest.remove_prefix(colon + 1);
    return *address;
}

}  // namespace

const ServiceInfo& info_of(ServiceKind kind) {
    return *std::find_if(known_services.begin(), known_services.end(),
                         [&](const auto& info) { return info.kind == kind; });
}

ServiceSpec parse_service(std::string_view text) {
    const auto equals = text.find('=');
    const ServiceInfo& info = find_service(text, text.substr(0, equals));
    ServiceSpec spec{info.kind, {{}, info.port}, {}};
    if (equals == std::string_view::npos) return spec;
    std::string_view rest = text.substr(equals + 1);
    spec.local.address = take_address(rest);
    const auto colon = rest.find(':');
    const auto port = parse_port(rest.substr(0, colon));
    if (!port || *port == 0) reject(text, "the port is no number from 1 to 65535");
    spec.local.port = *port;
    if (colon != std::string_view::npos) {
        if (info.kind != ServiceKind::http) reject(text, "only http serves a directory");
        spec.directory = rest.substr(colon + 1);
        if (spec.directory.empty()) reject(text, "the directory's name is empty");
    }
    return spec;
}

std::vector<ServiceSpec> all_services() {
    std::vector<ServiceSpec> all;
    for (const auto& info : known_services)
        all.push_back({info.kind, {{}, info.port}, {}});
    return all;
}

void check_services(const std::vector<ServiceSpec>& services,
                    const std::vector<Ipv4Address>& addresses) {
    for (auto one = services.begin(); one != services.end(); ++one) {
        const Ipv4Address address = one->local.address;
        if (!address.is_unspecified() &&
            std::find(addresses.begin(), addresses.end(), address) == addresses.end())
            throw UsageError(fmt::format(
                "service {}={}: {} is not an address of this host; give it with --address",
                one->info().name, to_string(one->local), to_string(address)));
        for (auto other = services.begin(); other != one; ++other)
            if (one->local == other->local)
                throw UsageError(fmt::format(
                    "services {} and {} both want {}: one listener per address and port; move one "
                    "with {}=PORT",
                    other->info().name, one->info().name, to_string(one->local), one->info().name));
    }
}

}  // namespace berth::app
