// A stream socket: nothing yet, bound, listening, or the handle on a connection.
#pragma once

#include <memory>
#include <optional>

#include "socket/socket.hpp"
#include "stack.hpp"

namespace berth::socket {

class TcpSocket final : public Socket, private tcp::ConnectionUser, private tcp::ListenerUser {
  public:
    explicit TcpSocket(Stack& stack) : stack_(stack) {}
    ~TcpSocket() override;

    Type type() const override { return Type::stream; }
    std::errc bind(Endpoint local) override;
    std::errc listen(int backlog) override;
    Result<std::unique_ptr<Socket>, std::errc> accept() override;
    std::errc connect(Endpoint remote) override;
    std::errc disconnect() override;
    Result<std::size_t, std::errc> send(std::span<const Bytes> parts,
                                        std::optional<Endpoint> remote) override;
    Result<Received, std::errc> receive(std::span<const MutableBytes> parts,
                                        ReceiveFlags flags) override;
    std::errc shutdown(Shutdown how) override;
    Endpoint local() const override;
    std::optional<Endpoint> remote() const override;
    Readiness readiness() const override;
    std::errc set_option(Option option, std::int64_t value) override;
    Result<std::int64_t, std::errc> get_option(Option option) override;
    bool has_unacknowledged() const override;
    const tcp::Connection* connection() const { return connection_; }  // null: none
    const tcp::Listener* listener() const { return listener_; }        // null: not listening
    std::errc set_ip_options(Bytes options) override;
    Result<std::size_t, std::errc> ip_options(MutableBytes to) const override;

  private:
    void on_connection_event(tcp::Connection&) override { notify(); }
    void on_acceptable(tcp::Listener&) override { notify(); }
    std::errc connect_again(Endpoint remote);
    std::errc start_over(Endpoint remote);
    // Where they live now: with the connection, with the listener, else here.
    const tcp::Options& options() const;
    void set_options(const tcp::Options& options);
    bool is_connecting() const;

    Stack& stack_;
    tcp::Binding* binding_ = nullptr;
    tcp::Listener* listener_ = nullptr;
    tcp::Connection* connection_ = nullptr;
    std::unique_ptr<tcp::Options> options_;  // while there is neither; none: the defaults
    bool reuse_address_ = false;
    bool read_shut_down_ = false;
    bool established_reported_ = false;  // connect() has said once that it is done
};

}  // namespace berth::socket
