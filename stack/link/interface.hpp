// One attachment of the stack to a link: Ethernet (or nothing) around IP packets, the neighbours on
// it, and the queue of packets that the stack owns until the device takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/buffer.hpp"
#include "base/drop_reason.hpp"
#include "base/fate.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "link/address_claim.hpp"
#include "link/frame.hpp"
#include "link/link_device.hpp"
#include "link/neighbour_cache.hpp"
#include "link/owned_packet.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"

namespace berth::link {

using InterfaceIndex = std::uint32_t;  // the order in which interfaces were added, from 0

// What the link layer found in a frame for the layer above.
struct ReceivedPacket {
    Bytes packet;                // an IP packet, perhaps followed by link padding
    bool to_link_group = false;  // the frame was a link broadcast or multicast
};

struct InterfaceCounters {
    std::uint64_t frames_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t dropped_in = 0;
    std::uint64_t dropped_out = 0;
};

// Hears of an IP packet of ours that waited in vain for its neighbour's address (RFC 1122 §2.4: the
// link layer reports it to the IP layer). Called from inside the link layer: must not call back
// into it.
class UnreachableReceiver {
  public:
    virtual ~UnreachableReceiver() = default;
    virtual void on_unreachable(Bytes packet) = 0;
};

// Hears what becomes of addresses (RFC 5227). Called from inside the interface, which allows it to
// call add_address() and remove_address() (and so may the ip layer on its behalf), and nothing
// else.
class AddressEvents {
  public:
    virtual ~AddressEvents() = default;
    // Nobody else has it: it may be used from now on, and is the interface's once add_address()
    // says so. Its first announcement follows.
    virtual void on_claimed(InterfaceIndex index, Ipv4Prefix address) = 0;
    // `other` uses the address, or wants to. `lost`: it is not ours any more, or did not become so;
    // connections that use it should be reset (RFC 5227 §2.4).
    virtual void on_conflict(InterfaceIndex index, Ipv4Address address, MacAddress other,
                             bool lost) = 0;
    // Whether another interface of this host has that address: two of them on one link do not
    // conflict (RFC 5227 §2.1.1).
    virtual bool is_own_station(MacAddress) const { return false; }
};

struct InterfaceConfig {
    // Zero takes the device's; if that is zero too, a random locally administered one is drawn.
    MacAddress mac{};
    // The VLAN whose tags its frames bear (IEEE 802.1Q), 1 … 4094; 0: untagged.
    wire::VlanId vlan = 0;
    NeighbourLimits neighbours{};
};

// What all interfaces of a stack share; the stack owns it.
struct LinkContext {
    BufferPool& pool;
    DropCounters& drops;
    FateObserver*& observer;  // may point at nothing
};

// Who counts what: frames_in and bytes_in are counted by receive(); the fate of an arrived frame
// (drops, dropped_in, the observer) by the caller that ends up with it; everything about egress in
// here.
class Interface : private NeighbourEvents {
  public:
    // Packets that may wait for the device; beyond it: reply_queue_overflow.
    static constexpr std::size_t queue_limit_packets = 1024;
    // Frames of the queue that are handed to the device in one call.
    static constexpr std::size_t burst_frames = 16;

    // Addresses of one interface that are probed for, announced or were ever contested.
    static constexpr std::size_t claim_limit = 256;

    Interface(InterfaceIndex index, std::string name, LinkDevice& device,
              const InterfaceConfig& config, LinkContext context, Random random);

    InterfaceIndex index() const { return index_; }
    const std::string& name() const { return name_; }
    LinkDevice& device() { return device_; }
    const LinkDevice& device() const { return device_; }
    MacAddress mac() const { return mac_; }
    // Bytes of a packet that may leave; what arrives may be as large as the device takes.
    std::uint16_t mtu() const {
        const std::uint16_t device_mtu = device_.properties().mtu;
        return mtu_limit_ == 0 || device_mtu < mtu_limit_ ? device_mtu : mtu_limit_;
    }
    // At most so many (RFC 2132 §5.1); 0: as the device says.
    void limit_mtu(std::uint16_t bytes) { mtu_limit_ = bytes; }
    const InterfaceCounters& counters() const { return counters_; }
    InterfaceCounters& counters() { return counters_; }
    wire::VlanId vlan() const { return vlan_; }

    const NeighbourCache& neighbours() const { return neighbours_; }
    // As NeighbourCache has them. False on a raw-IP link, where there are none.
    bool add_permanent_neighbour(Ipv4Address address, MacAddress mac, Time now) {
        return is_ethernet() && neighbours_.add_permanent(address, mac, now);
    }
    bool remove_neighbour(Ipv4Address address, Time now) {
        return neighbours_.remove(address, now);
    }
    void flush_neighbours(Time now) { neighbours_.flush(now); }

    // The IPv4 addresses that ARP answers for; kept by the ip layer. Added in silence; a removed
    // one is no longer claimed, announced or defended either.
    void add_address(Ipv4Prefix address);
    void remove_address(Ipv4Address address);
    std::span<const Ipv4Prefix> addresses() const { return addresses_; }
    bool has_address(Ipv4Address address) const;

    // RFC 5227. Probes for an address; until AddressEvents hears that it is claimed it is not ours:
    // nothing is sent from it and nothing is answered for it. On a raw-IP link there is nobody to
    // ask and it is claimed before this returns; one that is ours already is claimed and announced.
    // False: claim_limit is reached.
    bool claim(Ipv4Prefix address, ConflictPolicy policy, Time now);
    // Announces an address that is ours already (a static one), so that neighbours who remember
    // another station under it ask again. It is kept whatever happens (ConflictPolicy::keep), as is
    // every other address that was added without a claim.
    void announce(Ipv4Address own, Time now);
    bool is_tentative(Ipv4Address address) const;
    std::span<const AddressClaim> claims() const { return claims_; }
    void set_address_events(AddressEvents* events) { address_events_ = events; }

    // Ingress: an IPv4 packet for the layer above, or the fate of a frame that ended here (ARP, or
    // dropped).
    std::variant<ReceivedPacket, Fate> receive(const Frame& frame, Time now);

    // Egress of packets that the stack owns. `packet` is a complete IP packet in its buffer with at
    // least link_header_room bytes free before `offset`. none, or why it was dropped (and counted).
    static constexpr std::size_t link_header_room = 18;
    DropReason enqueue(OwnedPacket packet, Time now);

    // Egress of frames that are pulled: prepends the link header for `next_hop`. `pending`: the
    // neighbour's address is not known yet; the frame was copied and waits for it, and counts as
    // accepted. `dropped`: it went nowhere (counted), because too many wait; `unreachable`: because
    // the neighbour does not answer.
    enum class Resolution : std::uint8_t { ready, pending, dropped, unreachable };
    Resolution address_frame(OutFrame& frame, Ipv4Address next_hop, Time now);

    // Hands finished frames to the device, with their fates to the observer; returns how many it
    // accepted.
    std::size_t send(std::span<OutFrame> frames, Time now);

    // Sends from the queue (ARP's packets are in it), at most `budget` frames; returns how many
    // went. Refused frames stay queued, in order; a packet whose neighbour is unknown steps aside
    // and holds nobody up.
    std::size_t transmit_queue(Time now, std::size_t budget);
    bool has_queued() const { return !queue_.empty(); }
    std::size_t queue_room() const {
        return queue_.size() < queue_limit_packets ? queue_limit_packets - queue_.size() : 0;
    }

    // Counts an outgoing packet that will not go, and tells the observer. On Ethernet a packet
    // without its link header is shown with one whose destination is zero.
    void drop(OwnedPacket packet, DropReason reason, Time now);
    void drop(const OutFrame& frame, DropReason reason, Time now);

    // Who hears of packets that will not go because their neighbour does not answer.
    void set_unreachable_receiver(UnreachableReceiver* receiver) {
        unreachable_receiver_ = receiver;
    }

    // ARP's timers.
    void advance(Time now);
    Time next_deadline() const;

  private:
    void on_solicit(Ipv4Address target, MacAddress destination, Time now) override;
    void on_resolved(OwnedPacket packet, Time now) override;
    void on_discarded(OwnedPacket packet, DropReason reason, Time now) override;

    Fate receive_arp(Bytes packet, Time now);
    Fate receive_own_address(const wire::ArpPacket& arp, Time now);
    Fate receive_tentative(Ipv4Address contested, const wire::ArpPacket& arp, Time now);
    // The tentative address that the packet uses, or that its sender probes for as well.
    const AddressClaim* contested_claim(const wire::ArpPacket& arp) const;
    bool is_own_station(MacAddress mac) const;
    AddressClaim* find_claim(Ipv4Address address);
    void drop_claim(Ipv4Address address);
    void send_claim_arp(AddressClaim::Action action, Ipv4Address address, const char* note,
                        Time now);
    bool may_be_sender(const wire::ArpPacket& arp) const;
    bool is_on_link(Ipv4Address address) const;
    bool is_link_broadcast(Ipv4Address address) const;
    bool send_arp(const wire::ArpPacket& arp, MacAddress destination, const char* note, Time now);

    bool is_ethernet() const { return device_.properties().kind == LinkKind::ethernet; }
    NeighbourCache::Answer resolve(Ipv4Address next_hop, Time now);
    std::size_t fill_burst(std::size_t limit, Time now);
    bool prepare(OwnedPacket& packet, OutFrame& frame, Time now);
    void prepend_ethernet(OutFrame& frame, MacAddress destination);
    std::size_t link_header_bytes() const { return wire::ethernet_header_size(vlan_); }
    OwnedPacket copy_of(const OutFrame& frame, Ipv4Address next_hop);
    void tell_sent(const OutFrame& frame, Time now);

    InterfaceIndex index_;
    std::string name_;
    LinkDevice& device_;
    Random random_;
    MacAddress mac_;
    wire::VlanId vlan_;
    LinkContext context_;
    UnreachableReceiver* unreachable_receiver_ = nullptr;
    std::uint16_t mtu_limit_ = 0;
    AddressEvents* address_events_ = nullptr;
    std::vector<Ipv4Prefix> addresses_;
    std::vector<AddressClaim> claims_;
    std::uint32_t conflicts_ = 0;  // while probing, since the last address that could be had
    Time last_probing_{};          // when the last claim began
    NeighbourCache neighbours_;
    std::deque<OwnedPacket> queue_;
    std::vector<OutFrame> burst_;           // of the queue's front, while it is offered
    std::vector<std::uint8_t> told_bytes_;  // a frame in one piece, for the observer
    InterfaceCounters counters_;
};

}  // namespace berth::link
