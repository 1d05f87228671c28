// The small services of RFC 862 to 868: one connection or one datagram socket each.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "apps/berth/services/event_loop.hpp"
#include "apps/berth/services/service_spec.hpp"
#include "berth/net.hpp"

namespace berth::app {

// A connection of the service (any but http).
std::unique_ptr<Activity> make_small_session(ServiceKind kind, TcpConnection connection,
                                             Moment now);

// The service on a datagram socket. It does not answer requests that come from a port where such a
// service may live: two of them would talk to each other for ever (RFC 862 and its like have no
// end). Pass the ports that this program itself serves; the assigned ones are always among them.
std::unique_ptr<Activity> make_small_datagram_service(ServiceKind kind, UdpSocket socket,
                                                      std::span<const Port> service_ports);

}  // namespace berth::app
