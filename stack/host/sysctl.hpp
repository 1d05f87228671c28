// Tunables by the names that Linux gives them (sysctl(8), ip-sysctl), and a few of berth's own.
#pragma once

#include <span>
#include <string>
#include <string_view>

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
};
std::span<const SysctlText> sysctl_texts();

}  // namespace berth::host
