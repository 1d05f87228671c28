#include "apps/berth/host_options.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "apps/berth/command.hpp"
#include "apps/berth/dhcp_wait.hpp"
#include "apps/berth/terminal_text.hpp"
#include "host/control_path.hpp"
#include "host/sysctl.hpp"

namespace berth::app {
namespace {

Ipv4Prefix address_with_network(std::string_view option, const std::string& text) {
    const auto prefix = parse_ipv4_prefix(text);
    if (!prefix || text.find('/') == std::string::npos)
        throw UsageError(fmt::format(
            "{} {}: not an address with its network's length; write it like 192.0.2.2/24", option,
            text));
    const Ipv4Address address = prefix->address;
    const bool is_network_name =
        prefix->has_broadcast() && (address == prefix->network() || address == prefix->broadcast());
    if (address.is_this_network() || address.is_loopback() || address.is_multicast() ||
        address.is_reserved() || address.is_limited_broadcast() || is_network_name)
        throw UsageError(fmt::format(
            "{} {}: no host can have this address; choose one like 192.0.2.2/24", option, text));
    return *prefix;
}

MacAddress hardware_address(const std::string& text) {
    const auto mac = parse_mac_address(text);
    if (!mac)
        throw UsageError(
            fmt::format("--mac {}: not a hardware address; write it like 02:00:00:00:00:01", text));
    if (mac->is_group() || mac->is_zero())
        throw UsageError(
            fmt::format("--mac {}: a group or zero address names no interface; write one like "
                        "02:00:00:00:00:01",
                        text));
    return *mac;
}

// libpcap's own message would come later and without advice.
void require_interface(const std::string& url, const std::string& name) {
    if (name == "any" || if_nametoindex(name.c_str()) != 0) return;
    std::string known;
    if (struct if_nameindex* list = if_nameindex(); list != nullptr) {
        for (auto* entry = list; entry->if_index != 0; ++entry)
            known += (known.empty() ? "" : ", ") + std::string(entry->if_name);
        if_freenameindex(list);
    }
    throw UsageError(
        fmt::format("--link {}: there is no interface '{}' here; there are: {}", url, name, known));
}

LinkPlan link_plan(const std::string& text) {
    const auto url = drivers::LinkUrl::parse(text);
    if (!url) throw UsageError(url.error());
    switch (url->kind) {
        case drivers::LinkUrlKind::cable:
            throw UsageError(fmt::format(
                "--link {}: a cable joins two hosts inside one program; between programs use "
                "unix:PATH,listen and unix:PATH",
                text));
        case drivers::LinkUrlKind::tap:
            if (url->name.size() >= IFNAMSIZ)
                throw UsageError(fmt::format("--link {}: an interface's name has at most {} bytes",
                                             text, IFNAMSIZ - 1));
            break;
        case drivers::LinkUrlKind::pcap: require_interface(text, url->name); break;
        case drivers::LinkUrlKind::pcapfile:
        case drivers::LinkUrlKind::unix_socket: break;
    }
    LinkPlan plan;
    plan.url = text;
    plan.kind = url->kind;
    return plan;
}

// What the host would refuse as well, but then as a runtime error.
void check_options(const HostOptions& options) {
    if (!options.name.empty() && !host::is_control_name(options.name))
        throw UsageError(fmt::format(
            "--name {}: not a host's name; use up to 64 letters, digits, dots, dashes and "
            "underscores, and no dot in front",
            options.name));
    host::HostConfig ignored;
    for (const auto& assignment : options.sysctls)
        if (const auto problem = host::apply_sysctl(assignment, ignored); !problem.empty())
            throw UsageError(problem);
}

}  // namespace

bool HostPlan::uses_dhcp() const {
    return std::any_of(links.begin(), links.end(), [](const auto& link) { return link.dhcp; });
}

void HostPlan::add_leases(const Host& host) {
    for (const DhcpRow& row : host.dhcp())
        if (row.address)
            links.at(static_cast<std::size_t>(row.interface_index))
                .addresses.push_back(*row.address);
}

std::vector<Ipv4Address> HostPlan::addresses() const {
    std::vector<Ipv4Address> all;
    for (const auto& link : links)
        for (const auto& prefix : link.addresses)
            all.push_back(prefix.address);
    return all;
}

bool HostPlan::has_address(Ipv4Address address) const {
    const auto all = addresses();
    return std::find(all.begin(), all.end(), address) != all.end();
}

HostArguments::HostArguments(CLI::App& command) : command_(command) {
    const auto repeatable = [&](const char* name, std::vector<std::string>& values,
                                const char* type, const char* help) {
        return command_.add_option(name, values, help)
            ->type_name(type)
            ->allow_extra_args(false)
            ->group("The host");
    };
    link_ = repeatable("--link", links_, "KIND:NAME[,OPTION=VALUE]",
                       "The host's link: tap:tap0, unix:PATH[,listen], pcap:eth1, "
                       "pcapfile:in.pcap,out=out.pcap. Repeated: one interface for each; the "
                       "--address, --mac and --peer-address after a --link are its own");
    address_ = repeatable("--address", addresses_, "ADDRESS/LENGTH|dhcp",
                          "An address of the host with its network's length (repeatable), or "
                          "'dhcp': a DHCP server on the link gives it");
    mac_ = repeatable("--mac", macs_, "MAC", "The interface's hardware address (default: random)");
    peer_address_ = repeatable("--peer-address", peer_addresses_, "ADDRESS/LENGTH",
                               "For a TAP that berth creates: the kernel's address on its side");
    command_.add_option("--gateway", gateway_, "The router for all other networks")
        ->type_name("ADDRESS")
        ->group("The host");
    repeatable("--route", routes_, "'PREFIX via GATEWAY'",
               "A route: 'PREFIX via GATEWAY [dev LINK] [metric N]' or 'PREFIX dev LINK' "
               "(repeatable)");
    command_
        .add_flag("--forward", forward_,
                  "Be a router: pass packets on between the links (net.ipv4.ip_forward=1)")
        ->group("The host");
    command_
        .add_option("--dhcp-timeout", dhcp_timeout_s_,
                    "With --address dhcp: give up after so long (default: 30)")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 3600))
        ->group("The host");
    repeatable("--dns", dns_servers_, "ADDRESS",
               "A DNS server to ask for names, before those that DHCP names (repeatable)");
    command_
        .add_option("--hosts", hosts_file_,
                    "The file of names to look into first (default: /etc/hosts; '': none)")
        ->type_name("FILE")
        ->group("The host");
    command_
        .add_option("--name", name_, "The host's name, by which 'berth ss --host NAME' finds it")
        ->type_name("NAME")
        ->group("The host");
    repeatable("--sysctl", sysctls_, "NAME=VALUE",
               "Set a parameter, for example net.ipv4.tcp_syn_retries=10 (repeatable)");
    command_
        .add_option("--seed", seed_, "Seed of the host's random numbers (default: a random one)")
        ->type_name("NUMBER")
        ->group("The host");
    command_
        .add_option("--capture", capture_,
                    "Write every frame to a pcapng file, with a comment that names its fate")
        ->type_name("FILE")
        ->group("The host");
}

void HostArguments::add_to_link(HostPlan& plan, const CLI::Option& option,
                                std::size_t occurrence) const {
    if (&option == link_) {
        plan.links.push_back(link_plan(links_.at(occurrence)));
        return;
    }
    if (plan.links.empty())
        throw UsageError(
            fmt::format("{} belongs to a link; write --link before it", option.get_name()));
    LinkPlan& link = plan.links.back();
    if (&option == address_ && addresses_.at(occurrence) == "dhcp") {
        if (link.dhcp) throw UsageError("--address dhcp twice for one link; once is enough");
        if (link.kind == drivers::LinkUrlKind::pcapfile)
            throw UsageError(fmt::format(
                "--address dhcp: nobody answers in a capture file ({}); give an address",
                link.url));
        link.dhcp = true;
    } else if (&option == address_)
        link.addresses.push_back(address_with_network("--address", addresses_.at(occurrence)));
    if (&option == mac_) {
        if (link.mac) throw UsageError("--mac twice for one link; an interface has one");
        link.mac = hardware_address(macs_.at(occurrence));
    }
    if (&option == peer_address_) {
        if (link.kind != drivers::LinkUrlKind::tap)
            throw UsageError(
                fmt::format("--peer-address is for tap: links, and {} is none", link.url));
        link.peer_address = address_with_network("--peer-address", peer_addresses_.at(occurrence));
    }
}

bool HostArguments::are_given() const {
    for (const auto* option : command_.parse_order())
        if (option->get_group() == "The host") return true;
    return false;
}

void HostArguments::add_routes(HostPlan& plan) const {
    for (const auto& text : routes_) {
        const auto route = host::parse_route(text);
        if (!route) throw UsageError("--route: " + route.error());
        RoutePlan& added = plan.routes.emplace_back(RoutePlan{*route, {}});
        if (route->device.empty()) continue;
        for (std::size_t i = 0; i < plan.links.size(); ++i)
            if (route->device == plan.links[i].url ||
                route->device == host::short_link_name(plan.links[i].url))
                added.link = static_cast<int>(i);
        if (!added.link)
            throw UsageError(
                fmt::format("--route '{}': there is no --link {}", text, route->device));
    }
}

HostPlan HostArguments::plan() const {
    HostPlan plan;
    if (links_.empty())
        throw UsageError(
            "--link is missing; for example '--link tap:tap0 --address 192.0.2.2/24', or without "
            "root '--link unix:/tmp/lab.sock,listen'");
    // An option before the first --link means that link too, so links come first where there is
    // one.
    std::map<const CLI::Option*, std::size_t> seen;
    const bool one_link = links_.size() == 1;
    if (one_link) add_to_link(plan, *link_, 0);
    for (const auto* option : command_.parse_order()) {
        const bool per_link =
            option == link_ || option == address_ || option == mac_ || option == peer_address_;
        if (!per_link || (one_link && option == link_)) continue;
        add_to_link(plan, *option, seen[option]++);
    }
    for (const auto& link : plan.links)
        if (link.addresses.empty() && !link.dhcp)
            throw UsageError(fmt::format(
                "the link {} has no address; write --address 192.0.2.2/24 after it, or --address "
                "dhcp",
                link.url));
    const auto all = plan.addresses();
    for (auto i = all.begin(); i != all.end(); ++i)
        if (std::find(std::next(i), all.end(), *i) != all.end())
            throw UsageError(fmt::format("--address {} is given twice", to_string(*i)));
    if (!gateway_.empty()) {
        plan.gateway = parse_ipv4_address(gateway_);
        if (!plan.gateway)
            throw UsageError(fmt::format(
                "--gateway {}: not an IPv4 address; write it like 192.0.2.1", gateway_));
        const auto reaches = [&](const LinkPlan& link) {
            return std::any_of(link.addresses.begin(), link.addresses.end(),
                               [&](const auto& prefix) { return prefix.contains(*plan.gateway); });
        };
        if (std::none_of(plan.links.begin(), plan.links.end(), reaches))
            throw UsageError(fmt::format(
                "--gateway {}: not in the network of any --address; a gateway is a neighbour",
                gateway_));
        if (plan.has_address(*plan.gateway))
            throw UsageError(fmt::format("--gateway {}: that is the host itself", gateway_));
    }
    for (const auto& text : dns_servers_) {
        const auto server = parse_ipv4_address(text);
        if (!server)
            throw UsageError(
                fmt::format("--dns {}: not an IPv4 address; write it like 192.0.2.53", text));
        plan.options.dns_servers.push_back(*server);
    }
    plan.options.hosts_file = hosts_file_;
    plan.dhcp_timeout_s = dhcp_timeout_s_;
    add_routes(plan);
    plan.options.forward = forward_;
    plan.options.name = name_;
    plan.options.seed = seed_;
    plan.options.sysctls = sysctls_;
    plan.options.capture_file = capture_;
    check_options(plan.options);
    return plan;
}

namespace {

template <class T>
T& checked(Maybe<T>& result) {
    if (!result) throw Failure(result.error());
    return *result;
}

// The commands stand on lines of their own, ready to be copied.
void print_setup_hint(std::string_view hint) {
    fmt::print(stderr, "berth: nothing can reach this host yet; run:\n");
    while (!hint.empty()) {
        const auto end = hint.find('\n');
        if (end != 0) fmt::print(stderr, "  {}\n", escaped_line(hint.substr(0, end)));
        hint.remove_prefix(end == std::string_view::npos ? hint.size() : end + 1);
    }
}

}  // namespace

std::unique_ptr<Host> make_host(const HostPlan& plan) {
    auto made = Host::create(plan.options);
    std::unique_ptr<Host> host = std::move(checked(made));
    for (const auto& link : plan.links) {
        auto interface_index = host->add_link(link.url, link.mac, link.peer_address);
        for (const auto& prefix : link.addresses) {
            auto added = host->add_address(checked(interface_index), prefix);
            checked(added);
        }
        checked(interface_index);
        if (link.dhcp) {
            auto added = host->add_address_dhcp(*interface_index);
            checked(added);
        }
    }
    if (plan.gateway) {
        auto added = host->add_route({Ipv4Address{}, 0}, plan.gateway);
        checked(added);
    }
    for (const auto& [route, link] : plan.routes) {
        auto added = host->add_route(route.destination, route.gateway, link, route.metric);
        checked(added);
    }
    if (const auto hint = host->setup_hint(); !hint.empty()) print_setup_hint(hint);
    if (plan.uses_dhcp()) wait_for_leases(*host, plan.dhcp_timeout_s);
    return host;
}

}  // namespace berth::app
