// What ping and raw sockets have in common: everything but what a datagram is made of.
#pragma once

#include <memory>
#include <optional>

#include "socket/datagram_options.hpp"
#include "socket/socket.hpp"
#include "stack.hpp"

namespace berth::socket {

class PortSocket : public Socket, protected ip::DatagramUser {
  public:
    std::errc listen(int) override { return std::errc::operation_not_supported; }
    Result<std::unique_ptr<Socket>, std::errc> accept() override {
        return Failure{std::errc::operation_not_supported};
    }
    Result<std::size_t, std::errc> send(std::span<const Bytes> parts,
                                        std::optional<Endpoint> remote, SendFlags) override;
    Result<std::size_t, std::errc> send_with(std::span<const Bytes> parts,
                                             std::optional<Endpoint> remote,
                                             const SendControl& control) override;
    Result<Received, std::errc> receive(std::span<const MutableBytes> parts,
                                        ReceiveFlags flags) override;
    Result<ip::QueuedError, std::errc> take_queued_error() override;
    std::errc join(const Membership& membership) override;
    std::errc leave(const Membership& membership) override;
    std::errc shutdown(Shutdown how) override;
    std::optional<Endpoint> remote() const override;
    Readiness readiness() const override;
    std::errc set_option(Option option, std::int64_t value) override;
    Result<std::int64_t, std::errc> get_option(Option option) override;

  protected:
    explicit PortSocket(Stack& stack) : stack_(stack) {}

    virtual ip::DatagramPort& port() = 0;
    virtual const ip::DatagramPort& port() const = 0;
    virtual std::errc send_datagram(std::span<const Bytes> parts, std::optional<Ipv4Address> remote,
                                    const ip::SendControl& control) = 0;
    // Before the port goes.
    void end();

    Stack& stack_;

  private:
    void on_datagram_event() override { notify(); }

    DatagramOptions options_;
    bool read_shut_down_ = false;
    bool write_shut_down_ = false;
};

}  // namespace berth::socket
