// The groups that one socket has joined, and what it hears of them (RFC 3376 §3.1).
#pragma once

#include <optional>
#include <system_error>
#include <vector>

#include "base/time.hpp"
#include "ip/ipv4.hpp"

namespace berth::ip {

class GroupJoins {
  public:
    struct Join {
        Ipv4Address group;
        link::InterfaceIndex interface_index = 0;
        Ipv4Address source;  // unspecified: any

        bool operator==(const Join&) const = default;
    };

    // IP_MULTICAST_ALL: of groups that it has not joined, it hears what others' joins bring in.
    bool hears_all = true;

    // `interface_index` unset: by the route to the group. invalid_argument: not a group;
    // address_not_available: no such interface; address_in_use: joined already, or joined both for
    // any source and for one; no_buffer_space: the bounds of GroupMemberships.
    std::errc join(Ipv4& ip, Ipv4Address group, std::optional<link::InterfaceIndex> interface_index,
                   Ipv4Address source, Time now);
    // address_not_available: not joined.
    std::errc leave(Ipv4& ip, Ipv4Address group,
                    std::optional<link::InterfaceIndex> interface_index, Ipv4Address source,
                    Time now);
    void leave_all(Ipv4& ip, Time now);

    // Whether it hears what `source` sent to the group.
    bool hears(Ipv4Address group, link::InterfaceIndex interface_index, Ipv4Address source) const;

  private:
    std::vector<Join> joins_;
};

}  // namespace berth::ip
