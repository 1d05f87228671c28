// getsockopt(TCP_INFO): a connection's own view of itself in Linux's layout (linux/tcp.h).
#pragma once

#include <sys/socket.h>

#include "host/call.hpp"

namespace berth::host {

// What berth_getsockopt returns, with errno. As Linux: cut to the caller's room; a listener tells
// how many connections wait, and how many may, as `unacked` and `sacked`.
int get_tcp_info(Call& call, void* value, socklen_t* length);

}  // namespace berth::host
