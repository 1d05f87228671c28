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
#include "ip/error_report.hpp"
#include "ip/ipv4.hpp"
#include "ip/send_control.hpp"
#include "link/frame.hpp"
#include "udp/udp_port.hpp"
#include "wire/ipv4.hpp"
#include "wire/udp.hpp"

namespace berth::udp {

// The largest payload: what fits an IP packet.
inline constexpr std::size_t max_payload_bytes = 65'507;

class Udp {
  public:
    // Ports that may share one (address, port), by SO_REUSEADDR or each at an interface of its own;
    // beyond it bind says address_in_use. It bounds the copies that are made of one group datagram.
    static constexpr std::size_t limit_sharers = 64;
    // Payload of a datagram that is kept with an error about it: what ICMP quotes in 576 bytes.
    static constexpr std::size_t limit_quoted_bytes = 520;

    Udp(ip::Ipv4& ip, link::LinkContext context, Random random);

    // The port lives until `close`. `user` may be nobody, and outlives the port otherwise.
    UdpPort& open(Receiver* user);
    void close(UdpPort& port, Time now);

    // {}: done. address_in_use: (address, port) is taken by a port that does not share it, or every
    // ephemeral port is taken; invalid_argument: bound already; address_not_available: neither one
    // of ours nor a group. Port 0: one is chosen (RFC 6056).
    std::errc bind(UdpPort& port, Endpoint local);
    // Fixes the remote endpoint; binds first if need be, and a wildcard address becomes the
    // route's. A second connect replaces the first. invalid_argument: remote port 0;
    // network_unreachable: no route, or no address; permission_denied: a broadcast without leave;
    // address_in_use: another has that four-tuple. After an error the port is as it was.
    std::errc connect(UdpPort& port, Endpoint remote);
    // Undoes connect, and what connect chose: the address, and the port.
    void disconnect(UdpPort& port);
    // Sends one datagram; `remote` unset: the connected one (destination_address_required without).
    // Binds first if need be. message_size: larger than UDP or the port's MtuDiscover allows.
    // operation_would_block: the interface's queue is full; on_udp_event() follows when it has
    // room. no_such_device, invalid_argument: the control's interface or source is not ours. Else
    // as connect; pending errors stay.
    std::errc send(UdpPort& port, std::span<const Bytes> parts, std::optional<Endpoint> remote,
                   Time now, const ip::SendControl& control = {});
    // The MTU of the path to a connected port's peer.
    std::optional<std::uint16_t> path_mtu(const UdpPort& port) const;

    // Tells the ports whose datagram found the queue full, once there is room: after transmit.
    void wake_blocked();

    // Ingress. To one host: the connected four-tuple, else bound address, else wildcard (DESIGN
    // §5), the last bound of several. To a group: every port that listens to it, a copy each; the
    // fate names the first. When nobody has the port the fate is udp_no_socket and the caller
    // answers with ICMP port unreachable. Takes the frame's buffer if it keeps it: `packet` then
    // stays readable until the user takes the datagram.
    [[nodiscard]] Fate receive(link::Frame& frame, const wire::Ipv4View& packet,
                               link::InterfaceIndex interface_index);

    // ICMP, or our own link layer (reporter unspecified), said something about a datagram that we
    // sent (udp_errors.cpp; RFC 1122 §4.1.3.3). The fate of the ICMP message.
    [[nodiscard]] Fate on_icmp_error(const ip::ErrorReport& report, Time now);

    std::size_t size() const { return ports_.size(); }
    std::uint64_t sent() const { return sent_; }  // datagrams (RFC 4113: udpOutDatagrams)
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
    using MaybeInterface = std::optional<link::InterfaceIndex>;
    Match find(const FourTuple& four_tuple, MaybeInterface interface_index) const;
    void find_group(const FourTuple& four_tuple, link::InterfaceIndex interface_index);
    UdpPort* sharers_of(Endpoint local) const {
        return static_cast<UdpPort*>(bound_.find_exact(local));
    }
    static UdpPort* choose_of(UdpPort* sharers, MaybeInterface interface_index);
    link::InterfaceIndex true_interface(const wire::Ipv4View& packet,
                                        link::InterfaceIndex interface_index) const;

    std::errc check_remote(const UdpPort& port, Endpoint remote) const;
    bool may_share(const UdpPort& port, Endpoint local) const;
    bool bind_to(UdpPort& port, Endpoint local);
    bool move_to(UdpPort& port, Ipv4Address address);
    void unbind(UdpPort& port);
    void attach(UdpPort& port);
    void detach(UdpPort& port);
    std::optional<Port> choose_port(Ipv4Address local, Endpoint remote);

    Result<ip::Path, DropReason> path_for(const UdpPort& port, Ipv4Address remote,
                                          Ipv4Address source, MaybeInterface by) const;
    Ipv4Address source_of(const UdpPort& port) const;
    std::errc check_size(UdpPort& port, std::size_t packet_bytes, Endpoint remote,
                         const ip::Path& path);
    bool carries_df(const UdpPort& port, std::size_t packet_bytes, const ip::Path& path,
                    Ipv4Address remote) const;
    bool has_room(UdpPort& port, std::size_t packet_bytes, const ip::Path& path);
    struct Outgoing;
    std::errc hand_to_ip(const Outgoing& out, Time now);
    void loop_back(const UdpPort& port, const Outgoing& out, Time now);
    bool deliver(link::Frame& frame, const wire::Ipv4View& packet, const wire::UdpView& udp,
                 link::InterfaceIndex interface_index);
    bool lower_path_mtu(const UdpPort& port, const ip::ErrorReport& report, Time now);

    ip::Ipv4& ip_;
    link::LinkContext context_;
    demux::ConnectionTable connected_;
    demux::ListenerTable bound_;  // of ports that share an endpoint, the last bound
    demux::EphemeralPorts ephemeral_;
    std::vector<std::unique_ptr<UdpPort>> ports_;
    std::vector<UdpPort*> blocked_;  // in the order in which they met a full queue
    std::vector<Bytes> parts_;       // of the datagram being sent: its header, then the user's
    std::vector<Match> found_;       // who gets the datagram in hand
    std::uint64_t sent_ = 0;
};

}  // namespace berth::udp
