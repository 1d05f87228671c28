// What the congestion controls are called (TCP_CONGESTION, net.ipv4.tcp_congestion_control).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace berth::tcp {

inline constexpr std::array<std::string_view, 1> congestion_names{"reno"};

constexpr std::optional<std::size_t> congestion_named(std::string_view name) {
    for (std::size_t i = 0; i < congestion_names.size(); ++i)
        if (congestion_names[i] == name) return i;
    return std::nullopt;
}

}  // namespace berth::tcp
