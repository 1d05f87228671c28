// Listeners and datagram sockets for a list of services, on one event loop.
#pragma once

#include <vector>

#include "apps/berth/services/event_loop.hpp"
#include "apps/berth/services/service_spec.hpp"
#include "berth/host.hpp"

namespace berth::app {

// Connections that a server holds at a time. Beyond it no more are accepted: they wait in the
// listeners' backlogs, and what does not fit there the stack turns away.
inline constexpr std::size_t connection_limit = 4096;
inline constexpr int listener_backlog = 512;

// Throws Failure where a socket cannot be had, UsageError where a directory cannot be served.
void start_services(EventLoop& loop, Host& host, const std::vector<ServiceSpec>& services,
                    const std::vector<Ipv4Address>& host_addresses);

}  // namespace berth::app
