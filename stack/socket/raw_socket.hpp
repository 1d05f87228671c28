// A raw socket (Linux raw(7)): packets of one IP protocol, received with their IP header.
#pragma once

#include <cstdint>
#include <memory>

#include "socket/port_socket.hpp"

namespace berth::socket {

class RawSocket final : public PortSocket {
  public:
    // nullptr: protocol 0, or too many are open.
    static std::unique_ptr<Socket> open(Stack& stack, std::uint8_t protocol);
    ~RawSocket() override;

    Type type() const override { return Type::raw; }
    std::errc bind(Endpoint local) override;
    std::errc connect(Endpoint remote) override;
    std::errc disconnect() override;
    Endpoint local() const override;  // its port is the protocol, as getsockname has it
    std::errc set_option(Option option, std::int64_t value) override;
    Result<std::int64_t, std::errc> get_option(Option option) override;

  private:
    explicit RawSocket(Stack& stack) : PortSocket(stack) {}
    ip::DatagramPort& port() override { return *port_; }
    const ip::DatagramPort& port() const override { return *port_; }
    std::errc send_datagram(std::span<const Bytes> parts, std::optional<Ipv4Address> remote,
                            const ip::SendControl& control) override;
    bool is_icmp() const;

    ip::RawPort* port_ = nullptr;
};

}  // namespace berth::socket
