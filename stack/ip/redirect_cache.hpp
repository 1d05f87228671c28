// Better first hops that routers have told of (RFC 1122 §3.2.2.2, §3.3.1.2): one for each
// destination, however the redirect was called, for a host cannot know where a network ends.
#pragma once

#include <cstddef>
#include <vector>

#include "base/time.hpp"
#include "berth/address.hpp"
#include "link/interface.hpp"

namespace berth::ip {

class RedirectCache {
  public:
    // Destinations remembered; beyond it the one that would be forgotten first goes.
    static constexpr std::size_t limit_entries = 256;
    // Then the route is asked again (Linux: net.ipv4.route.gc_timeout).
    static constexpr Duration lifetime = minutes(5);

    struct Entry {
        Ipv4Address destination;
        Ipv4Address gateway;
        link::InterfaceIndex interface_index = 0;
        Time expires{};
    };

    // nullptr: none. Valid until the cache changes.
    const Entry* find(Ipv4Address destination) const;
    void learn(Ipv4Address destination, Ipv4Address gateway, link::InterfaceIndex interface_index,
               Time now);
    // The first hop does not answer (§3.3.1.4): back to the route.
    void forget(Ipv4Address destination);

    void advance(Time now);
    Time next_deadline() const { return next_expiry_; }
    std::size_t size() const { return entries_.size(); }

  private:
    void find_next_expiry();

    std::vector<Entry> entries_;  // by destination
    Time next_expiry_ = Time::never();
};

}  // namespace berth::ip
