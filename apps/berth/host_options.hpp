// The options of every command that makes a host, and the host made from them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/address.hpp"
#include "berth/host.hpp"
#include "drivers/link_url.hpp"
#include "host/route_text.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace berth::app {

// One --link and what followed it: each link is one interface.
struct LinkPlan {
    std::string url;
    std::vector<Ipv4Prefix> addresses;
    bool dhcp = false;  // --address dhcp
    std::optional<MacAddress> mac{};
    std::optional<Ipv4Prefix> peer_address{};
    drivers::LinkUrlKind kind = drivers::LinkUrlKind::tap;
};

// One --route, with the number of its link where it names one.
struct RoutePlan {
    host::RouteText route;
    std::optional<int> link{};
};

struct HostPlan {
    std::vector<LinkPlan> links;
    std::vector<RoutePlan> routes{};
    std::optional<Ipv4Address> gateway{};
    HostOptions options{};

    int dhcp_timeout_s = 30;

    bool uses_dhcp() const;
    // Once the host is made, what DHCP got for each link is among its addresses.
    void add_leases(const Host& host);
    std::vector<Ipv4Address> addresses() const;
    bool has_address(Ipv4Address address) const;
};

// Adds --link, --address, --mac, --peer-address, --gateway, --route, --forward, --name, --sysctl,
// --seed and --capture; --dns, --hosts and --dhcp-timeout.
class HostArguments {
  public:
    explicit HostArguments(CLI::App& command);
    // Throws UsageError where they make no sense together.
    HostPlan plan() const;
    // False: not one of them was given, so a command that can do without asks a running host.
    bool are_given() const;

  private:
    void add_routes(HostPlan& plan) const;
    void add_to_link(HostPlan& plan, const CLI::Option& option, std::size_t occurrence) const;

    CLI::App& command_;
    CLI::Option* link_ = nullptr;
    CLI::Option* address_ = nullptr;
    CLI::Option* mac_ = nullptr;
    CLI::Option* peer_address_ = nullptr;
    std::vector<std::string> links_, addresses_, macs_, peer_addresses_, routes_, sysctls_;
    bool forward_ = false;
    std::string gateway_, name_, capture_;
    std::vector<std::string> dns_servers_;
    std::string hosts_file_{HostOptions{}.hosts_file};
    int dhcp_timeout_s_ = HostPlan{}.dhcp_timeout_s;
    std::optional<std::uint64_t> seed_{};
};

// Throws Failure, also if a DHCP server gives no address in time. Says on standard error what is
// still missing on the other side of the link.
std::unique_ptr<Host> make_host(const HostPlan& plan);

}  // namespace berth::app
