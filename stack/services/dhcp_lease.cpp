#include "services/dhcp_lease.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

namespace berth::services {

namespace {

namespace option = wire::dhcp_option;

constexpr std::size_t address_bytes = 4;
constexpr std::size_t max_label_bytes = 63;
// A classless route: its prefix length, up to four bytes of network, the router (RFC 3442).
constexpr std::size_t max_route_bytes = 9;

bool is_host(Ipv4Address address) {
    return !address.is_this_network() && !address.is_loopback() && !address.is_multicast() &&
           !address.is_reserved() && !address.is_limited_broadcast();
}

// What a network had before there were masks; RFC 2131 leaves it to the client when option 1 is
// missing, and this is what others do.
std::uint8_t class_length(Ipv4Address address) {
    if (address.value >> 31 == 0) return 8;
    return address.value >> 30 == 2 ? 16 : 24;
}

std::optional<std::uint8_t> prefix_length(const wire::DhcpView& message) {
    if (!message.has_option(option::subnet_mask)) return class_length(message.your_address());
    const auto mask = message.option_u32(option::subnet_mask);
    if (!mask || *mask == 0) return std::nullopt;
    const int ones = std::countl_one(*mask);
    if (std::popcount(*mask) != ones) return std::nullopt;
    return static_cast<std::uint8_t>(ones);
}

template <std::size_t Count>
std::vector<Ipv4Address> addresses(const wire::DhcpView& message, std::uint8_t code) {
    std::array<std::uint8_t, Count * address_bytes> contents{};
    const std::size_t length = message.copy_option(code, contents).value_or(0);
    std::vector<Ipv4Address> found;
    if (length % address_bytes != 0) return found;  // RFC 2132: a multiple of four
    for (std::size_t at = 0; at < std::min(length, contents.size()); at += address_bytes) {
        const Ipv4Address address(load_be32(contents, at));
        const bool known = std::find(found.begin(), found.end(), address) != found.end();
        if (is_host(address) && !known) found.push_back(address);
    }
    return found;
}

// RFC 3442: descriptors one after the other; one that is cut short ends the list.
std::vector<DhcpRoute> classless_routes(const wire::DhcpView& message) {
    std::array<std::uint8_t, DhcpLease::limit_routes * max_route_bytes> contents{};
    const std::size_t length = message.copy_option(option::classless_routes, contents).value_or(0);
    Bytes rest = Bytes(contents).first(std::min(length, contents.size()));
    std::vector<DhcpRoute> routes;
    while (!rest.empty() && routes.size() < DhcpLease::limit_routes) {
        const std::uint8_t width = rest[0];
        const std::size_t significant = (width + 7U) / 8;
        if (width > 32 || rest.size() < 1 + significant + address_bytes) break;
        std::uint32_t network = 0;
        for (std::size_t i = 0; i < significant; ++i)
            network |= std::uint32_t{rest[1 + i]} << (24 - 8 * i);
        Ipv4Prefix destination{Ipv4Address(network), width};
        destination.address = destination.network();  // bits beyond the mask do not count
        const Ipv4Address gateway(load_be32(rest, 1 + significant));
        const bool usable = (gateway.is_unspecified() || is_host(gateway)) &&
                            !destination.address.is_multicast() &&
                            !destination.address.is_loopback();
        const DhcpRoute route{destination, gateway};
        const bool known = std::find(routes.begin(), routes.end(), route) != routes.end();
        if (usable && !known) routes.push_back(route);
        rest = rest.subspan(1 + significant + address_bytes);
    }
    return routes;
}

// RFC 3442: where there is an option of classless routes the router option does not count.
std::vector<DhcpRoute> routes_of(const wire::DhcpView& message) {
    if (message.has_option(option::classless_routes)) return classless_routes(message);
    std::vector<DhcpRoute> routes;
    const auto routers = addresses<1>(message, option::router);
    // The first is the preferred one (RFC 2132 §3.5).
    if (!routers.empty() && routers.front() != message.your_address())
        routes.push_back({{Ipv4Address{}, 0}, routers.front()});
    return routes;
}

std::string domain_of(const wire::DhcpView& message) {
    std::array<std::uint8_t, DhcpLease::limit_domain_bytes> contents{};
    const std::size_t length = message.copy_option(option::domain_name, contents).value_or(0);
    if (length == 0 || length > contents.size()) return {};
    std::string name(contents.begin(), contents.begin() + static_cast<std::ptrdiff_t>(length));
    while (!name.empty() && (name.back() == '\0' || name.back() == '.'))
        name.pop_back();  // some servers count the C string's end
    return is_domain_name(name) ? name : std::string{};
}

}  // namespace

bool is_domain_name(std::string_view name) {
    if (name.empty() || name.size() > DhcpLease::limit_domain_bytes) return false;
    std::size_t label = 0;
    for (const char c : name) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
            continue;
        }
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!allowed || ++label > max_label_bytes) return false;
    }
    return label > 0;
}

Result<DhcpLease, LeaseProblem> parse_lease(const wire::DhcpView& message) {
    DhcpLease lease;
    const auto server = message.option_address(option::server_identifier);
    if (!server || !is_host(*server)) return Failure{LeaseProblem::no_server};
    lease.server = *server;

    const Ipv4Address address = message.your_address();
    if (!is_host(address) || address == *server) return Failure{LeaseProblem::bad_address};
    const auto length = prefix_length(message);
    if (!length) return Failure{LeaseProblem::bad_mask};
    lease.address = {address, *length};
    if (lease.address.has_broadcast() &&
        (address == lease.address.network() || address == lease.address.broadcast()))
        return Failure{LeaseProblem::bad_mask};

    lease.lease_s = message.option_u32(option::lease_time).value_or(0);
    if (lease.lease_s == 0) return Failure{LeaseProblem::bad_time};
    lease.renewal_s = message.option_u32(option::renewal_time).value_or(0);
    lease.rebinding_s = message.option_u32(option::rebinding_time).value_or(0);

    lease.routes = routes_of(message);
    lease.dns_servers = addresses<DhcpLease::limit_dns_servers>(message, option::dns_servers);
    lease.domain = domain_of(message);
    const std::uint16_t mtu = message.option_u16(option::interface_mtu).value_or(0);
    lease.mtu = mtu >= DhcpLease::least_mtu_bytes ? mtu : std::uint16_t{0};
    return lease;
}

}  // namespace berth::services
