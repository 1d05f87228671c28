// Who uses which local endpoint of TCP, counted by what each lets others do: what bind() and
// listen() ask before they let a socket in.
//
// Sockets that are bound, listeners, connections and TIME-WAIT records all count, so that a port
// stays in use as long as anything of it is left. The rules are Linux's: see allows().
// Open addressing; two cells for each endpoint and way of using it that occurs, none for more of
// the same, so a million connections of one listener cost as much as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/siphash.hpp"
#include "berth/address.hpp"
#include "demux/entry.hpp"

namespace berth::demux {

class LocalUsers {
  public:
    enum class Use : std::uint8_t {
        connected,  // a connection or a TIME-WAIT record, bound by its four-tuple
        bound,      // by bind(), and not listening
        listening,
    };

    explicit LocalUsers(const SipHashKey& key) : key_(key) {}

    void add(const Endpoint& local, Use use, Sharing sharing);
    // Somebody who was added like that.
    void remove(const Endpoint& local, Use use, Sharing sharing);

    // May a socket that shares so bind, or listen, beside those that are there? With all whose
    // address overlaps (the wildcard overlaps every address) it must agree on SO_REUSEADDR, which
    // counts for nothing towards a listener, or on SO_REUSEPORT.
    bool allows(const Endpoint& local, Sharing sharing) const;
    // Bound or listening at exactly this endpoint.
    bool is_bound(const Endpoint& local) const;
    // By anybody, at any address.
    bool port_in_use(Port port) const;

    std::size_t memory_bytes() const { return cells_.capacity() * sizeof(Cell); }

  private:
    struct Way {
        Use use = Use::connected;
        bool at_any_address = false;  // the sum over all addresses
        Sharing sharing{};

        constexpr bool operator==(const Way&) const = default;
    };
    struct Cell {
        Ipv4Address address;
        Port port = 0;
        Way way{};
        std::uint32_t count = 0;  // 0: vacant
    };

    std::size_t home(const Endpoint& local) const;
    void count_one(const Endpoint& local, Way way);
    void discount_one(const Endpoint& local, Way way);
    void close_gap(std::size_t gap);
    void grow();
    template <class Predicate>
    bool any_at(const Endpoint& local, Predicate predicate) const;

    SipHashKey key_;
    std::vector<Cell> cells_;  // linear probing; a power of two, at most three quarters full
    std::size_t in_use_ = 0;
};

}  // namespace berth::demux
