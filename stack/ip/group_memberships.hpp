// Which multicast groups the host listens to, on which interface, and from which sources (RFC 1112
// §7.1, RFC 3376 §3.2: what the sockets want, merged).
#pragma once

#include <cstddef>
#include <system_error>
#include <vector>

#include "base/time.hpp"
#include "berth/address.hpp"
#include "link/interfaces.hpp"

namespace berth::ip {

// What an interface takes of a group. INCLUDE of nothing is no membership; EXCLUDE has no sources
// here, for no socket may name those that it does not want.
struct GroupFilter {
    bool is_exclude = false;            // from any source
    std::vector<Ipv4Address> included;  // sorted; else from these only

    bool is_member() const { return is_exclude || !included.empty(); }
    bool operator==(const GroupFilter&) const = default;
};

// Told when the filter of a group has changed (IGMP reports it). Called from inside join and leave.
class GroupListener {
  public:
    virtual ~GroupListener() = default;
    virtual void on_group_change(link::InterfaceIndex interface_index, Ipv4Address group,
                                 const GroupFilter& before, const GroupFilter& after, Time now) = 0;
};

class GroupMemberships {
  public:
    // Groups on all interfaces; beyond it join() says no_buffer_space.
    static constexpr std::size_t limit_groups = 256;
    // Sources of one group that may be asked for; likewise.
    static constexpr std::size_t limit_sources = 64;

    // Each join needs its own leave: sockets share a membership. `source` unspecified: any.
    std::errc join(link::InterfaceIndex interface_index, Ipv4Address group, Time now,
                   Ipv4Address source = {});
    void leave(link::InterfaceIndex interface_index, Ipv4Address group, Time now,
               Ipv4Address source = {});
    bool is_member(link::InterfaceIndex interface_index, Ipv4Address group) const;
    // INCLUDE of nothing for a group that nobody joined.
    GroupFilter filter(link::InterfaceIndex interface_index, Ipv4Address group) const;

    void set_listener(GroupListener* listener) { listener_ = listener; }
    std::size_t size() const { return groups_.size(); }
    // visit(interface_index, group, filter)
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        for (const Group& each : groups_)
            visit(each.interface_index, each.address, filter_of(each));
    }

  private:
    struct Source {
        Ipv4Address address;
        std::size_t users = 0;
    };
    struct Group {
        link::InterfaceIndex interface_index = 0;
        Ipv4Address address;
        std::size_t any_source_users = 0;
        std::vector<Source> sources;  // sorted
    };
    static GroupFilter filter_of(const Group& group);
    std::vector<Group>::iterator find(link::InterfaceIndex interface_index, Ipv4Address group);
    void tell(const Group& group, const GroupFilter& before, Time now) const;

    std::vector<Group> groups_;
    GroupListener* listener_ = nullptr;
};

}  // namespace berth::ip
