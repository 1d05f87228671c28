#include "socket/raw_socket.hpp"

#include <limits>

namespace berth::socket {

std::unique_ptr<Socket> RawSocket::open(Stack& stack, std::uint8_t protocol) {
    std::unique_ptr<RawSocket> socket(new RawSocket(stack));
    socket->port_ = stack.raw().open(protocol, socket.get());
    if (socket->port_ == nullptr) return nullptr;
    return socket;
}

RawSocket::~RawSocket() {
    if (port_ == nullptr) return;
    end();
    stack_.raw().close(*port_);
}

bool RawSocket::is_icmp() const {
    return port_->protocol() == static_cast<std::uint8_t>(Protocol::icmp);
}

std::errc RawSocket::bind(Endpoint local) {
    return stack_.raw().bind(*port_, local.address);
}

std::errc RawSocket::connect(Endpoint remote) {
    return stack_.raw().connect(*port_, remote.address);
}

std::errc RawSocket::disconnect() {
    stack_.raw().disconnect(*port_);
    return {};
}

Endpoint RawSocket::local() const {
    return {port_->local_address(), port_->protocol()};
}

std::errc RawSocket::set_option(Option option, std::int64_t value) {
    if (option == Option::header_included) {
        port_->header_included = value != 0;
        return {};
    }
    if (option == Option::icmp_filter && is_icmp()) {
        if (value < 0 || value > std::numeric_limits<std::uint32_t>::max())
            return std::errc::invalid_argument;
        port_->icmp_filter = static_cast<std::uint32_t>(value);
        return {};
    }
    return PortSocket::set_option(option, value);
}

Result<std::int64_t, std::errc> RawSocket::get_option(Option option) {
    if (option == Option::header_included) return std::int64_t{port_->header_included};
    if (option == Option::icmp_filter && is_icmp()) return std::int64_t{port_->icmp_filter};
    return PortSocket::get_option(option);
}

std::errc RawSocket::send_datagram(std::span<const Bytes> parts, std::optional<Ipv4Address> remote,
                                   const ip::SendControl& control) {
    return stack_.raw().send(*port_, parts, remote, control, stack_.now());
}

}  // namespace berth::socket
