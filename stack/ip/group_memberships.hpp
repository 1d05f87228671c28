// Which multicast groups the host listens to, on which interface (RFC 1112 §7.1).
#pragma once

#include <cstddef>
#include <system_error>
#include <vector>

#include "base/time.hpp"
#include "berth/address.hpp"
#include "link/interfaces.hpp"

namespace berth::ip {

class GroupMemberships {
  public:
    // Groups on all interfaces; beyond it join() says no_buffer_space.
    static constexpr std::size_t limit_groups = 256;

    // Each join needs its own leave: sockets share a membership.
    std::errc join(link::InterfaceIndex interface_index, Ipv4Address group, Time now);
    void leave(link::InterfaceIndex interface_index, Ipv4Address group, Time now);
    bool is_member(link::InterfaceIndex interface_index, Ipv4Address group) const;

  private:
    struct Group {
        link::InterfaceIndex interface_index = 0;
        Ipv4Address address;
        std::size_t users = 0;
    };
    std::vector<Group> groups_;
};

}  // namespace berth::ip
