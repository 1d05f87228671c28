// A ping socket (Linux icmp(7): SOCK_DGRAM, IPPROTO_ICMP): echo requests out, their replies in, as
// ICMP messages with their header.
#pragma once

#include <memory>

#include "socket/port_socket.hpp"

namespace berth::socket {

class PingSocket final : public PortSocket {
  public:
    // nullptr: every identifier is taken.
    static std::unique_ptr<Socket> open(Stack& stack);
    ~PingSocket() override;

    Type type() const override { return Type::ping; }
    std::errc bind(Endpoint local) override;
    std::errc connect(Endpoint remote) override;
    std::errc disconnect() override;
    Endpoint local() const override;  // its port is the identifier

  private:
    explicit PingSocket(Stack& stack) : PortSocket(stack) {}
    ip::DatagramPort& port() override { return *port_; }
    const ip::DatagramPort& port() const override { return *port_; }
    std::errc send_datagram(std::span<const Bytes> parts, std::optional<Ipv4Address> remote,
                            const ip::SendControl& control) override;

    icmp::PingPort* port_ = nullptr;
};

}  // namespace berth::socket
