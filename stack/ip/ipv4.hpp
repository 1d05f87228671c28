// The IPv4 layer of a host (RFC 791, RFC 1122 §3): what is for us, and where a packet goes.
//
// Host model: weak (RFC 1122 §3.3.4.2), as Linux: a packet for any of our addresses is ours,
// whichever interface it came by, and may leave by an interface that its source address does not
// belong to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/drop_reason.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "ip/identification.hpp"
#include "ip/route_table.hpp"
#include "link/interface.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

// The decision of the route table for one destination: what a connection keeps.
struct Path {
    link::InterfaceIndex interface_index = 0;
    Ipv4Address next_hop;   // the destination itself when it is on the link, else the gateway
    Ipv4Address source;     // the address to send from
    std::uint16_t mtu = 0;  // bytes of an IP packet
};

// The fields of the IP header that a transport chooses.
struct SendFields {
    Ipv4Address source;  // unspecified: the path's
    Ipv4Address destination;
    Protocol protocol = Protocol::tcp;
    std::uint8_t ttl = 64;  // RFC 1122 §3.2.1.7, the value of RFC 1700
    std::uint8_t dscp = 0;
    std::uint8_t ecn = 0;
    bool dont_fragment = false;
};

// All IPv4 hosts on the link (RFC 1112 §4): the one group that every host belongs to.
inline constexpr Ipv4Address all_hosts_group{224, 0, 0, 1};

class Ipv4 {
  public:
    // The interfaces are the stack's; they only ever grow in number.
    Ipv4(std::vector<std::unique_ptr<link::Interface>>& interfaces, link::LinkContext context,
         Random random);

    // Gives the interface an address and adds the route to its network.
    void add_address(link::InterfaceIndex interface_index, Ipv4Prefix address);
    RouteTable& routes() { return routes_; }
    const RouteTable& routes() const { return routes_; }

    bool is_own(Ipv4Address address) const;
    // The limited broadcast address, or the directed broadcast of one of our networks.
    bool is_broadcast(Ipv4Address address) const;
    // What more than one host may hear: broadcast or multicast.
    bool is_group(Ipv4Address address) const {
        return address.is_multicast() || is_broadcast(address);
    }
    // Names one single host other than us, as a source must (RFC 1122 §3.2.1.3).
    bool is_single_host(Ipv4Address address) const;

    // Where to send for `destination`; `source` is used if it is specified (it is one of ours),
    // else the first address of the interface the route leaves by, preferring one on the next hop's
    // network (RFC 1122 §3.3.4.3). ip_no_route, ip_no_source. Our own addresses have no route:
    // there is no loopback interface.
    Result<Path, DropReason> route(Ipv4Address destination, Ipv4Address source = {}) const;

    // Ingress: the packet, validated and for us, or why not.
    Result<wire::Ipv4View, DropReason> receive(const link::ReceivedPacket& received,
                                               link::InterfaceIndex interface_index) const;

    // Egress of an owned packet: builds it from the parts, routes it, queues it. none, or the
    // reason (counted).
    DropReason send(const SendFields& fields, std::span<const Bytes> parts, Time now,
                    const Fate& fate);
    // The same on a path that the caller has looked up.
    DropReason send_on(const Path& path, const SendFields& fields, std::span<const Bytes> parts,
                       Time now, const Fate& fate);

    // Egress of a pulled frame: prepends the IP header and the link header. `dropped` also if it is
    // larger than the path takes (ip_too_big, counted): segment sizes are the transport's to
    // choose.
    link::Interface::Resolution encapsulate(link::OutFrame& frame, const Path& path,
                                            const SendFields& fields, Time now);

    link::Interface& interface_at(link::InterfaceIndex index) { return *interfaces_[index]; }

  private:
    Result<Path, DropReason> broadcast_path(Ipv4Address destination, Ipv4Address source) const;
    Result<Path, DropReason> multicast_path(Ipv4Address group, Ipv4Address source) const;
    Result<Path, DropReason> path_by(const link::Interface& interface, Ipv4Address next_hop,
                                     Ipv4Address source) const;
    const link::Interface* interface_of(Ipv4Address own_address) const;
    wire::Ipv4Header header_for(const SendFields& fields, std::size_t payload_bytes);
    link::OwnedPacket build(const SendFields& fields, std::span<const Bytes> parts,
                            const Fate& fate);
    DropReason drop(link::InterfaceIndex interface_index, const SendFields& fields,
                    std::span<const Bytes> parts, DropReason reason, Time now, const Fate& fate);

    std::vector<std::unique_ptr<link::Interface>>& interfaces_;
    link::LinkContext context_;
    Identification identification_;
    RouteTable routes_;
    std::vector<Ipv4Address> own_;         // sorted
    std::vector<Ipv4Address> broadcasts_;  // directed ones, sorted
};

}  // namespace berth::ip
