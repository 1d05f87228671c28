#include "ip/group_memberships.hpp"

#include <algorithm>

namespace berth::ip {

std::vector<GroupMemberships::Group>::iterator GroupMemberships::find(
    link::InterfaceIndex interface_index, Ipv4Address group) {
    return std::find_if(groups_.begin(), groups_.end(), [&](const Group& each) {
        return each.interface_index == interface_index && each.address == group;
    });
}

GroupFilter GroupMemberships::filter_of(const Group& group) {
    if (group.any_source_users > 0) return {true, {}};
    GroupFilter filter;
    for (const Source& source : group.sources)
        filter.included.push_back(source.address);
    return filter;
}

void GroupMemberships::tell(const Group& group, const GroupFilter& before, Time now) const {
    const GroupFilter after = filter_of(group);
    if (listener_ != nullptr && after != before)
        listener_->on_group_change(group.interface_index, group.address, before, after, now);
}

std::errc GroupMemberships::join(link::InterfaceIndex interface_index, Ipv4Address group, Time now,
                                 Ipv4Address source) {
    auto at = find(interface_index, group);
    if (at == groups_.end()) {
        if (groups_.size() == limit_groups) return std::errc::no_buffer_space;
        at = groups_.insert(groups_.end(), Group{interface_index, group, 0, {}});
    }
    const GroupFilter before = filter_of(*at);
    if (source.is_unspecified()) {
        ++at->any_source_users;
    } else {
        const auto place = std::lower_bound(
            at->sources.begin(), at->sources.end(), source,
            [](const Source& each, Ipv4Address address) { return each.address < address; });
        if (place != at->sources.end() && place->address == source) {
            ++place->users;
        } else if (at->sources.size() == limit_sources) {
            return std::errc::no_buffer_space;
        } else {
            at->sources.insert(place, {source, 1});
        }
    }
    tell(*at, before, now);
    return {};
}

void GroupMemberships::leave(link::InterfaceIndex interface_index, Ipv4Address group, Time now,
                             Ipv4Address source) {
    const auto at = find(interface_index, group);
    if (at == groups_.end()) return;
    const GroupFilter before = filter_of(*at);
    if (source.is_unspecified()) {
        if (at->any_source_users > 0) --at->any_source_users;
    } else {
        const auto place = std::find_if(at->sources.begin(), at->sources.end(),
                                        [&](const Source& each) { return each.address == source; });
        if (place == at->sources.end()) return;
        if (--place->users == 0) at->sources.erase(place);
    }
    const Group left = *at;
    if (left.any_source_users == 0 && left.sources.empty()) groups_.erase(at);
    tell(left, before, now);
}

bool GroupMemberships::is_member(link::InterfaceIndex interface_index, Ipv4Address group) const {
    return std::any_of(groups_.begin(), groups_.end(), [&](const Group& each) {
        return each.interface_index == interface_index && each.address == group;
    });
}

GroupFilter GroupMemberships::filter(link::InterfaceIndex interface_index,
                                     Ipv4Address group) const {
    for (const Group& each : groups_) {
        if (each.interface_index == interface_index && each.address == group)
            return filter_of(each);
    }
    return {};
}

}  // namespace berth::ip
