// What each call on a datagram socket says: errno as POSIX and Linux give it.
#include <gtest/gtest.h>

#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

class DatagramCalls : public ::testing::Test {
  protected:
    TwoHosts hosts;
    static constexpr Endpoint service{TwoHosts::server_address, 9999};
};

TEST_F(DatagramCalls, on_a_fresh_socket) {
    auto fresh = hosts.datagram(hosts.client());
    EXPECT_EQ(fresh->type(), socket::Type::datagram);
    EXPECT_EQ(fresh->local(), Endpoint{});
    EXPECT_EQ(fresh->remote(), std::nullopt);
    EXPECT_EQ(hosts.send(*fresh, "x"), std::errc::destination_address_required);
    EXPECT_EQ(hosts.receive(*fresh).error, std::errc::operation_would_block);
    EXPECT_EQ(fresh->listen(1), std::errc::operation_not_supported);
    EXPECT_EQ(fresh->accept().error(), std::errc::operation_not_supported);
    EXPECT_TRUE(fresh->readiness().writable);
    EXPECT_FALSE(fresh->readiness().readable);
}

TEST_F(DatagramCalls, sending_binds_to_an_ephemeral_port) {
    auto talker = hosts.datagram(hosts.client());
    EXPECT_EQ(hosts.send(*talker, "x", service), std::errc{});
    EXPECT_NE(talker->local().port, 0);
}

TEST_F(DatagramCalls, connect_fixes_the_peer_and_chooses_the_local_address) {
    auto talker = hosts.datagram(hosts.client());
    EXPECT_EQ(talker->connect(service), std::errc{});
    EXPECT_EQ(talker->remote(), service);
    EXPECT_EQ(talker->local().address, TwoHosts::client_address);
    EXPECT_EQ(talker->connect({TwoHosts::server_address, 1}), std::errc{});  // again: another peer
    EXPECT_EQ(talker->remote(), (Endpoint{TwoHosts::server_address, 1}));
    EXPECT_EQ(talker->disconnect(), std::errc{});
    EXPECT_EQ(talker->remote(), std::nullopt);
    EXPECT_EQ(hosts.send(*talker, "x"), std::errc::destination_address_required);
}

TEST_F(DatagramCalls, a_datagram_too_large_for_the_path_is_refused) {
    auto talker = hosts.datagram(hosts.client());
    EXPECT_EQ(hosts.send(*talker, std::string(65'508, 'x'), service), std::errc::message_size);
}

TEST_F(DatagramCalls, a_broadcast_needs_permission) {
    auto talker = hosts.datagram(hosts.client());
    const Endpoint everybody{Ipv4Address(192, 0, 2, 255), 9999};
    EXPECT_EQ(hosts.send(*talker, "x", everybody), std::errc::permission_denied);
    ASSERT_EQ(talker->set_option(socket::Option::broadcast, 1), std::errc{});
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    EXPECT_EQ(hosts.send(*talker, "hello all", everybody), std::errc{});
    hosts.settle();
    EXPECT_EQ(hosts.receive(*server).text, "hello all");
}

TEST_F(DatagramCalls, a_broadcast_to_a_port_of_nobody_is_not_answered_rfc1122_3_2_2) {
    auto talker = hosts.datagram(hosts.client());
    ASSERT_EQ(talker->set_option(socket::Option::broadcast, 1), std::errc{});
    hosts.send(*talker, "x", Endpoint{Ipv4Address(192, 0, 2, 255), 4});
    hosts.settle();
    EXPECT_EQ(hosts.server().icmp().errors_sent(), 0U);
}

TEST_F(DatagramCalls, a_refused_datagram_is_told_once_to_a_connected_socket) {
    auto talker = hosts.datagram(hosts.client());
    talker->connect(service);
    hosts.send(*talker, "x");
    hosts.settle();
    EXPECT_TRUE(talker->readiness().error);
    EXPECT_EQ(hosts.send(*talker, "x"), std::errc::connection_refused);
    EXPECT_FALSE(talker->readiness().error);
    EXPECT_EQ(hosts.send(*talker, "x"), std::errc{});
}

TEST_F(DatagramCalls, a_refused_datagram_is_not_told_to_an_unconnected_socket_rfc1122_4_1_3_3) {
    auto talker = hosts.datagram(hosts.client());
    hosts.send(*talker, "x", service);
    hosts.settle();
    EXPECT_EQ(hosts.send(*talker, "x", service), std::errc{});
}

TEST_F(DatagramCalls, the_receive_queue_is_bounded_and_the_rest_is_counted) {
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    ASSERT_EQ(server->set_option(socket::Option::receive_buffer, 8192), std::errc{});
    auto talker = hosts.datagram(hosts.client());
    for (int i = 0; i < 50; ++i) {
        hosts.send(*talker, std::string(1000, 'x'), service);
        hosts.settle();
    }
    int received = 0;
    while (hosts.receive(*server).error == std::errc{})
        ++received;
    EXPECT_GT(received, 0);
    EXPECT_LT(received, 50);
    EXPECT_EQ(hosts.server().drops()[DropReason::udp_queue_full],
              static_cast<std::uint64_t>(50 - received));
}

TEST_F(DatagramCalls, peeking_leaves_the_datagram) {
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    auto talker = hosts.datagram(hosts.client());
    hosts.send(*talker, "look", service);
    hosts.settle();
    EXPECT_EQ(hosts.receive(*server, 100, true).text, "look");
    EXPECT_EQ(hosts.receive(*server).text, "look");
}

}  // namespace
}  // namespace berth::harness
