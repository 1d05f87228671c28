// Interfaces as programs name them: by number, by name, or by one of their addresses.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "berth/address.hpp"
#include "stack.hpp"

namespace berth::host {

// The number that ip_mreqn, in_pktinfo and berth_if_nametoindex speak of; zero is none. As on
// Linux the loopback interface is 1; links follow in the order in which they were added.
constexpr unsigned number_of(link::InterfaceIndex index) {
    return link::Interfaces::is_loopback(index) ? 1 : index + 2;
}
// Nothing: the stack has no such interface.
std::optional<link::InterfaceIndex> interface_numbered(const Stack& stack, unsigned number);

// By its whole name ("tap:tap0,loss=1%", "lo"), by that without its options ("tap:tap0"), or by
// what stands after the kind of link ("tap0"): the first that fits.
std::optional<link::InterfaceIndex> interface_named(const Stack& stack, std::string_view name);

// The one that has the address.
std::optional<link::InterfaceIndex> interface_with(const Stack& stack, Ipv4Address address);

// Our address on that interface that somebody at `peer` would speak to; unspecified: it has none.
Ipv4Address address_on(const Stack& stack, link::InterfaceIndex index, Ipv4Address peer = {});

}  // namespace berth::host
