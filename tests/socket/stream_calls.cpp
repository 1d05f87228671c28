// What each call on a stream socket says in each situation: errno as POSIX and Linux give it.
#include <gtest/gtest.h>

#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

class StreamCalls : public ::testing::Test {
  protected:
    TwoHosts hosts;
    static constexpr Endpoint service{TwoHosts::server_address, 80};
};

TEST_F(StreamCalls, on_a_fresh_socket) {
    auto fresh = hosts.stream(hosts.client());
    EXPECT_EQ(fresh->type(), socket::Type::stream);
    EXPECT_EQ(fresh->local(), Endpoint{});
    EXPECT_EQ(fresh->remote(), std::nullopt);
    EXPECT_EQ(fresh->accept().error(), std::errc::invalid_argument);
    EXPECT_EQ(hosts.send(*fresh, "x"), std::errc::not_connected);
    EXPECT_EQ(hosts.receive(*fresh).error, std::errc::not_connected);
    EXPECT_EQ(fresh->shutdown(socket::Shutdown::both), std::errc::not_connected);
    EXPECT_TRUE(fresh->readiness().hangup);
}

TEST_F(StreamCalls, on_a_listener) {
    auto listener = hosts.listener(hosts.server(), service);
    ASSERT_NE(listener, nullptr);
    EXPECT_EQ(listener->local(), service);
    EXPECT_EQ(listener->remote(), std::nullopt);
    EXPECT_EQ(listener->accept().error(), std::errc::operation_would_block);
    EXPECT_EQ(listener->bind({{}, 81}), std::errc::invalid_argument);
    EXPECT_EQ(hosts.send(*listener, "x"), std::errc::not_connected);
    EXPECT_EQ(hosts.receive(*listener).error, std::errc::not_connected);
    EXPECT_EQ(listener->shutdown(socket::Shutdown::both), std::errc::not_connected);
    EXPECT_NE(listener->connect({TwoHosts::client_address, 1}), std::errc::operation_in_progress);
    EXPECT_EQ(listener->listen(5), std::errc{});  // again: only the backlog changes
}

TEST_F(StreamCalls, while_connecting) {
    auto client = hosts.stream(hosts.client());
    EXPECT_EQ(client->connect(service), std::errc::operation_in_progress);
    EXPECT_EQ(client->connect(service), std::errc::connection_already_in_progress);
    EXPECT_EQ(hosts.receive(*client).error, std::errc::operation_would_block);
    EXPECT_EQ(hosts.send(*client, "x"), std::errc::operation_would_block);
    EXPECT_EQ(client->remote(), std::nullopt);
    EXPECT_EQ(client->listen(1), std::errc::invalid_argument);
    EXPECT_NE(client->local().port, 0);
    EXPECT_EQ(client->local().address, TwoHosts::client_address);
}

TEST_F(StreamCalls, when_connected) {
    auto listener = hosts.listener(hosts.server(), service);
    auto client = hosts.connected(service);
    EXPECT_EQ(client->connect(service), std::errc{});
    EXPECT_EQ(client->connect(service), std::errc::already_connected);
    EXPECT_EQ(client->bind({{}, 4000}), std::errc::invalid_argument);
    EXPECT_EQ(client->listen(1), std::errc::invalid_argument);
    EXPECT_EQ(client->accept().error(), std::errc::invalid_argument);
    EXPECT_EQ(client->remote(), service);
    EXPECT_EQ(hosts.receive(*client).error, std::errc::operation_would_block);
}

TEST_F(StreamCalls, when_refused) {
    auto client = hosts.connected(service);
    EXPECT_TRUE(client->readiness().error);
    EXPECT_TRUE(client->readiness().readable);
    EXPECT_EQ(hosts.receive(*client).error, std::errc::connection_refused);
    EXPECT_EQ(hosts.pending_error(*client), std::errc{});  // it is told once
}

TEST_F(StreamCalls, towards_addresses_that_cannot_be_reached) {
    auto client = hosts.stream(hosts.client());
    EXPECT_EQ(client->connect({Ipv4Address(203, 0, 113, 5), 80}), std::errc::network_unreachable);
    auto other = hosts.stream(hosts.client());
    EXPECT_NE(other->connect({Ipv4Address(224, 0, 0, 1), 80}), std::errc::operation_in_progress);
    auto third = hosts.stream(hosts.client());
    EXPECT_NE(third->connect({Ipv4Address(192, 0, 2, 255), 80}), std::errc::operation_in_progress);
}

TEST_F(StreamCalls, a_silent_neighbour_is_host_unreachable) {
    auto client = hosts.stream(hosts.client());
    ASSERT_EQ(client->connect({Ipv4Address(192, 0, 2, 77), 80}), std::errc::operation_in_progress);
    hosts.advance(seconds(10));
    EXPECT_EQ(hosts.pending_error(*client), std::errc::host_unreachable);
}

TEST_F(StreamCalls, after_the_peer_has_closed) {
    auto listener = hosts.listener(hosts.server(), service);
    auto client = hosts.connected(service);
    auto server = listener->accept();
    ASSERT_TRUE(server);
    hosts.send(**server, "bye");
    ASSERT_EQ((*server)->shutdown(socket::Shutdown::write), std::errc{});
    hosts.settle();
    const socket::Readiness ready = client->readiness();
    EXPECT_TRUE(ready.readable && ready.read_hangup && ready.writable);
    EXPECT_FALSE(ready.hangup || ready.error);
    EXPECT_EQ(hosts.receive(*client).text, "bye");
    EXPECT_EQ(hosts.receive(*client).error, std::errc{});
    EXPECT_EQ(hosts.receive(*client).text, "");
    EXPECT_EQ(hosts.send(*client, "you still hear me"), std::errc{});
    hosts.settle();
    EXPECT_EQ(hosts.receive(**server).text, "you still hear me");
}

TEST_F(StreamCalls, after_both_have_closed) {
    auto listener = hosts.listener(hosts.server(), service);
    auto client = hosts.connected(service);
    auto server = listener->accept();
    ASSERT_TRUE(server);
    client->shutdown(socket::Shutdown::write);
    (*server)->shutdown(socket::Shutdown::write);
    hosts.settle();
    const socket::Readiness ready = client->readiness();
    EXPECT_TRUE(ready.hangup && ready.read_hangup && ready.readable && ready.writable);
    EXPECT_EQ(hosts.send(*client, "x"), std::errc::broken_pipe);
    EXPECT_EQ(hosts.receive(*client).error, std::errc{});
}

TEST_F(StreamCalls, a_socket_that_was_disconnected_may_connect_again) {
    auto listener = hosts.listener(hosts.server(), service);
    auto client = hosts.connected(service);
    ASSERT_EQ(client->disconnect(), std::errc{});
    hosts.settle();
    EXPECT_EQ(client->remote(), std::nullopt);
    EXPECT_EQ(client->connect(service), std::errc::operation_in_progress);
    hosts.settle();
    EXPECT_EQ(client->remote(), service);
}

TEST_F(StreamCalls, closing_an_unconnected_socket_frees_its_port) {
    { EXPECT_EQ(hosts.stream(hosts.server())->bind(service), std::errc{}); }
    auto listener = hosts.listener(hosts.server(), service);
    EXPECT_NE(listener, nullptr);
}

TEST_F(StreamCalls, readiness_follows_data_and_room) {
    tcp::Config config;
    config.send_buffer_bytes = config.send_buffer_max_bytes = 10'000;
    config.receive_buffer_bytes = 10'000;
    TwoHosts small(config);
    auto listener = small.listener(small.server(), service);
    auto client = small.connected(service);
    auto server = listener->accept();
    ASSERT_TRUE(server);
    EXPECT_TRUE(client->readiness().writable);
    EXPECT_FALSE((*server)->readiness().readable);
    const std::string chunk(10'000, 'x');
    for (int i = 0; i < 10 && client->readiness().writable; ++i) {
        small.send(*client, chunk);
        small.settle();
    }
    // Both buffers are full now.
    EXPECT_FALSE(client->readiness().writable);
    EXPECT_TRUE((*server)->readiness().readable);
    while (small.receive(**server, 4000).error == std::errc{})
        small.settle();
    small.advance(seconds(1));
    EXPECT_TRUE(client->readiness().writable);
}

class Witness final : public socket::Watcher {
  public:
    void on_readiness(socket::Socket&) override { ++told; }
    int told = 0;
};

TEST_F(StreamCalls, the_watcher_is_told_of_every_change) {
    Witness at_listener;
    Witness at_client;
    Witness at_server;
    auto listener = hosts.listener(hosts.server(), service);
    listener->set_watcher(&at_listener);
    auto client = hosts.stream(hosts.client());
    client->set_watcher(&at_client);
    client->connect(service);
    hosts.settle();
    EXPECT_GE(at_listener.told, 1);
    EXPECT_GE(at_client.told, 1);
    auto server = listener->accept();
    ASSERT_TRUE(server);
    (*server)->set_watcher(&at_server);
    hosts.send(*client, "x");
    hosts.settle();
    EXPECT_GE(at_server.told, 1);
    const int before_end = at_server.told;
    client->shutdown(socket::Shutdown::write);
    hosts.settle();
    EXPECT_GT(at_server.told, before_end);
    const int before_reset = at_client.told;
    (*server)->set_option(socket::Option::linger, 0);
    server->reset();
    hosts.settle();
    EXPECT_GT(at_client.told, before_reset);
}

}  // namespace
}  // namespace berth::harness
