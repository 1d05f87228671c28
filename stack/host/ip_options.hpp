// The options whose values are structures: interfaces and groups, and what raw sockets filter.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "host/call.hpp"

namespace berth::host {

// What berth_setsockopt and berth_getsockopt return (with errno); nothing: not one of these.
std::optional<int> set_structured_option(Call& call, int level, int name, const void* value,
                                         socklen_t length);
std::optional<int> get_structured_option(Call& call, int level, int name, void* value,
                                         socklen_t* length);

}  // namespace berth::host
