// A new descriptor on a host, for both APIs.
#pragma once

#include <memory>

#include "host/core.hpp"

namespace berth::host {

// With the arguments and errors of socket(2); a null host: ENETDOWN.
int make_socket(const std::shared_ptr<Core>& core, int domain, int type, int protocol);

}  // namespace berth::host
