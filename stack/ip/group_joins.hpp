// The groups that one socket has joined, each on one interface, and from whom it hears there (RFC
// 1112 §6.1, RFC 3376 §3.1, RFC 3678). A socket of any protocol may own one; the host's memberships
// (GroupMemberships) are the sum of these.
#pragma once

#include <cstddef>
#include <optional>
#include <system_error>
#include <vector>

#include "base/time.hpp"
#include "ip/ipv4.hpp"

namespace berth::ip {

class GroupJoins {
  public:
    // Of one socket, as Linux's igmp_max_memberships and igmp_max_msf; beyond them no_buffer_space.
    static constexpr std::size_t limit_groups = 20;
    static constexpr std::size_t limit_sources = 10;  // of one group

    struct Join {
        Ipv4Address group;
        link::InterfaceIndex interface_index = 0;
        Ipv4Address source;  // unspecified: any

        bool operator==(const Join&) const = default;
    };

    // IP_MULTICAST_ALL: of groups that it has not joined, it hears what others' joins bring in.
    bool hears_all = true;

    // `interface_index` unset: by the route to the group. `source` specified: only what it sends,
    // besides the sources that are named already. invalid_argument: not a group, or joined the
    // other way (from any source, or from some); no_such_device; address_in_use: joined already;
    // address_not_available: that source is named already; no_buffer_space: the bounds of this or
    // of GroupMemberships.
    std::errc join(Ipv4& ip, Ipv4Address group, std::optional<link::InterfaceIndex> interface_index,
                   Ipv4Address source, Time now);
    // Without a source: the whole membership. address_not_available: there is none such.
    std::errc leave(Ipv4& ip, Ipv4Address group,
                    std::optional<link::InterfaceIndex> interface_index, Ipv4Address source,
                    Time now);
    void leave_all(Ipv4& ip, Time now);

    // Whether it hears what `source` sent to the group.
    bool hears(Ipv4Address group, link::InterfaceIndex interface_index, Ipv4Address source) const;

  private:
    std::vector<Join> joins_;  // one for each source that is named
};

}  // namespace berth::ip
