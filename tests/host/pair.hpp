// Two hosts with threads in one process, joined by callback links: what leaves one enters the
// other.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "berth/host.hpp"
#include "berth/net.hpp"
#include "berth/socket.h"

namespace berth::test {

inline sockaddr_in address_of(const char* text, Port port) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    ::inet_pton(AF_INET, text, &in.sin_addr);
    return in;
}

inline const sockaddr* generic(const sockaddr_in& in) {
    return reinterpret_cast<const sockaddr*>(&in);
}
inline sockaddr* generic(sockaddr_in& in) {
    return reinterpret_cast<sockaddr*>(&in);
}

// For EXPECT_EQ(errno_of(berth_…), EBADF): 0 means success.
inline int errno_of(ssize_t result) {
    return result < 0 ? errno : 0;
}

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// One way between two hosts. Cut before its receiver is destroyed.
class Wire {
  public:
    bool carry(std::span<const std::uint8_t> packet) {
        const std::lock_guard guard(mutex_);
        if (to_ != nullptr && !broken) to_->input(0, packet, 0);
        return true;
    }
    void aim(Host* to) {
        const std::lock_guard guard(mutex_);
        to_ = to;
    }
    std::atomic<bool> broken{false};  // packets are lost

  private:
    std::mutex mutex_;
    Host* to_ = nullptr;
};

class HostPair {
  public:
    static constexpr const char* server_text = "192.0.2.2";
    static constexpr const char* client_text = "192.0.2.1";

    explicit HostPair(HostOptions options = {}) {
        server = make(options, to_client, server_text);
        client = make(options, to_server, client_text);
        to_server.aim(server.get());
        to_client.aim(client.get());
    }
    ~HostPair() {
        to_server.aim(nullptr);
        to_client.aim(nullptr);
    }

    Endpoint server_at(Port port) const { return {*parse_ipv4_address(server_text), port}; }
    Endpoint client_at(Port port) const { return {*parse_ipv4_address(client_text), port}; }

    Wire to_server;
    Wire to_client;
    std::unique_ptr<Host> server;
    std::unique_ptr<Host> client;

  private:
    static std::unique_ptr<Host> make(const HostOptions& options, Wire& out, const char* address) {
        auto made = Host::create(options);
        EXPECT_TRUE(made) << made.error();
        std::unique_ptr<Host> host = std::move(*made);
        EXPECT_TRUE(host->add_callback_link(
            CallbackLinkKind::raw_ip, 1500,
            [&out](auto packet, std::int64_t) { return out.carry(packet); }));
        EXPECT_TRUE(host->add_address(0, {*parse_ipv4_address(address), 24}));
        return host;
    }
};

}  // namespace berth::test
