// Tunables by the names that Linux gives them (sysctl(8), ip-sysctl), and a few of berth's own.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/host_config.hpp"

namespace berth::host {

// Applies "name=value" to the configuration. Not empty: what is wrong and what would be right.
std::string apply_sysctl(std::string_view assignment, HostConfig& config);

// All names, for help texts, in the order of the table.
struct SysctlText {
    std::string_view name;
    std::string_view unit;
    long long least;
    long long greatest;
    std::size_t numbers = 1;  // 3: "least default greatest", as Linux writes tcp_rmem and tcp_wmem
};
std::span<const SysctlText> sysctl_texts();

// All of them as they stand, in the order of the table; the values as apply_sysctl takes them.
struct SysctlValue {
    std::string_view name;
    std::string value;
};
std::vector<SysctlValue> sysctl_values(const HostConfig& config);

}  // namespace berth::host
