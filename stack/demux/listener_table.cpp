#include "demux/listener_table.hpp"

#include <algorithm>
#include <utility>

namespace berth::demux {
namespace {

constexpr std::size_t initial_groups = 8;

bool address_below(const LocalBinding* binding, Ipv4Address address) {
    return binding->local.address < address;
}

}  // namespace

LocalBinding* ListenerTable::PortGroup::at(Ipv4Address address) const {
    const auto found =
        std::lower_bound(at_addresses.begin(), at_addresses.end(), address, address_below);
    return found != at_addresses.end() && (*found)->local.address == address ? *found : nullptr;
}

LocalBinding** ListenerTable::PortGroup::place_of(const Endpoint& local) {
    if (local.address.is_unspecified()) return wildcard == nullptr ? nullptr : &wildcard;
    const auto found =
        std::lower_bound(at_addresses.begin(), at_addresses.end(), local.address, address_below);
    const bool here = found != at_addresses.end() && (*found)->local.address == local.address;
    return here ? &*found : nullptr;
}

std::uint64_t ListenerTable::hash_of(const FourTuple& four_tuple) const {
    const auto word = [](const Endpoint& end) {
        return std::uint64_t{end.address.value} << 16 | end.port;
    };
    return siphash_1_3(key_, word(four_tuple.local), word(four_tuple.remote));
}

LocalBinding* ListenerTable::member_for(LocalBinding* group, const FourTuple& four_tuple) const {
    if (group->next_in_group == nullptr) return group;
    return choose(group, four_tuple, [](const LocalBinding&) { return true; });
}

std::size_t ListenerTable::home(Port port) const {
    return static_cast<std::size_t>(siphash_1_3(key_, port, 0)) & (groups_.size() - 1);
}

const ListenerTable::PortGroup* ListenerTable::group_of(Port port) const {
    if (groups_.empty()) return nullptr;
    for (std::size_t i = home(port);; i = (i + 1) & (groups_.size() - 1)) {
        if (groups_[i].vacant()) return nullptr;
        if (groups_[i].port == port) return &groups_[i];
    }
}

ListenerTable::Match ListenerTable::find(const Endpoint& local, const Endpoint& remote) const {
    const PortGroup* group = group_of(local.port);
    if (group == nullptr) return {};
    if (LocalBinding* first = group->at(local.address)) {
        return {member_for(first, {local, remote}), DemuxMatch::listener_address};
    }
    if (group->wildcard != nullptr)
        return {member_for(group->wildcard, {local, remote}), DemuxMatch::listener_wildcard};
    return {};
}

LocalBinding* ListenerTable::find_exact(const Endpoint& local) const {
    const PortGroup* group = group_of(local.port);
    if (group == nullptr) return nullptr;
    return local.address.is_unspecified() ? group->wildcard : group->at(local.address);
}

void ListenerTable::grow() {
    const std::size_t places = groups_.empty() ? initial_groups : groups_.size() * 2;
    std::vector<PortGroup> old = std::exchange(groups_, std::vector<PortGroup>(places));
    for (PortGroup& group : old) {
        if (group.vacant()) continue;
        std::size_t i = home(group.port);
        while (!groups_[i].vacant())
            i = (i + 1) & (groups_.size() - 1);
        groups_[i] = std::move(group);
    }
}

// The group of that port, or the vacant place where it goes.
ListenerTable::PortGroup& ListenerTable::group_for(Port port) {
    if (2 * (groups_in_use_ + 1) > groups_.size()) grow();
    std::size_t i = home(port);
    while (!groups_[i].vacant() && groups_[i].port != port)
        i = (i + 1) & (groups_.size() - 1);
    return groups_[i];
}

bool ListenerTable::insert(LocalBinding& binding) {
    if (find_exact(binding.local) != nullptr) return false;
    join(binding);
    return true;
}

void ListenerTable::join(LocalBinding& binding) {
    PortGroup& group = group_for(binding.local.port);
    if (group.vacant()) {
        group.port = binding.local.port;
        ++groups_in_use_;
    }
    binding.member = ++last_member_;
    if (LocalBinding** place = group.place_of(binding.local)) {
        binding.next_in_group = std::exchange(*place, &binding);
    } else if (binding.local.address.is_unspecified()) {
        group.wildcard = &binding;
    } else {
        auto& at = group.at_addresses;
        at.insert(std::lower_bound(at.begin(), at.end(), binding.local.address, address_below),
                  &binding);
    }
    ++size_;
}

// Moves groups back so that none is cut off from its home by the vacant place.
void ListenerTable::close_gap(std::size_t gap) {
    const std::size_t mask = groups_.size() - 1;
    for (std::size_t i = (gap + 1) & mask; !groups_[i].vacant(); i = (i + 1) & mask) {
        const std::size_t distance_from_home = (i - home(groups_[i].port)) & mask;
        if (distance_from_home < ((i - gap) & mask)) continue;
        groups_[gap] = std::exchange(groups_[i], PortGroup());
        gap = i;
    }
}

bool ListenerTable::erase(LocalBinding& binding) {
    if (group_of(binding.local.port) == nullptr) return false;
    PortGroup& group = group_for(binding.local.port);
    LocalBinding** const first = group.place_of(binding.local);
    if (first == nullptr) return false;
    LocalBinding** place = first;
    while (*place != nullptr && *place != &binding)
        place = &(*place)->next_in_group;
    if (*place == nullptr) return false;
    *place = std::exchange(binding.next_in_group, nullptr);
    --size_;
    if (*first == nullptr && !binding.local.address.is_unspecified())
        std::erase(group.at_addresses, nullptr);
    if (group.vacant()) {
        --groups_in_use_;
        close_gap(static_cast<std::size_t>(&group - groups_.data()));
    }
    return true;
}

}  // namespace berth::demux
