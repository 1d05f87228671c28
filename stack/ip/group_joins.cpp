#include "ip/group_joins.hpp"

#include <algorithm>

namespace berth::ip {

namespace {

std::optional<link::InterfaceIndex> interface_for(
    const Ipv4& ip, Ipv4Address group, std::optional<link::InterfaceIndex> interface_index) {
    if (interface_index)
        return ip.interfaces().has(*interface_index) ? interface_index : std::nullopt;
    const auto path = ip.route(group);
    if (!path) return std::nullopt;
    return path->interface_index;
}

}  // namespace

std::errc GroupJoins::join(Ipv4& ip, Ipv4Address group,
                           std::optional<link::InterfaceIndex> interface_index, Ipv4Address source,
                           Time now) {
    if (!group.is_multicast()) return std::errc::invalid_argument;
    const auto index = interface_for(ip, group, interface_index);
    if (!index) return std::errc::address_not_available;
    const bool clashes = std::any_of(joins_.begin(), joins_.end(), [&](const Join& each) {
        return each.group == group && each.interface_index == *index &&
               (each.source == source || each.source.is_unspecified() || source.is_unspecified());
    });
    if (clashes) return std::errc::address_in_use;
    const std::errc error = ip.groups().join(*index, group, now, source);
    if (error == std::errc{}) joins_.push_back({group, *index, source});
    return error;
}

std::errc GroupJoins::leave(Ipv4& ip, Ipv4Address group,
                            std::optional<link::InterfaceIndex> interface_index, Ipv4Address source,
                            Time now) {
    const auto at = std::find_if(joins_.begin(), joins_.end(), [&](const Join& each) {
        return each.group == group && each.source == source &&
               (!interface_index || each.interface_index == *interface_index);
    });
    if (at == joins_.end()) return std::errc::address_not_available;
    const Join left = *at;
    joins_.erase(at);
    ip.groups().leave(left.interface_index, left.group, now, left.source);
    return {};
}

void GroupJoins::leave_all(Ipv4& ip, Time now) {
    for (const Join& each : joins_)
        ip.groups().leave(each.interface_index, each.group, now, each.source);
    joins_.clear();
}

bool GroupJoins::hears(Ipv4Address group, link::InterfaceIndex interface_index,
                       Ipv4Address source) const {
    bool joined = false;
    for (const Join& each : joins_) {
        if (each.group != group || each.interface_index != interface_index) continue;
        if (each.source.is_unspecified() || each.source == source) return true;
        joined = true;
    }
    return !joined && hears_all;
}

}  // namespace berth::ip
