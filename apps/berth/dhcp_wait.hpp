// --address dhcp: what a command does until a server has given the host its addresses.
#pragma once

#include "berth/host.hpp"

namespace berth::app {

// Throws Failure after so many seconds, or when SIGINT or SIGTERM waits to be taken.
void wait_for_leases(Host& host, int timeout_s);

}  // namespace berth::app
