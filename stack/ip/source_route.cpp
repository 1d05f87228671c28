#include "ip/source_route.hpp"

#include <algorithm>

#include "wire/ipv4_options.hpp"

namespace berth::ip {

namespace {

constexpr std::size_t pointer_at = 2;
constexpr std::size_t first_address_at = 3;
constexpr std::size_t address_bytes = 4;
constexpr std::uint8_t pointer_to_first = 4;  // counted from one

bool is_source_route(Bytes option) {
    return option[0] == wire::ipv4_option::loose_source_route ||
           option[0] == wire::ipv4_option::strict_source_route;
}

// The addresses of the option, in its order; nothing where they are not whole or name no host.
std::optional<SourceRoute> addresses_of(Bytes option) {
    if (option.size() < first_address_at + address_bytes) return std::nullopt;
    const std::size_t bytes = option.size() - first_address_at;
    if (bytes % address_bytes != 0 || bytes / address_bytes > SourceRoute::max_hops)
        return std::nullopt;
    SourceRoute route;
    route.strict = option[0] == wire::ipv4_option::strict_source_route;
    for (std::size_t at = first_address_at; at < option.size(); at += address_bytes) {
        const Ipv4Address hop(load_be32(option, at));
        if (hop.is_unspecified() || hop.is_multicast() || hop.is_loopback()) return std::nullopt;
        route.hops[route.count++] = hop;
    }
    return route;
}

}  // namespace

std::size_t SourceRoute::write(Ipv4Address destination, MutableBytes to) const {
    if (empty()) return 0;
    const std::size_t length = first_address_at + address_bytes * count;
    to[0] = strict ? wire::ipv4_option::strict_source_route : wire::ipv4_option::loose_source_route;
    to[1] = static_cast<std::uint8_t>(length);
    to[pointer_at] = pointer_to_first;
    for (std::size_t i = 1; i <= count; ++i) {
        const Ipv4Address next = i < count ? hops[i] : destination;
        store_be32(to, first_address_at + address_bytes * (i - 1), next.value);
    }
    return length;
}

std::size_t SourceRoute::write_as_given(MutableBytes to) const {
    std::array<std::uint8_t, max_bytes> option{};
    const std::size_t length = write({}, option);
    for (std::size_t i = 0; i < count; ++i)
        store_be32(option, first_address_at + address_bytes * i, hops[i].value);
    const std::size_t copied = std::min(length, to.size());
    std::copy_n(option.begin(), copied, to.begin());
    return copied;
}

std::optional<SourceRoute> SourceRoute::from_options(Bytes options) {
    std::optional<SourceRoute> route;
    bool good = options.size() <= max_bytes;
    good = wire::walk_options(options,
                              [&](Bytes option) {
                                  good = good && !route && is_source_route(option) &&
                                         option.size() > pointer_at &&
                                         option[pointer_at] == pointer_to_first;
                                  if (good) route = addresses_of(option);
                                  good = good && route;
                              }) &&
           good;
    if (!good) return std::nullopt;
    return route ? route : SourceRoute{};
}

std::optional<SourceRoute> SourceRoute::back_from(const wire::Ipv4View& packet) {
    std::optional<SourceRoute> route;
    wire::walk_options(packet.options(), [&](Bytes option) {
        if (!is_source_route(option) || option.size() <= pointer_at) return;
        // Completed: the pointer is beyond the end.
        if (option[pointer_at] > option.size()) route = addresses_of(option);
    });
    if (route) std::reverse(route->hops.begin(), route->hops.begin() + route->count);
    return route;
}

}  // namespace berth::ip
