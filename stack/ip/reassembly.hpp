// Datagrams in pieces (RFC 791 §3.2, RFC 815, RFC 1122 §3.3.2), put together again.
//
// The rule for overlaps: pieces that agree on every byte they share may overlap; pieces that
// disagree end the datagram, and what comes of it until its time is over is dropped. Bounded in
// bytes (true cost: whole buffers), by source and in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <variant>

#include "base/buffer.hpp"
#include "base/fate.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "ip/incomplete_datagram.hpp"
#include "ip/problem.hpp"
#include "link/frame.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

class Reassembly {
  public:
    struct Limits {
        // Above high_bytes the oldest datagrams go until low_bytes are left (Linux:
        // net.ipv4.ipfrag_high_thresh).
        std::size_t high_bytes = 4 * 1024 * 1024;
        std::size_t low_bytes = 3 * 1024 * 1024;
        // Of one source; beyond it its own oldest goes.
        std::size_t datagrams_per_source = 64;
        Duration timeout = seconds(60);  // RFC 1122 §3.3.2
    };

    // The key makes the table's hash one that nobody outside can aim at.
    Reassembly(BufferPool& pool, DropCounters& drops, const Limits& limits, const SipHashKey& key)
        : pool_(pool),
          drops_(drops),
          limits_(limits),
          entries_(0, KeyHash{key}),
          sources_(0, AddressHash{key}) {}

    // The whole datagram in a frame of its own (a complete IP packet from its first byte, header of
    // the first piece, total length and checksum put right), or the fate of this piece. Takes the
    // frame's buffer if it keeps it. The piece is a fragment and lies in the frame.
    std::variant<link::Frame, Fate> add(link::Frame& frame, const wire::Ipv4View& piece, Time now);

    // Gives up on what is incomplete for too long; `problems` hears of those whose first piece came
    // (RFC 792: time exceeded, code 1). May be nullptr.
    void advance(Time now, ProblemReceiver* problems);
    Time next_deadline() const {
        return by_age_.oldest == nullptr ? Time::never() : by_age_.oldest->deadline;
    }

    // What is held by true cost: never more than Limits::high_bytes after add().
    std::size_t bytes() const { return bytes_; }
    // Those waited for, and those given up whose pieces are still turned away.
    std::size_t datagrams() const { return entries_.size(); }

  private:
    // RFC 791 §3.2: what tells datagrams apart.
    struct Key {
        Ipv4Address source;
        Ipv4Address destination;
        std::uint16_t identification = 0;
        std::uint8_t protocol = 0;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        SipHashKey key;
        std::size_t operator()(const Key& of) const {
            return siphash_1_3(key, std::uint64_t{of.source.value} << 32 | of.destination.value,
                               std::uint64_t{of.protocol} << 16 | of.identification);
        }
    };
    struct AddressHash {
        SipHashKey key;
        std::size_t operator()(Ipv4Address of) const { return siphash_1_3(key, of.value, 0); }
    };

    struct Entry;
    struct Links {
        Entry* older = nullptr;
        Entry* newer = nullptr;
    };
    template <Links Entry::*links>
    struct AgeList {
        Entry* oldest = nullptr;
        Entry* newest = nullptr;
        void append(Entry& entry);
        void remove(Entry& entry);
    };
    struct Entry {
        Key key;
        IncompleteDatagram datagram;
        Time deadline{};
        DropReason given_up = DropReason::none;  // why its pieces are dropped from now on
        std::size_t charged_bytes = 0;
        Links by_age;
        Links of_source;
    };
    struct Source {
        std::size_t datagrams = 0;
        AgeList<&Entry::of_source> list;
    };

    // An entry with its node in the table, and its share of the table and of its source's record.
    static constexpr std::size_t entry_bytes = sizeof(Entry) + sizeof(Source) + 128;

    static DropReason fault_of(const wire::Ipv4View& piece);
    Entry& entry_for(const wire::Ipv4View& piece, Time now);
    void charge(Entry& entry);
    void give_up(Entry& entry, DropReason reason);
    void destroy(Entry& entry);
    // Takes the oldest until there is room; true if `current` was among them.
    bool make_room(const Entry& current);

    BufferPool& pool_;
    DropCounters& drops_;
    Limits limits_;
    std::unordered_map<Key, Entry, KeyHash> entries_;
    std::unordered_map<Ipv4Address, Source, AddressHash> sources_;
    AgeList<&Entry::by_age> by_age_;  // the order of deadlines, for all have the same time
    std::size_t bytes_ = 0;
};

}  // namespace berth::ip
