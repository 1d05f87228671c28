#include "ip/group_joins.hpp"

#include <algorithm>

namespace berth::ip {

namespace {

// The interface that was named, if there is one, else that by which the group is reached.
std::optional<link::InterfaceIndex> interface_for(const Ipv4& ip, Ipv4Address group,
                                                  std::optional<link::InterfaceIndex> named) {
    if (named) return ip.interfaces().has(*named) ? named : std::nullopt;
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
    if (!index) return std::errc::no_such_device;
    std::size_t groups = 0;  // apart from this one
    std::size_t sources = 0;
    for (auto each = joins_.begin(); each != joins_.end(); ++each) {
        if (each->group != group || each->interface_index != *index) {
            const bool is_first = std::none_of(joins_.begin(), each, [&](const Join& earlier) {
                return earlier.group == each->group &&
                       earlier.interface_index == each->interface_index;
            });
            groups += is_first ? 1 : 0;
            continue;
        }
        if (each->source.is_unspecified() != source.is_unspecified())
            return std::errc::invalid_argument;
        if (each->source == source) {
            return source.is_unspecified() ? std::errc::address_in_use
                                           : std::errc::address_not_available;
        }
        ++sources;
    }
    if (sources == limit_sources || (sources == 0 && groups == limit_groups))
        return std::errc::no_buffer_space;
    const std::errc error = ip.groups().join(*index, group, now, source);
    if (error == std::errc{}) joins_.push_back({group, *index, source});
    return error;
}

std::errc GroupJoins::leave(Ipv4& ip, Ipv4Address group,
                            std::optional<link::InterfaceIndex> interface_index, Ipv4Address source,
                            Time now) {
    if (!group.is_multicast()) return std::errc::invalid_argument;
    const auto index = interface_for(ip, group, interface_index);
    if (!index) return std::errc::no_such_device;
    const auto kept = std::stable_partition(joins_.begin(), joins_.end(), [&](const Join& each) {
        return each.group != group || each.interface_index != *index ||
               (!source.is_unspecified() && each.source != source);
    });
    if (kept == joins_.end()) return std::errc::address_not_available;
    const std::vector<Join> left(kept, joins_.end());
    joins_.erase(kept, joins_.end());
    for (const Join& each : left)
        ip.groups().leave(each.interface_index, each.group, now, each.source);
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
