// Who on this link has which link address: the cache behind ARP (RFC 826, RFC 1122 §2.3.2), kept as
// a state machine in the manner of RFC 4861 §7.3.2.
//
//     incomplete ── answer ──► reachable ── 30 s ──► stale ── used ──► delay ── 5 s ──► probe
//         │                        ▲                                                  │    │
//         │                        └───────────────────── answer ─────────────────────┘    │
//         └── 3 requests unanswered ──► failed ◄── 3 unicast requests unanswered ──────────┘
//
// It learns from requests that are aimed at us and from answers that we asked for; nothing else
// creates or changes an entry. A claim that contradicts an entry only makes us ask again, of all.
//
// No operation but for_each walks the entries: a flood costs each of its packets the same, whether
// the cache holds ten neighbours or ten thousand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "base/drop_reason.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "link/neighbour_table.hpp"
#include "link/owned_packet.hpp"

namespace berth::link {

// The bounds of one interface's cache. What lies outside 1 … most is brought inside.
struct NeighbourLimits {
    static constexpr std::size_t most = 65'536;
    static constexpr std::size_t most_per_neighbour = 256;

    // Neighbours remembered (as many as Linux's gc_thresh3 has); beyond it the failed, then the
    // never used, then the least recently used go.
    std::size_t entries = 1024;
    // Neighbours asked for at the same time: the rest of the cache stays for those who answer. The
    // one asked longest ago makes room once that is a second ago; before, the packet is refused.
    std::size_t incomplete = 256;
    // Packets waiting for one neighbour; beyond it the oldest goes (RFC 1122 §2.3.2.2 wants the
    // latest kept).
    // All pieces of the largest datagram on an Ethernet are 45.
    std::size_t pending_per_neighbour = 64;
    // Packets waiting in all; beyond it the neighbour with the most gives up its oldest.
    std::size_t pending = 512;
    // How long an answer is trusted before use of it is verified (RFC 1122 §2.3.2.1 wants the time
    // to be configurable; the default is RFC 4861 §10's REACHABLE_TIME).
    Duration reachable_time = seconds(30);
};

// What the cache asks of its interface. Called from inside the cache: must not call back into it.
class NeighbourEvents {
  public:
    virtual ~NeighbourEvents() = default;
    // Send an ARP request for `target` to `destination` (the broadcast address, or a unicast poll).
    virtual void on_solicit(Ipv4Address target, MacAddress destination, Time now) = 0;
    // A packet that waited can go.
    virtual void on_resolved(OwnedPacket packet, Time now) = 0;
    // A packet that waited will not go.
    virtual void on_discarded(OwnedPacket packet, DropReason reason, Time now) = 0;
};

class NeighbourCache {
  public:
    // What NeighbourLimits says unless it is told otherwise.
    static constexpr std::size_t entry_limit = NeighbourLimits{}.entries;
    static constexpr std::size_t incomplete_limit = NeighbourLimits{}.incomplete;
    static constexpr std::size_t pending_limit_per_neighbour =
        NeighbourLimits{}.pending_per_neighbour;
    static constexpr std::size_t pending_limit = NeighbourLimits{}.pending;
    // RFC 1122 §2.3.2.1: at most one request per second for one target.
    static constexpr Duration request_interval = seconds(1);
    static constexpr std::uint32_t request_tries = 3;
    static constexpr Duration reachable_time = NeighbourLimits{}.reachable_time;
    // How long traffic goes on before it is verified: RFC 4861 §10's DELAY_FIRST_PROBE_TIME.
    static constexpr Duration delay_before_probe = seconds(5);
    // How long packets for a failed neighbour are refused before it is asked for anew.
    static constexpr Duration failed_hold = seconds(1);

    // How exact "least recently used" is: an entry in use is moved to the end of its list no more
    // often, so that a packet to a known neighbour costs a look-up and nothing else.
    static constexpr Duration recency_granularity = milliseconds(100);

    explicit NeighbourCache(NeighbourEvents& events, const NeighbourLimits& limits = {},
                            const SipHashKey& key = {});
    NeighbourCache(const NeighbourCache&) = delete;
    NeighbourCache& operator=(const NeighbourCache&) = delete;

    enum class Knowledge : std::uint8_t { known, unknown, unreachable };
    struct Answer {
        Knowledge knowledge = Knowledge::unknown;
        MacAddress mac{};
    };
    // For a packet that is about to be sent: counts as use of the entry.
    Answer look_up(Ipv4Address address, Time now);

    // It did not answer when it was last asked, less than distrust_time ago. No use of the entry.
    bool is_failed(Ipv4Address address, Time now) const;
    // How long who did not answer is avoided where there is another way (RFC 1122 §3.3.1.5).
    static constexpr Duration distrust_time = seconds(60);

    // Keeps a packet whose neighbour is unknown, and asks. none, or neighbour_pending_overflow:
    // then the packet has been given back through on_discarded.
    DropReason hold(Ipv4Address address, OwnedPacket packet, Time now);

    // Somebody asked for one of our addresses and said who they are.
    void heard_request(Ipv4Address sender, MacAddress mac, Time now);
    // Somebody answered; false if nobody had asked.
    bool heard_answer(Ipv4Address sender, MacAddress mac, Time now);
    // Somebody said, unasked, who they are. True if it contradicts what is known: then it is
    // verified.
    bool heard_claim(Ipv4Address sender, MacAddress mac, Time now);

    // Exact or early, never late.
    Time next_deadline() const {
        return deadlines_.empty() ? Time::never() : deadlines_.begin()->first;
    }
    void advance(Time now);

    // Entries that the operator made and unmade. A permanent one is neither asked nor forgotten,
    // and nothing that is heard changes it. False: the address or the MAC is no station's, or the
    // cache is full of permanent ones.
    bool add_permanent(Ipv4Address address, MacAddress mac, Time now);
    // False: there is no such entry. What waited for it is dropped as unreachable.
    bool remove(Ipv4Address address, Time now);
    // Removes all but the permanent ones.
    void flush(Time now);

    std::size_t size() const { return table_.size(); }
    std::size_t pending_packets() const { return pending_packets_; }
    const NeighbourLimits& limits() const { return limits_; }

    // How an entry looks from outside; `state` as of `now`.
    struct Neighbour {
        Ipv4Address address;
        MacAddress mac;  // zero while it is not known
        NeighbourState state = NeighbourState::incomplete;
        std::size_t pending_packets = 0;
        Time last_used;            // by a packet to it; until there was one: when it was made
        Time last_confirmed;       // when it last said that it has this MAC; never(): not yet
        std::uint32_t probes = 0;  // requests sent since it last answered
    };
    // In the order of their addresses.
    template <class Visitor>
    void for_each(Time now, Visitor&& visit) const {
        for (const Entry* entry : table_.all())
            visit(row_of(*entry, now));
    }

  private:
    using Entry = NeighbourTable::Entry;

    static NeighbourState state_at(const Entry& entry, Time now) {
        return entry.state == NeighbourState::reachable && now >= entry.until
                   ? NeighbourState::stale
                   : entry.state;
    }
    static bool asked_just_now(const Entry& entry, Time now) {
        return entry.asked && now < entry.last_request + request_interval;
    }
    static Neighbour row_of(const Entry& entry, Time now);

    Entry* find(Ipv4Address address);
    // A new entry, after making room for it; nullptr when there is none to be had.
    Entry* create(Ipv4Address address, NeighbourState state, Time now);
    bool make_room(Time now);
    bool make_incomplete_room(Time now);
    bool evict(NeighbourTable::Class which, Time now);
    void forget(Entry& entry, DropReason reason, Time now);
    void set_state(Entry& entry, NeighbourState state, Time now);
    void arm(Entry& entry, Time deadline);
    void solicit(Entry& entry, Time now);
    void learn(Entry& entry, MacAddress mac, NeighbourState state, Time now);
    void fail(Entry& entry, Time now);
    void on_deadline(Entry& entry, Time now);
    void discard_oldest(Entry& entry, DropReason reason, Time now);
    bool make_pending_room(Entry& entry, Time now);

    NeighbourEvents& events_;
    NeighbourLimits limits_;
    NeighbourTable table_;
    Ipv4Address last_address_{};  // the entry found last: most hosts talk through one gateway
    Entry* last_entry_ = nullptr;
    std::size_t pending_packets_ = 0;
    // Of the few that are being asked or soon will be, the next one first.
    std::set<std::pair<Time, Ipv4Address>> deadlines_;
};

}  // namespace berth::link
