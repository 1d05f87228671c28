// Everything that a host counts, by the names that nstat shows: those of the MIBs (RFC 4293, 4113,
// 4022) and of Linux's TcpExt where the meaning is the same; what only berth counts is in the
// groups Link and Berth. Why packets were dropped is counted one by one (`berth drops`) and summed
// up here.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "host/core.hpp"

namespace berth::host {

struct CounterRow {
    std::string_view group;  // "Tcp", "TcpExt", "Ip" …
    std::string_view name;   // "ActiveOpens"
    std::uint64_t value = 0;
    bool is_gauge = false;  // as it is now, or a constant; else it only grows
};

// In nstat's order of groups. Lock held.
std::vector<CounterRow> counter_rows(const Stack& stack);

// Answers "nstat" and "sysctl". False: neither of them. Lock not held.
bool answer_numbers(Core& core, std::string_view request, nlohmann::ordered_json& answer);

}  // namespace berth::host
