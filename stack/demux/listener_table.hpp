// Who hears at a local endpoint: the listener at the address before the listener at the wildcard.
// TCP listeners and bound UDP sockets have a table each, so their port spaces are separate.
//
// Several may be bound to one endpoint: a group. Who may join one is for its owner to say; which
// member hears is chosen here, by the four-tuple (rendezvous hashing: each member scores every
// four-tuple, the highest score wins). So a SYN and its retransmission reach the same member, and a
// member that comes or goes moves only its own share.
//
// A hash table of ports; each port in use has its wildcard group and its groups at addresses.
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
    // The table's own:
    LocalBinding* next_in_group = nullptr;  // bound earlier to the same endpoint
    std::uint32_t member = 0;               // what its scores are made of
};

class ListenerTable {
  public:
    explicit ListenerTable(const SipHashKey& key) : key_(key) {}

    struct Match {
        LocalBinding* binding = nullptr;
        DemuxMatch match = DemuxMatch::nobody;
    };
    // Exact (address, port), else (wildcard, port); of a group, the member that this remote's are.
    Match find(const Endpoint& local, const Endpoint& remote) const;
    // Only the exact endpoint: of a group, who joined last; next_in_group leads to the others.
    LocalBinding* find_exact(const Endpoint& local) const;
    // Whose the four-tuple is of those of the group that are eligible. nullptr: nobody's.
    template <class Predicate>
    LocalBinding* choose(LocalBinding* group, const FourTuple& four_tuple,
                         Predicate eligible) const {
        LocalBinding* chosen = nullptr;
        std::uint64_t best = 0;
        const std::uint64_t hash = hash_of(four_tuple);
        for (LocalBinding* each = group; each != nullptr; each = each->next_in_group) {
            if (!eligible(*each)) continue;
            const std::uint64_t score = siphash_1_3(key_, hash, each->member);
            if (chosen != nullptr && score <= best) continue;
            chosen = each;
            best = score;
        }
        return chosen;
    }

    // False: that (address, port) is taken. The binding stays its owner's until erased, and its
    // `local` does not change.
    bool insert(LocalBinding& binding);
    // Joins those that are there, or is the first.
    void join(LocalBinding& binding);
    // False: it was not there.
    bool erase(LocalBinding& binding);
    std::size_t size() const { return size_; }
    bool port_in_use(Port port) const {
        return group_of(port) != nullptr;
    }  // by any binding, at any address

    // Visits every binding; the visitor must not insert or erase.
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        for (const PortGroup& group : groups_) {
            visit_group(group.wildcard, visit);
            for (LocalBinding* first : group.at_addresses)
                visit_group(first, visit);
        }
    }

  private:
    // All bindings of one port, each endpoint's by the one that joined last; a vacant place in the
    // hash table has none.
    struct PortGroup {
        LocalBinding* wildcard = nullptr;
        std::vector<LocalBinding*> at_addresses;  // in ascending order of address
        Port port = 0;

        bool vacant() const { return wildcard == nullptr && at_addresses.empty(); }
        LocalBinding* at(Ipv4Address address) const;
        LocalBinding** place_of(const Endpoint& local);
    };

    template <class Visitor>
    static void visit_group(LocalBinding* group, Visitor& visit) {
        for (LocalBinding* each = group; each != nullptr; each = each->next_in_group)
            visit(*each);
    }
    std::uint64_t hash_of(const FourTuple& four_tuple) const;
    LocalBinding* member_for(LocalBinding* group, const FourTuple& four_tuple) const;

    std::size_t home(Port port) const;
    const PortGroup* group_of(Port port) const;
    PortGroup& group_for(Port port);
    void close_gap(std::size_t gap);
    void grow();

    SipHashKey key_;
    std::vector<PortGroup> groups_;  // linear probing; a power of two, at most half full
    std::size_t groups_in_use_ = 0;
    std::size_t size_ = 0;
    std::uint32_t last_member_ = 0;
};

}  // namespace berth::demux
