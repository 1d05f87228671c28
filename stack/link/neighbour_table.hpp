// Where the neighbour cache keeps what it knows: entries found by a keyed hash, and lists through
// them that say who goes first when room is needed. Every operation costs O(1) but all().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "link/owned_packet.hpp"

namespace berth::link {

enum class NeighbourState : std::uint8_t {
    incomplete,  // asked, not answered yet; packets wait
    reachable,   // answered not long ago
    stale,       // known, but not confirmed lately
    delay,       // stale and in use; about to be asked
    probe,       // stale and being asked; its address is used meanwhile
    failed,      // did not answer
    permanent,   // said by the operator: never asked, never changed by what is heard
};

// As iproute2 calls them: "INCOMPLETE", "REACHABLE", …
std::string_view name_of(NeighbourState state);

class NeighbourTable {
  public:
    struct Entry;
    struct Links {
        Entry* previous = nullptr;
        Entry* next = nullptr;
    };
    // The first to go when room is needed comes first; incomplete ones by their last request.
    enum class Class : std::uint8_t { failed, never_used, used, incomplete, permanent };

    struct Entry {
        Ipv4Address address{};
        MacAddress mac{};
        NeighbourState state = NeighbourState::incomplete;
        bool used = false;     // a packet was sent there, or wanted to be
        bool ask_all = true;   // requests go to the broadcast address
        bool asked = false;    // last_request means something
        bool learned = false;  // last_learned means something
        Entry* next_in_bucket = nullptr;
        Time until{};  // reachable: trusted until; failed: packets refused until
        Time last_used{};
        Time listed{};  // when it was put where it is in the list of its class

        Time last_request{};
        Time last_learned{};
        Time deadline = Time::never();
        std::uint32_t tries = 0;  // requests since the last answer
        Class listed_class = Class::incomplete;
        std::vector<OwnedPacket> pending;  // oldest first
        std::size_t waiting_rank = 0;      // which list of waiting ones it is in; 0: none
        Links by_recency;
        Links by_waiting;
    };

    // `most_pending`: packets that may wait for one neighbour.
    NeighbourTable(const SipHashKey& key, std::size_t most_pending);
    NeighbourTable(const NeighbourTable&) = delete;
    NeighbourTable& operator=(const NeighbourTable&) = delete;

    Entry* find(Ipv4Address address) const;
    // For an address that is not there yet.
    Entry& insert(Ipv4Address address, NeighbourState state, Time now);
    void erase(Entry& entry);

    std::size_t size() const { return size_; }
    std::size_t count(Class which) const { return recency_[index_of(which)].size; }

    // To the end of the list of the class that it belongs to now.
    void touch(Entry& entry, Time now);
    // The same, if it has come to belong to another class.
    void reclassify(Entry& entry, Time now);
    Entry* oldest(Class which) const { return recency_[index_of(which)].first; }

    // To be called whenever the number of packets that wait for it has changed.
    void count_waiting(Entry& entry);
    // The one with the most packets waiting, of several the one that has had as many for longest.
    Entry* longest_waiting() const;

    // In the order of their addresses: O(n log n).
    std::vector<const Entry*> all() const;

  private:
    static constexpr std::size_t least_buckets = 64;

    struct List {
        Entry* first = nullptr;
        Entry* last = nullptr;
        std::size_t size = 0;
    };
    static std::size_t index_of(Class which) { return static_cast<std::size_t>(which); }
    static Class class_of(const Entry& entry);
    template <Links Entry::*links>
    static void append(List& list, Entry& entry);
    template <Links Entry::*links>
    static void unlink(List& list, Entry& entry);
    std::size_t bucket_of(Ipv4Address address) const;
    void grow();

    SipHashKey key_;
    std::vector<Entry*> buckets_;
    std::deque<Entry> entries_;  // all that there ever were; they do not move
    std::vector<Entry*> free_;
    std::size_t size_ = 0;
    std::array<List, 5> recency_{};
    std::vector<List> waiting_;  // by the number of packets
};

}  // namespace berth::link
