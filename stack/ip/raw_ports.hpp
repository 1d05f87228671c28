// Raw ports: each hears a copy of every packet of one IP protocol, header included, and sends
// packets of it (Linux raw(7)).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "ip/datagram_port.hpp"

namespace berth::ip {

class RawPort final : public DatagramPort {
  public:
    std::uint8_t protocol() const { return protocol_; }

    bool header_included = false;   // IP_HDRINCL
    std::uint32_t icmp_filter = 0;  // ICMP_FILTER: a bit for each type below 32 that is not wanted

  private:
    friend class RawPorts;
    RawPort(DatagramUser* user, std::uint8_t protocol) : DatagramPort(user), protocol_(protocol) {}

    bool wants(const wire::Ipv4View& packet, link::InterfaceIndex interface_index) const;

    std::uint8_t protocol_;
};

class RawPorts {
  public:
    // Raw ports at one time, for each packet is offered to each of them.
    static constexpr std::size_t limit_ports = 256;
    // Linux raw(7): a port of this protocol only sends, with headers of its own.
    static constexpr std::uint8_t protocol_raw = 255;

    RawPorts(Ipv4& ip, link::LinkContext context) : ip_(ip), context_(context) {}

    // nullptr: limit_ports are open, or the protocol is 0. `user` may be nobody.
    RawPort* open(std::uint8_t protocol, DatagramUser* user);
    void close(RawPort& port);

    // Unspecified: any of ours. address_not_available.
    std::errc bind(RawPort& port, Ipv4Address local);
    // It then hears this host only. Errors as for sending.
    std::errc connect(RawPort& port, Ipv4Address remote);
    void disconnect(RawPort& port);
    // One packet: the payload, or with header_included all of it. Errors: destination_address_
    // required, invalid_argument (no header where there must be one), operation_would_block (an
    // event follows when there is room), and those of DatagramPort::depart.
    std::errc send(RawPort& port, std::span<const Bytes> parts, std::optional<Ipv4Address> remote,
                   const SendControl& control, Time now);

    // Copies for all that want the packet.
    enum class Heard : std::uint8_t { nobody, somebody, queue_full };
    Heard receive(const wire::Ipv4View& packet, link::InterfaceIndex interface_index);
    // Cheap: some port hears this protocol.
    bool hears(std::uint8_t protocol) const { return by_protocol_[protocol] > 0; }
    // True if it was about what one of them may have sent.
    bool on_icmp_error(const ErrorReport& report);
    void wake_blocked() { blocked_.wake(ip_); }

    std::size_t size() const { return ports_.size(); }
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        for (const auto& port : ports_)
            visit(*port);
    }

  private:
    std::errc send_own_header(RawPort& port, std::span<const Bytes> parts, const Path& path,
                              Time now, const Fate& fate);

    Ipv4& ip_;
    link::LinkContext context_;
    std::vector<std::unique_ptr<RawPort>> ports_;
    std::array<std::uint16_t, 256> by_protocol_{};
    BlockedPorts blocked_;
    std::vector<std::uint8_t> packet_;  // that is being sent, with its own header
};

}  // namespace berth::ip
