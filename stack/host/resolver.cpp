// The order of the places that are looked into. DNS itself is in resolver_dns.cpp.
#include "host/resolver.hpp"

#include <optional>
#include <utility>

#include "drivers/text.hpp"
#include "host/resolver_dns.hpp"
#include "host/resolver_hosts.hpp"

namespace berth::host {

namespace {

constexpr Ipv4Address loopback{127, 0, 0, 1};

// RFC 6761 §6.3: such names never leave the host.
bool is_localhost(std::string_view name) {
    constexpr std::string_view localhost = "localhost";
    if (!name.empty() && name.back() == '.') name.remove_suffix(1);
    if (name.size() > localhost.size() && name[name.size() - localhost.size() - 1] == '.')
        name = name.substr(name.size() - localhost.size());
    if (name.size() != localhost.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i)
        if ((name[i] | 0x20) != localhost[i]) return false;
    return true;
}

Core::NameConfig config_of(Core& core) {
    const CoreGuard guard(core.lock());
    return core.names();
}

std::optional<LookupError> obstacle(Core& core, const Core::NameConfig& config) {
    if (config.servers.empty()) return LookupError::no_server;
    if (!core.threads()) return LookupError::embedded;
    return std::nullopt;
}

}  // namespace

NameLookup resolve_name(const std::shared_ptr<Core>& core, std::string_view name,
                        int stop_descriptor) {
    if (const auto address = parse_ipv4_address(name))
        return {LookupError::none, std::string(name), {*address}};
    if (!is_host_name(name)) return {LookupError::bad_name, {}, {}};
    const Core::NameConfig config = config_of(*core);
    HostsEntry entry = find_in_hosts(read_hosts_file(config.hosts_file), name);
    if (!entry.addresses.empty())
        return {LookupError::none, std::move(entry.canonical_name), std::move(entry.addresses)};
    if (is_localhost(name)) return {LookupError::none, std::string(name), {loopback}};
    if (const auto error = obstacle(*core, config)) return {*error, {}, {}};
    return ask_for_addresses(core, config, std::string(name), stop_descriptor);
}

AddressLookup resolve_address(const std::shared_ptr<Core>& core, Ipv4Address address,
                              int stop_descriptor) {
    const Core::NameConfig config = config_of(*core);
    std::string name = name_in_hosts(read_hosts_file(config.hosts_file), address);
    if (!name.empty()) return {LookupError::none, std::move(name)};
    if (address.is_loopback()) return {LookupError::none, "localhost"};
    if (const auto error = obstacle(*core, config)) return {*error, {}};
    return ask_for_name(core, config, address, stop_descriptor);
}

std::string sentence_about(LookupError error, std::string_view name) {
    const auto because = [&](std::string_view why) {
        return drivers::concat({"cannot resolve '", name, "': ", why});
    };
    switch (error) {
        case LookupError::none: return {};
        case LookupError::not_found: return because("there is no such name");
        case LookupError::no_address: return because("the name has no IPv4 address");
        case LookupError::bad_name:
            return because("it is neither an IPv4 address nor a name that a host can have");
        case LookupError::no_server:
            return because(
                "no DNS server is configured; give --dns ADDRESS or --address dhcp "
                "(HostOptions::dns_servers in a program)");
        case LookupError::no_answer:
            return because(
                "no DNS server gave an answer; is the server's address right, and its "
                "network reachable?");
        case LookupError::failed: return because("what the DNS servers answer makes no sense");
        case LookupError::embedded:
            return because("an embedded host asks no DNS server; use its hosts file");
        case LookupError::stopped: return because("it was interrupted");
        case LookupError::no_memory: return because("there is no memory left");
    }
    return {};
}

}  // namespace berth::host
