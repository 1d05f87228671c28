// The multicast groups that one socket has joined, each on one interface, and from whom it wants to
// hear there (RFC 1112 §6.1, RFC 3678). A socket of any protocol may own one; the host's
// memberships (GroupMemberships) are the sum of these.
#pragma once

#include <cstddef>
#include <optional>
#include <system_error>
#include <vector>

#include "base/time.hpp"
#include "berth/address.hpp"
#include "ip/ipv4.hpp"

namespace berth::ip {

class JoinedGroups {
  public:
    // Of one socket, as Linux's igmp_max_memberships and igmp_max_msf; beyond them no_buffer_space.
    static constexpr std::size_t limit_groups = 20;
    static constexpr std::size_t limit_sources = 10;

    // `interface_index` unset: the one by which the group is reached. `source` specified: only what
    // it sends is wanted, besides the sources already named. invalid_argument: no group, or joined
    // the other way (all sources, or some); no_such_device; address_in_use: joined already;
    // address_not_available: that source is named already; no_buffer_space.
    std::errc join(Ipv4& ip, Ipv4Address group, std::optional<link::InterfaceIndex> interface_index,
                   Ipv4Address source, Time now);
    // Without a source: the whole membership. address_not_available: there is none such.
    std::errc leave(Ipv4& ip, Ipv4Address group,
                    std::optional<link::InterfaceIndex> interface_index, Ipv4Address source,
                    Time now);
    void leave_all(Ipv4& ip, Time now);

    // Whether a datagram of that group, which came in by that interface, is wanted; nothing: the
    // socket has not joined it there.
    std::optional<bool> wants(Ipv4Address group, link::InterfaceIndex interface_index,
                              Ipv4Address source) const;
    std::size_t size() const { return joined_.size(); }

  private:
    struct Joined {
        Ipv4Address group;
        link::InterfaceIndex interface_index = 0;
        std::vector<Ipv4Address> sources;  // none: from anybody
    };
    static void leave(Ipv4& ip, const Joined& left, Time now);
    std::vector<Joined>::iterator find(Ipv4Address group, link::InterfaceIndex interface_index);

    std::vector<Joined> joined_;
};

}  // namespace berth::ip
