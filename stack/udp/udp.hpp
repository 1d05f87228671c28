// UDP (RFC 768, RFC 1122 §4.1): the ports of a host, and datagrams between them and IP.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "base/fate.hpp"
#include "base/time.hpp"
#include "demux/connection_table.hpp"
#include "demux/ephemeral_ports.hpp"
#include "demux/listener_table.hpp"
#include "ip/ipv4.hpp"
#include "link/frame.hpp"
#include "udp/udp_port.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/udp.hpp"

namespace berth::udp {

// The largest payload: what fits an IP packet. Without fragmentation the path's MTU bounds it
// further.
inline constexpr std::size_t max_payload_bytes = 65'507;

class Udp {
  public:
    Udp(ip::Ipv4& ip, link::LinkContext context, Random random);

    // The port lives until `close`. `user` may be nobody, and outlives the port otherwise.
    UdpPort& open(Receiver* user);
    void close(UdpPort& port);

    // {}: done. address_in_use: (address, port) is taken, or every ephemeral port is;
    // invalid_argument: bound already; address_not_available: not one of ours. Port 0: one is
    // chosen (RFC 6056).
    std::errc bind(UdpPort& port, Endpoint local);
    // Fixes the remote endpoint; binds first if need be, and a wildcard address becomes the
    // route's. A second connect replaces the first. invalid_argument: remote port 0;
    // network_unreachable: no route, or no address; permission_denied: a broadcast without leave;
    // address_in_use: another has that four-tuple. After an error the port is as it was.
    std::errc connect(UdpPort& port, Endpoint remote);
    // Undoes connect, and what connect chose: the address, and the port.
    void disconnect(UdpPort& port);
    // Sends one datagram; `remote` unset: the connected one (destination_address_required without).
    // Binds first if need be. message_size: larger than the path takes. operation_would_block: the
    // interface's queue is full; on_udp_event() follows when it has room. Else as connect; pending
    // errors stay.
    // `device`: by that interface only; `source`: from that address, for this datagram.
    std::errc send(UdpPort& port, std::span<const Bytes> parts, std::optional<Endpoint> remote,
                   Time now, std::optional<link::InterfaceIndex> device = {},
                   Ipv4Address source = {});

    // Tells the ports whose datagram found the queue full, once there is room: after transmit.
    void wake_blocked();

    // Ingress: connected four-tuple, bound address, wildcard (DESIGN §5). When nobody has the port
    // the fate is udp_no_socket and the caller answers with ICMP port unreachable. Takes the
    // frame's buffer if it keeps it: `packet` then stays readable until the user takes the
    // datagram.
    [[nodiscard]] Fate receive(link::Frame& frame, const wire::Ipv4View& packet,
                               link::InterfaceIndex interface_index);

    // ICMP said something about a datagram that we sent (RFC 1122 §4.1.3.3). The fate of the ICMP
    // message.
    [[nodiscard]] Fate on_icmp_error(const FourTuple& four_tuple, wire::IcmpType type,
                                     std::uint8_t code);

    std::size_t size() const { return ports_.size(); }
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        for (const auto& port : ports_)
            visit(*port);
    }

  private:
    struct Match {
        UdpPort* port = nullptr;
        DemuxMatch match = DemuxMatch::nobody;
    };
    Match find(const FourTuple& four_tuple) const;

    std::errc check_remote(const UdpPort& port, Endpoint remote) const;
    bool bind_to(UdpPort& port, Endpoint local);
    bool move_to(UdpPort& port, Ipv4Address address);
    void unbind(UdpPort& port);
    std::optional<Port> choose_port(Ipv4Address local, Endpoint remote);
    std::errc hand_to_ip(UdpPort& port, std::span<const Bytes> parts, Endpoint remote,
                         const ip::Path& path, Time now);
    Datagram keep(link::Frame& frame, Bytes payload);

    ip::Ipv4& ip_;
    link::LinkContext context_;
    demux::ConnectionTable connected_;
    demux::ListenerTable bound_;
    demux::EphemeralPorts ephemeral_;
    std::vector<std::unique_ptr<UdpPort>> ports_;
    std::vector<UdpPort*> blocked_;  // in the order in which they met a full queue
    std::vector<Bytes> parts_;       // of the datagram being sent: its header, then the user's
};

}  // namespace berth::udp
