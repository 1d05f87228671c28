// Two stacks on one cable, for tests that speak in socket calls: `server` has 192.0.2.1 and
// 192.0.2.3, `client` 192.0.2.2. Nothing is lost; time passes only when the test says so.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/cable.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"

namespace berth::harness {

class TwoHosts {
  public:
    explicit TwoHosts(const tcp::Config& config = {})
        : cable_(drivers::Cable::make({.kind = link::LinkKind::ethernet})),
          server_(StackConfig{.seed = Seed::from(1), .start = now_, .tcp = config}),
          client_(StackConfig{.seed = Seed::from(2), .start = now_, .tcp = config}) {
        server_.add_interface("link0", *cable_.a);
        client_.add_interface("link0", *cable_.b);
        server_.add_address(0, {server_address, 24});
        server_.add_address(0, {server_second_address, 24});
        client_.add_address(0, {client_address, 24});
    }

    static constexpr Ipv4Address server_address{192, 0, 2, 1};
    static constexpr Ipv4Address server_second_address{192, 0, 2, 3};
    static constexpr Ipv4Address client_address{192, 0, 2, 2};

    Stack& server() { return server_; }
    Stack& client() { return client_; }
    Time now() const { return now_; }

    // Lets both talk until neither has anything more to say at this moment.
    void settle() {
        for (bool worked = true; worked;) {
            worked = server_.poll(now_);
            worked = client_.poll(now_) || worked;
        }
    }
    void advance(Duration duration) {
        settle();
        const Time end = now_ + duration;
        while (true) {
            const Time due = earlier(server_.next_deadline(), client_.next_deadline());
            if (due > end) break;
            now_ = due > now_ ? due : now_ + nanoseconds(1);
            settle();
        }
        now_ = end;
        settle();
    }

    static std::unique_ptr<socket::Socket> stream(Stack& stack) {
        return socket::open(stack, socket::Type::stream);
    }
    static std::unique_ptr<socket::Socket> datagram(Stack& stack) {
        return socket::open(stack, socket::Type::datagram);
    }
    static std::unique_ptr<socket::Socket> listener(Stack& stack, Endpoint local,
                                                    int backlog = 16) {
        auto socket = stream(stack);
        if (socket->bind(local) != std::errc{} || socket->listen(backlog) != std::errc{})
            return nullptr;
        return socket;
    }
    // A connection of the client, established (or refused) when this returns.
    std::unique_ptr<socket::Socket> connected(Endpoint remote, Endpoint local = {}) {
        auto socket = stream(client_);
        if (local.port != 0 && socket->bind(local) != std::errc{}) return nullptr;
        socket->connect(remote);
        settle();
        return socket;
    }

    static std::errc send(socket::Socket& socket, std::string_view text,
                          std::optional<Endpoint> remote = std::nullopt) {
        const std::vector<std::uint8_t> bytes(text.begin(), text.end());
        const std::array<Bytes, 1> parts{Bytes(bytes)};
        const auto sent = socket.send(parts, remote);
        return sent ? std::errc{} : sent.error();
    }
    struct Text {
        std::string text;
        Endpoint source;
        std::size_t full_length = 0;
        std::errc error{};
    };
    static Text receive(socket::Socket& socket, std::size_t most = 2000, bool peek = false) {
        std::vector<std::uint8_t> bytes(most);
        const std::array<MutableBytes, 1> parts{MutableBytes(bytes)};
        const auto received = socket.receive(parts, {.peek = peek});
        if (!received) return {{}, {}, 0, received.error()};
        return {std::string(bytes.begin(),
                            bytes.begin() + static_cast<std::ptrdiff_t>(received->bytes)),
                received->source,
                received->full_length,
                {}};
    }
    static std::errc pending_error(socket::Socket& socket) {
        const auto value = socket.get_option(socket::Option::error);
        return value ? static_cast<std::errc>(*value) : value.error();
    }
    static std::vector<socket::Row> rows(const Stack& stack, std::string_view state) {
        std::vector<socket::Row> found;
        for (const socket::Row& row : socket::rows(stack))
            if (row.state == state) found.push_back(row);
        return found;
    }

  private:
    Time now_{1'000'000'000};
    drivers::Cable cable_;
    Stack server_;
    Stack client_;
};

}  // namespace berth::harness
