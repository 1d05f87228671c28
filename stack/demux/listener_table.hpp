// Who hears at a local endpoint: the listener at the address before the listener at the wildcard.
// TCP listeners and bound UDP sockets have a table each, so their port spaces are separate.
//
// A hash table of ports; each port in use has its wildcard binding and its bindings at addresses.
// Only local programs add to it, so its size is theirs to bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/fate.hpp"
#include "base/siphash.hpp"
#include "berth/address.hpp"

namespace berth::demux {

// Anything that is bound to a local endpoint (address unspecified: the wildcard) derives from this.
struct LocalBinding {
    Endpoint local;
};

class ListenerTable {
  public:
    explicit ListenerTable(const SipHashKey& key) : key_(key) {}

    struct Match {
        LocalBinding* binding = nullptr;
        DemuxMatch match = DemuxMatch::nobody;
    };
    // Exact (address, port), else (wildcard, port).
    Match find(const Endpoint& local) const;
    // Only the exact endpoint.
    LocalBinding* find_exact(const Endpoint& local) const;

    // False: that (address, port) is taken. The binding stays its owner's until erased, and its
    // `local` does not change.
    bool insert(LocalBinding& binding);
    // False: it was not there.
    bool erase(const LocalBinding& binding);
    std::size_t size() const { return size_; }
    bool port_in_use(Port port) const {
        return group_of(port) != nullptr;
    }  // by any binding, at any address

    // Visits every binding; the visitor must not insert or erase.
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        for (const PortGroup& group : groups_) {
            if (group.wildcard != nullptr) visit(*group.wildcard);
            for (LocalBinding* binding : group.at_addresses)
                visit(*binding);
        }
    }

  private:
    // All bindings of one port; a vacant place in the hash table has none.
    struct PortGroup {
        LocalBinding* wildcard = nullptr;
        std::vector<LocalBinding*> at_addresses;  // in ascending order of address
        Port port = 0;

        bool vacant() const { return wildcard == nullptr && at_addresses.empty(); }
        LocalBinding* at(Ipv4Address address) const;
    };

    std::size_t home(Port port) const;
    const PortGroup* group_of(Port port) const;
    PortGroup& group_for(Port port);
    void close_gap(std::size_t gap);
    void grow();

    SipHashKey key_;
    std::vector<PortGroup> groups_;  // linear probing; a power of two, at most half full
    std::size_t groups_in_use_ = 0;
    std::size_t size_ = 0;
};

}  // namespace berth::demux
