#include "ip/joined_groups.hpp"

#include <algorithm>
#include <utility>

namespace berth::ip {

namespace {

// The interface that was named, if there is one, else that by which the group is reached.
std::optional<link::InterfaceIndex> interface_for(Ipv4& ip, Ipv4Address group,
                                                  std::optional<link::InterfaceIndex> named) {
    if (named) return ip.interfaces().has(*named) ? named : std::nullopt;
    const auto path = ip.route(group);
    if (!path) return std::nullopt;
    return path->interface_index;
}

}  // namespace

std::vector<JoinedGroups::Joined>::iterator JoinedGroups::find(
    Ipv4Address group, link::InterfaceIndex interface_index) {
    return std::find_if(joined_.begin(), joined_.end(), [&](const Joined& each) {
        return each.group == group && each.interface_index == interface_index;
    });
}

std::errc JoinedGroups::join(Ipv4& ip, Ipv4Address group,
                             std::optional<link::InterfaceIndex> interface_index,
                             Ipv4Address source, Time now) {
    if (!group.is_multicast()) return std::errc::invalid_argument;
    const auto by = interface_for(ip, group, interface_index);
    if (!by) return std::errc::no_such_device;
    const bool from_one = !source.is_unspecified();
    const auto known = find(group, *by);
    if (known != joined_.end()) {
        if (!from_one) {
            return known->sources.empty() ? std::errc::address_in_use : std::errc::invalid_argument;
        }
        auto& sources = known->sources;
        if (sources.empty()) return std::errc::invalid_argument;
        if (std::find(sources.begin(), sources.end(), source) != sources.end())
            return std::errc::address_not_available;
        if (sources.size() == limit_sources) return std::errc::no_buffer_space;
        const std::errc error = ip.groups().join(*by, group, now, source);
        if (error == std::errc{}) sources.push_back(source);
        return error;
    }
    if (joined_.size() == limit_groups) return std::errc::no_buffer_space;
    if (const std::errc error = ip.groups().join(*by, group, now, source); error != std::errc{})
        return error;
    joined_.push_back({group, *by, {}});
    if (from_one) joined_.back().sources.push_back(source);
    return {};
}

std::errc JoinedGroups::leave(Ipv4& ip, Ipv4Address group,
                              std::optional<link::InterfaceIndex> interface_index,
                              Ipv4Address source, Time now) {
    if (!group.is_multicast()) return std::errc::invalid_argument;
    const auto by = interface_for(ip, group, interface_index);
    if (!by) return std::errc::no_such_device;
    const auto known = find(group, *by);
    if (known == joined_.end()) return std::errc::address_not_available;
    if (!source.is_unspecified()) {
        if (known->sources.empty()) return std::errc::invalid_argument;
        if (std::erase(known->sources, source) == 0) return std::errc::address_not_available;
        ip.groups().leave(*by, group, now, source);
        if (known->sources.empty()) joined_.erase(known);
        return {};
    }
    const Joined left = std::move(*known);
    joined_.erase(known);
    leave(ip, left, now);
    return {};
}

void JoinedGroups::leave_all(Ipv4& ip, Time now) {
    for (const Joined& each : joined_)
        leave(ip, each, now);
    joined_.clear();
}

void JoinedGroups::leave(Ipv4& ip, const Joined& left, Time now) {
    if (left.sources.empty()) ip.groups().leave(left.interface_index, left.group, now);
    for (const Ipv4Address source : left.sources)
        ip.groups().leave(left.interface_index, left.group, now, source);
}

std::optional<bool> JoinedGroups::wants(Ipv4Address group, link::InterfaceIndex interface_index,
                                        Ipv4Address source) const {
    for (const Joined& each : joined_) {
        if (each.group != group || each.interface_index != interface_index) continue;
        return each.sources.empty() ||
               std::find(each.sources.begin(), each.sources.end(), source) != each.sources.end();
    }
    return std::nullopt;
}

}  // namespace berth::ip
