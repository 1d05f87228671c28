// A datagram socket.
#pragma once

#include <optional>

#include "socket/socket.hpp"
#include "stack.hpp"

namespace berth::socket {

class UdpSocket final : public Socket, private udp::Receiver {
  public:
    explicit UdpSocket(Stack& stack) : stack_(stack), port_(stack.udp().open(this)) {}
    ~UdpSocket() override;

    Type type() const override { return Type::datagram; }
    std::errc bind(Endpoint local) override;
    std::errc listen(int) override { return std::errc::operation_not_supported; }
    Result<std::unique_ptr<Socket>, std::errc> accept() override {
        return Failure{std::errc::operation_not_supported};
    }
    std::errc connect(Endpoint remote) override { return stack_.udp().connect(port_, remote); }
    std::errc disconnect() override;
    Result<std::size_t, std::errc> send(std::span<const Bytes> parts,
                                        std::optional<Endpoint> remote, SendFlags) override {
        return send_with(parts, remote, {});
    }
    Result<Received, std::errc> receive(std::span<const MutableBytes> parts,
                                        ReceiveFlags flags) override;
    Result<std::size_t, std::errc> send_with(std::span<const Bytes> parts,
                                             std::optional<Endpoint> remote,
                                             const SendControl& control) override;
    Result<ip::QueuedError, std::errc> take_queued_error() override;
    std::errc join(const Membership& membership) override;
    std::errc leave(const Membership& membership) override;
    std::errc shutdown(Shutdown how) override;
    Endpoint local() const override;
    std::optional<Endpoint> remote() const override;
    Readiness readiness() const override;
    std::errc set_option(Option option, std::int64_t value) override;
    Result<std::int64_t, std::errc> get_option(Option option) override;

  private:
    void on_udp_event() override { notify(); }
    std::errc set_byte(std::uint8_t& field, std::int64_t value, std::int64_t least);
    std::errc set_interface(std::optional<link::InterfaceIndex>& field, std::int64_t index);
    std::errc set_multicast_interface(std::int64_t index);

    Stack& stack_;
    udp::UdpPort& port_;
    std::uint32_t send_buffer_ =
        212'992;  // told, not needed: a datagram leaves at once or is refused
    bool read_shut_down_ = false;
    bool write_shut_down_ = false;
    // For who hands out ancillary data.
    bool packet_info_ = false;
    bool receive_ttl_ = false;
    bool receive_tos_ = false;
};

}  // namespace berth::socket
