// What a DHCP server offers, read from its message and checked: nothing of it is used before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "wire/dhcp.hpp"

namespace berth::services {

struct DhcpRoute {
    Ipv4Prefix destination;
    Ipv4Address gateway;  // unspecified: the destination is on the link

    constexpr bool operator==(const DhcpRoute&) const = default;
};

struct DhcpLease {
    // What of a server's lists is used; the rest is passed over.
    static constexpr std::size_t limit_routes = 64;
    static constexpr std::size_t limit_dns_servers = 8;
    static constexpr std::size_t limit_domain_bytes = 253;  // of a name in text (RFC 1035 §2.3.4)
    // RFC 791: every host takes 576 bytes; a server that asks for less is not obeyed.
    static constexpr std::uint16_t least_mtu_bytes = 576;
    static constexpr std::uint32_t infinite_s = 0xffffffff;  // RFC 2131 §3.3

    Ipv4Prefix address;
    Ipv4Address server;  // its identifier
    std::vector<DhcpRoute> routes;
    std::vector<Ipv4Address> dns_servers;
    std::string domain;     // empty: none, or it was no domain's name
    std::uint16_t mtu = 0;  // 0: the link's
    std::uint32_t lease_s = 0;
    std::uint32_t renewal_s = 0;    // T1; 0: the server named none that makes sense
    std::uint32_t rebinding_s = 0;  // T2; likewise

    bool is_infinite() const { return lease_s == infinite_s; }
    bool operator==(const DhcpLease&) const = default;
};

// Why an OFFER or ACK cannot be used.
enum class LeaseProblem : std::uint8_t {
    no_server,    // the server identifier is missing or names no host
    bad_address,  // yiaddr is no address that a host can have
    bad_mask,     // the subnet mask has holes, or leaves the host no place in it
    bad_time,     // no lease time, or zero
};

Result<DhcpLease, LeaseProblem> parse_lease(const wire::DhcpView& message);

// Labels of letters, digits, dashes and underscores, as in a host's name (RFC 1123 §2.1).
bool is_domain_name(std::string_view name);

}  // namespace berth::services
