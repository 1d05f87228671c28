// Services have names (RFC 6335): the system's table, and where it has none, those that serve
// knows.
#pragma once

#include <optional>
#include <string>

#include "berth/address.hpp"

namespace berth::app {

// Empty: none. The dynamic ports have no names, whatever a table says.
std::string service_name(Port port, const std::string& protocol);
std::optional<Port> service_port(const std::string& name, const std::string& protocol);

// The name of an IP protocol: "icmp". Empty: it has none.
std::string protocol_name(unsigned number);

}  // namespace berth::app
