// What a host says of itself over its control socket, as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "berth/host.hpp"
#include "host/core.hpp"

namespace berth::host {

// The rows of both APIs. Lock not held.
std::vector<SocketRow> socket_rows(Core& core);
std::vector<DropRow> drop_rows(Core& core);
std::vector<DhcpRow> dhcp_rows(Core& core);

// `request` is "ss", "ss details", "drops", "info", or one of counter_reports.hpp or
// network_reports.hpp. Lock not held.
std::string answer_control(Core& core, const std::string& name, std::string_view request);

}  // namespace berth::host
