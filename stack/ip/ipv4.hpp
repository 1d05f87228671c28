// The IPv4 layer of a host (RFC 791, RFC 1122 §3): what is for us, and where a packet goes.
//
// Host model: weak (RFC 1122 §3.3.4.2), as Linux: a packet for any of our addresses is ours,
// whichever interface it came by, and may leave by an interface that its source address does not
// belong to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/drop_reason.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "ip/group_memberships.hpp"
#include "ip/identification.hpp"
#include "ip/path_mtu_cache.hpp"
#include "ip/problem.hpp"
#include "ip/reassembly.hpp"
#include "ip/redirect_cache.hpp"
#include "ip/route_table.hpp"
#include "link/interfaces.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

// The decision of the route table for one destination: what a connection keeps.
struct Path {
    link::InterfaceIndex interface_index = 0;
    Ipv4Address next_hop;  // the destination itself when it is on the link, else the gateway
    Ipv4Address source;    // the address to send from
    std::uint16_t mtu =
        0;  // bytes of an IP packet: the path's as far as it is known, else the link's
    bool is_loopback = false;
};

struct Config {
    bool forward = false;              // be a router as well (RFC 1122 §3.1: off unless asked for)
    bool accept_redirects = false;     // RFC 1122 §3.2.2.2; off: anybody on the way can forge one
    bool accept_source_route = false;  // RFC 1122 §3.2.1.8 (c); off: RFC 7126 §4.3
    std::uint8_t ttl = 64;             // RFC 1122 §3.2.1.7, the value of RFC 1700
    Reassembly::Limits reassembly{};
};

// The fields of the IP header that a transport chooses.
struct SendFields {
    Ipv4Address source;  // unspecified: the path's
    Ipv4Address destination;
    Protocol protocol = Protocol::tcp;
    std::uint8_t ttl = 0;  // 0: the configured one
    std::uint8_t dscp = 0;
    std::uint8_t ecn = 0;
    bool dont_fragment = false;
    bool router_alert = false;  // RFC 2113: routers look into it (IGMP)
    Bytes options{};  // at most 40 bytes, without router alert; filled up to a multiple of four
};

// What is to be done with a packet that arrived in good order.
enum class Disposition : std::uint8_t {
    local,     // a whole datagram for us
    fragment,  // for us, but a piece: reassemble()
    transit,   // for somebody else: forward()
};
struct Received {
    wire::Ipv4View packet;
    Disposition disposition = Disposition::local;
};

// All IPv4 hosts on the link (RFC 1112 §4): the one group that every host belongs to.
inline constexpr Ipv4Address all_hosts_group{224, 0, 0, 1};

class Ipv4 {
  public:
    // The interfaces are the stack's; they only ever grow in number.
    Ipv4(link::Interfaces& interfaces, link::LinkContext context, const Config& config,
         Random random);

    const Config& config() const { return config_; }
    void set_problem_receiver(ProblemReceiver* receiver) { problems_ = receiver; }

    // Gives the interface an address and adds the route to its network; and takes both away.
    void add_address(link::InterfaceIndex interface_index, Ipv4Prefix address);
    void remove_address(link::InterfaceIndex interface_index, Ipv4Prefix address);
    RouteTable& routes() { return routes_; }
    const RouteTable& routes() const { return routes_; }
    PathMtuCache& path_mtus() { return path_mtus_; }
    const PathMtuCache& path_mtus() const { return path_mtus_; }
    // A router says that the way to `destination` is by `gateway` (ipv4_redirect.cpp): none, or why
    // it is not believed.
    DropReason redirect(Ipv4Address destination, Ipv4Address gateway, Ipv4Address reporter,
                        link::InterfaceIndex interface_index, Time now);
    RedirectCache& redirects() { return redirects_; }
    const RedirectCache& redirects() const { return redirects_; }
    GroupMemberships& groups() { return groups_; }
    const GroupMemberships& groups() const { return groups_; }
    const Reassembly& reassembly() const { return reassembly_; }

    // One of our addresses on a link, or in 127/8.
    bool is_own(Ipv4Address address) const;
    // The limited broadcast address, or the directed broadcast of one of our networks.
    bool is_broadcast(Ipv4Address address) const;
    // What more than one host may hear: broadcast or multicast.
    bool is_group(Ipv4Address address) const {
        return address.is_multicast() || is_broadcast(address);
    }
    // Names one single host on a link, as a source must (RFC 1122 §3.2.1.3).
    bool is_single_host(Ipv4Address address) const;

    // Where to send for `destination`; `source` is used if it is specified (it is one of ours),
    // else the first address of the interface the route leaves by, preferring one on the next hop's
    // network (RFC 1122 §3.3.4.3). `device`: by that interface only; then a limited broadcast may
    // go without any address of ours. Our own addresses are reached by the loopback interface.
    // ip_no_route, ip_no_source.
    Result<Path, DropReason> route(Ipv4Address destination, Ipv4Address source = {},
                                   std::optional<link::InterfaceIndex> device = {}) const;

    // Ingress (ipv4_receive.cpp): the packet, validated, and what is to be done with it, or why
    // not.
    Result<Received, DropReason> receive(const link::ReceivedPacket& received,
                                         link::InterfaceIndex interface_index) const;
    // A piece: the whole datagram if it was the last one missing (`frame` then holds it, and the
    // view lies in there), or the fate of the piece. Takes the frame's buffer if it keeps it.
    std::variant<wire::Ipv4View, Fate> reassemble(link::Frame& frame, const wire::Ipv4View& piece,
                                                  Time now);
    // Somebody else's packet (ipv4_forward.cpp): queued towards its destination, or why not.
    // Takes the frame's buffer if it can.
    Fate forward(link::Frame& frame, const wire::Ipv4View& packet,
                 link::InterfaceIndex interface_index, bool to_link_group, Time now);

    // Egress of an owned packet (ipv4_send.cpp): builds it from the parts, routes it, fragments it
    // if it has to and may be, queues it. none, or the reason (counted).
    DropReason send(const SendFields& fields, std::span<const Bytes> parts, Time now,
                    const Fate& fate);
    // The same on a path that the caller has looked up.
    DropReason send_on(const Path& path, const SendFields& fields, std::span<const Bytes> parts,
                       Time now, const Fate& fate);
    // A packet whose header the caller wrote (IP_HDRINCL): the source if it is unspecified, the
    // identification if it is zero, total length and checksum are filled in. ip_truncated,
    // ip_bad_header_length: it is none; ip_too_big: no fragments are made of it.
    DropReason send_packet(const Path& path, MutableBytes packet, Time now, const Fate& fate);
    // Packets that the interface of the path still takes.
    std::size_t queue_room(const Path& path) const {
        return interfaces_.at(path.interface_index).queue_room();
    }

    // Egress of a pulled frame: prepends the IP header and the link header. `dropped` also if it is
    // larger than the link takes (ip_too_big, counted): segment sizes are the transport's to
    // choose.
    link::Interface::Resolution encapsulate(link::OutFrame& frame, const Path& path,
                                            const SendFields& fields, Time now);

    link::Interface& interface_at(link::InterfaceIndex index) { return interfaces_.at(index); }
    link::Interfaces& interfaces() { return interfaces_; }
    const link::Interfaces& interfaces() const { return interfaces_; }

    // Timers: incomplete datagrams, path MTUs.
    void advance(Time now);
    Time next_deadline() const;

    struct Counters {
        std::uint64_t forwarded = 0;
        std::uint64_t fragmented = 0;  // datagrams that left in pieces
        std::uint64_t fragments_created = 0;
        std::uint64_t reassembled = 0;
    };
    const Counters& counters() const { return counters_; }

  private:
    const Route* way_to(Ipv4Address destination) const;
    bool is_dead(const Route& route) const;
    Result<Path, DropReason> loopback_path(Ipv4Address destination, Ipv4Address source) const;
    Result<Path, DropReason> device_path(link::InterfaceIndex device, Ipv4Address destination,
                                         Ipv4Address source) const;
    Result<Path, DropReason> broadcast_path(Ipv4Address destination, Ipv4Address source) const;
    Result<Path, DropReason> multicast_path(Ipv4Address group, Ipv4Address source) const;
    Result<Path, DropReason> path_by(const link::Interface& interface, Ipv4Address next_hop,
                                     Ipv4Address destination, Ipv4Address source) const;
    const link::Interface* interface_of(Ipv4Address own_address) const;
    wire::Ipv4Header header_for(const SendFields& fields, std::size_t payload_bytes);
    link::OwnedPacket build(const SendFields& fields, std::span<const Bytes> parts,
                            const Fate& fate);
    DropReason enqueue(const Path& path, link::OwnedPacket packet, Time now);
    DropReason enqueue_in_pieces(const Path& path, link::OwnedPacket whole, Time now);
    DropReason drop(link::InterfaceIndex interface_index, const SendFields& fields,
                    std::span<const Bytes> parts, DropReason reason, Time now, const Fate& fate);
    bool is_for_us(Ipv4Address destination, link::InterfaceIndex interface_index) const;
    bool may_forward(const wire::Ipv4View& packet, bool to_link_group) const;
    void tell_of_better_hop(const wire::Ipv4View& packet, const link::Interface& interface,
                            Ipv4Address next_hop, bool to_link_group, Time now);
    void tell(const Problem& problem, const wire::Ipv4View& offending, bool to_link_group,
              Time now);

    link::Interfaces& interfaces_;
    link::LinkContext context_;
    Config config_;
    ProblemReceiver* problems_ = nullptr;
    Identification identification_;
    RouteTable routes_;
    PathMtuCache path_mtus_;
    RedirectCache redirects_;
    GroupMemberships groups_;
    Reassembly reassembly_;
    std::vector<Ipv4Address> own_;         // sorted
    std::vector<Ipv4Address> broadcasts_;  // directed ones, sorted
    Counters counters_;
    Time now_{};  // of the last advance()
};

}  // namespace berth::ip
