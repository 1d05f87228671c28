// Ping ports: echo with the identifier as the port (Linux icmp(7), "ping sockets"). A port hears
// the replies that bear its identifier and sends echo requests only, so that it needs no privilege.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "base/fate.hpp"
#include "base/random.hpp"
#include "ip/datagram_port.hpp"
#include "wire/icmp.hpp"

namespace berth::icmp {

class PingPort final : public ip::DatagramPort {
  public:
    // Zero until it is bound: by bind, connect or the first send.
    std::uint16_t identifier() const { return identifier_; }

  private:
    friend class PingPorts;
    using ip::DatagramPort::DatagramPort;

    std::uint16_t identifier_ = 0;
};

class PingPorts {
  public:
    // One for each identifier but zero.
    static constexpr std::size_t limit_ports = 65'535;

    PingPorts(ip::Ipv4& ip, link::LinkContext context, Random random)
        : ip_(ip), context_(context), random_(random) {}

    // nullptr: limit_ports are open. `user` may be nobody.
    PingPort* open(ip::DatagramUser* user);
    void close(PingPort& port);

    // The identifier is the endpoint's port; 0: one is drawn. address_not_available;
    // address_in_use: another has it; invalid_argument: bound already.
    std::errc bind(PingPort& port, Endpoint local);
    // It then hears this host only.
    std::errc connect(PingPort& port, Ipv4Address remote);
    void disconnect(PingPort& port);
    // One echo request: the parts are an ICMP message whose type and code say so (invalid_argument
    // otherwise); identifier and checksum are filled in, the sequence number is the caller's.
    // Errors as those of ip::RawPorts::send.
    std::errc send(PingPort& port, std::span<const Bytes> parts, std::optional<Ipv4Address> remote,
                   const ip::SendControl& control, Time now);

    // An echo reply: delivered whole, ICMP header included, or why not.
    [[nodiscard]] Fate receive(link::Frame& frame, const wire::Ipv4View& packet,
                               const wire::IcmpView& reply, link::InterfaceIndex interface_index);
    // True if it was about a request of one of them.
    bool on_icmp_error(const ip::ErrorReport& report);
    void wake_blocked() { blocked_.wake(ip_); }

    std::size_t size() const { return ports_.size(); }
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        for (const auto& port : ports_)
            visit(*port);
    }

  private:
    bool claim(PingPort& port, std::uint16_t wanted);
    PingPort* find(std::uint16_t identifier) const;

    ip::Ipv4& ip_;
    link::LinkContext context_;
    Random random_;
    std::vector<std::unique_ptr<PingPort>> ports_;
    std::unordered_map<std::uint16_t, PingPort*> by_identifier_;
    ip::BlockedPorts blocked_;
    std::vector<std::uint8_t> message_;  // that is being sent
};

}  // namespace berth::icmp
