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
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "base/drop_reason.hpp"
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
    // Neighbours remembered; beyond it the failed, then the never used, then the least recently
    // used go.
    static constexpr std::size_t entry_limit = 512;
    // Neighbours asked for at the same time: the rest of the cache stays for those who answer. The
    // oldest makes room once its latest request is a second old; before that the packet is refused.
    static constexpr std::size_t incomplete_limit = 256;
    // Packets waiting for one neighbour; beyond it the oldest goes (RFC 1122 §2.3.2.2 wants the
    // latest kept).
    static constexpr std::size_t pending_limit_per_neighbour = 16;
    // Packets waiting in all; beyond it the neighbour with the most gives up its oldest.
    static constexpr std::size_t pending_limit = 256;
    // RFC 1122 §2.3.2.1: at most one request per second for one target.
    static constexpr Duration request_interval = seconds(1);
    static constexpr std::uint32_t request_tries = 3;
    // How long an answer is trusted, and how long traffic goes on before it is verified: RFC 4861
    // §10's REACHABLE_TIME and DELAY_FIRST_PROBE_TIME.
    static constexpr Duration reachable_time = seconds(30);
    static constexpr Duration delay_before_probe = seconds(5);
    // How long packets for a failed neighbour are refused before it is asked for anew.
    static constexpr Duration failed_hold = seconds(1);

    explicit NeighbourCache(NeighbourEvents& events) : events_(events) {}
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
    Time next_deadline() const { return next_deadline_; }
    void advance(Time now);

    std::size_t size() const { return entries_.size(); }
    std::size_t pending_packets() const { return pending_packets_; }

    // How an entry looks from outside; `state` as of `now`.
    struct Neighbour {
        Ipv4Address address;
        MacAddress mac;  // zero while it is not known
        NeighbourState state = NeighbourState::incomplete;
        std::size_t pending_packets = 0;
        Time last_used;
    };
    // In the order of their addresses.
    template <class Visitor>
    void for_each(Time now, Visitor&& visit) const {
        for (const auto& [address, entry] : entries_) {
            visit(Neighbour{address, entry.mac, entry.state_at(now), entry.pending.size(),
                            entry.last_used});
        }
    }

  private:
    struct Entry {
        MacAddress mac{};
        NeighbourState state = NeighbourState::incomplete;
        std::uint32_t tries = 0;  // requests since the last answer
        bool ask_all = true;      // requests go to the broadcast address
        bool asked = false;       // last_request means something
        bool used = false;        // a packet was sent there, or wanted to be
        Time last_request{};
        Time last_used{};
        Time until{};  // reachable: trusted until; failed: packets refused until
        Time deadline = Time::never();
        std::deque<OwnedPacket> pending;

        NeighbourState state_at(Time now) const {
            return state == NeighbourState::reachable && now >= until ? NeighbourState::stale
                                                                      : state;
        }
        bool asked_just_now(Time now) const {
            return asked && now < last_request + request_interval;
        }
    };
    using Entries = std::map<Ipv4Address, Entry>;

    Entry* find(Ipv4Address address);
    // A new entry, after making room for it; nullptr when there is none to be had.
    Entry* create(Ipv4Address address, NeighbourState state, Time now);
    bool make_room(bool among_incomplete, Time now);
    void set_state(Entry& entry, NeighbourState state);
    void arm(Entry& entry, Time deadline);
    void solicit(Ipv4Address address, Entry& entry, Time now);
    void learn(Entry& entry, MacAddress mac, NeighbourState state, Time now);
    void fail(Entry& entry, Time now);
    void on_deadline(Ipv4Address address, Entry& entry, Time now);
    void discard_oldest(Entry& entry, DropReason reason, Time now);
    bool make_pending_room(Entry& entry, Time now);

    NeighbourEvents& events_;
    Entries entries_;
    Ipv4Address last_address_{};  // the entry found last: most hosts talk through one gateway
    Entry* last_entry_ = nullptr;
    std::size_t incomplete_ = 0;
    std::size_t pending_packets_ = 0;
    Time next_deadline_ = Time::never();
};

}  // namespace berth::link
