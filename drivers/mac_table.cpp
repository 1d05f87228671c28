#include "drivers/mac_table.hpp"

namespace berth::drivers {

void MacTable::learn(MacAddress station, SwitchPort port) {
    if (station.is_group() || station.is_zero()) return;  // never the address of a sender
    const auto known = ports_.find(station);
    if (known != ports_.end() && (known->second == port || known->second == own_port)) return;
    if (counts_[port] >= max_stations_per_port) {
        ++not_learned_;
        return;
    }
    if (known != ports_.end()) {
        --counts_[known->second];
        known->second = port;
    } else {
        ports_.emplace(station, port);
    }
    ++counts_[port];
}

std::optional<SwitchPort> MacTable::find(MacAddress station) const {
    const auto known = ports_.find(station);
    if (known == ports_.end()) return std::nullopt;
    return known->second;
}

void MacTable::forget(SwitchPort port) {
    std::erase_if(ports_, [port](const auto& entry) { return entry.second == port; });
    counts_.erase(port);
}

}  // namespace berth::drivers
