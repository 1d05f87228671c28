// A stream socket: nothing yet, bound, listening, or the handle on a connection. Its options are in
// tcp_socket_options.cpp.
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
                                        std::optional<Endpoint> remote, SendFlags flags) override;
    Result<Received, std::errc> receive(std::span<const MutableBytes> parts,
                                        ReceiveFlags flags) override;
    std::errc shutdown(Shutdown how) override;
    Endpoint local() const override;
    std::optional<Endpoint> remote() const override;
    Readiness readiness() const override;
    std::errc set_option(Option option, std::int64_t value) override;
    Result<std::int64_t, std::errc> get_option(Option option) override;
    bool has_unacknowledged() const override;
    // Null: it has none, it does not listen.
    const tcp::Connection* connection() const {
        return role_ == Role::connection ? connection_ : nullptr;
    }
    const tcp::Listener* listener() const { return role_ == Role::listener ? listener_ : nullptr; }
    std::errc set_ip_options(Bytes options) override;
    Result<std::size_t, std::errc> ip_options(MutableBytes to) const override;

  private:
    enum class Role : std::uint8_t { none, listener, connection };

    void on_connection_event(tcp::Connection&) override { notify(); }
    void on_acceptable(tcp::Listener&) override { notify(); }
    std::errc connect_again(Endpoint remote);
    std::errc start_over(Endpoint remote);
    Result<Received, std::errc> receive_urgent(std::span<const MutableBytes> parts, bool peek);
    void stop_listening();
    Readiness connection_readiness() const;

    void become(tcp::Connection* connection);
    bool is_bound() const { return bound_.port != 0; }
    bool is_connecting() const;

    // Where they live now: with the connection, with the listener, else here.
    const tcp::Options& options() const;
    void set_options(const tcp::Options& options);
    std::errc change(tcp::Options& chosen, Option option, std::int64_t value) const;
    std::errc change_tcp(tcp::Options& chosen, Option option, std::int64_t value) const;
    std::optional<std::int64_t> chosen_value(Option option) const;
    std::optional<std::int64_t> tcp_value(Option option) const;
    std::optional<std::int64_t> present_value(Option option);
    demux::Sharing sharing() const;
    void share(demux::Sharing sharing);

    Stack& stack_;
    union {
        tcp::Listener* listener_ = nullptr;
        tcp::Connection* connection_;
    };
    std::unique_ptr<tcp::Options> options_;  // while it is neither; none: the defaults
    Endpoint bound_{};                       // by bind(), not by connect(); port 0: not bound
    demux::Sharing sharing_{};
    Role role_ = Role::none;
    bool read_shut_down_ : 1 = false;
    bool established_reported_ : 1 = false;  // connect() has said once that it is done
};
static_assert(sizeof(TcpSocket) <= 72, "there is one for every connection");

}  // namespace berth::socket
