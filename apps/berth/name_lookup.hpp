// Whom a command is to talk to: an address, or a name that the host looks up.
#pragma once

#include <string>

#include "berth/address.hpp"
#include "berth/host.hpp"

namespace berth::app {

// The first address. A descriptor that becomes readable (StopSignals::fd) ends the wait. Throws
// Failure with a sentence that says why not, and what to do.
Ipv4Address resolve_host(Host& host, const std::string& name, int stop_descriptor = -1);

}  // namespace berth::app
