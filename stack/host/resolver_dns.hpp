// DNS queries (RFC 1035) by c-ares over the host's own sockets.
#pragma once

#include <memory>
#include <string>

#include "host/resolver.hpp"

namespace berth::host {

// A records, through CNAMEs. Lock not held; threads mode; at least one server.
NameLookup ask_for_addresses(const std::shared_ptr<Core>& core, const Core::NameConfig& config,
                             const std::string& name, int stop_descriptor);
// A PTR record.
AddressLookup ask_for_name(const std::shared_ptr<Core>& core, const Core::NameConfig& config,
                           Ipv4Address address, int stop_descriptor);

}  // namespace berth::host
