#include "socket/ping_socket.hpp"

namespace berth::socket {

std::unique_ptr<Socket> PingSocket::open(Stack& stack) {
    std::unique_ptr<PingSocket> socket(new PingSocket(stack));
    socket->port_ = stack.icmp().ping_ports().open(socket.get());
    if (socket->port_ == nullptr) return nullptr;
    return socket;
}

PingSocket::~PingSocket() {
    if (port_ == nullptr) return;
    end();
    stack_.icmp().ping_ports().close(*port_);
}

std::errc PingSocket::bind(Endpoint local) {
    return stack_.icmp().ping_ports().bind(*port_, local);
}

std::errc PingSocket::connect(Endpoint remote) {
    return stack_.icmp().ping_ports().connect(*port_, remote.address);
}

std::errc PingSocket::disconnect() {
    stack_.icmp().ping_ports().disconnect(*port_);
    return {};
}

Endpoint PingSocket::local() const {
    return {port_->local_address(), port_->identifier()};
}

std::errc PingSocket::send_datagram(std::span<const Bytes> parts, std::optional<Ipv4Address> remote,
                                    const ip::SendControl& control) {
    return stack_.icmp().ping_ports().send(*port_, parts, remote, control, stack_.now());
}

}  // namespace berth::socket
