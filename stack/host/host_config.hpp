// What can be set about the stack of one host.
#pragma once

#include "ip/ipv4.hpp"
#include "tcp/config.hpp"

namespace berth::host {

struct HostConfig {
    tcp::Config tcp{};
    ip::Config ip{};
};

}  // namespace berth::host
