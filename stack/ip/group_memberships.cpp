#include "ip/group_memberships.hpp"

#include <algorithm>

namespace berth::ip {

std::errc GroupMemberships::join(link::InterfaceIndex interface_index, Ipv4Address group, Time) {
    for (Group& each : groups_) {
        if (each.interface_index != interface_index || each.address != group) continue;
        ++each.users;
        return {};
    }
    if (groups_.size() == limit_groups) return std::errc::no_buffer_space;
    groups_.push_back({interface_index, group, 1});
    return {};
}

void GroupMemberships::leave(link::InterfaceIndex interface_index, Ipv4Address group, Time) {
    for (auto each = groups_.begin(); each != groups_.end(); ++each) {
        if (each->interface_index != interface_index || each->address != group) continue;
        if (--each->users == 0) groups_.erase(each);
        return;
    }
}

bool GroupMemberships::is_member(link::InterfaceIndex interface_index, Ipv4Address group) const {
    return std::any_of(groups_.begin(), groups_.end(), [&](const Group& each) {
        return each.interface_index == interface_index && each.address == group;
    });
}

}  // namespace berth::ip
