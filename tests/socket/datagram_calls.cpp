// What each call on a datagram socket says: errno as POSIX and Linux give it.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

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

TEST_F(DatagramCalls, what_is_set_comes_back) {
    using socket::Option;
    auto fresh = hosts.datagram(hosts.client());
    for (const auto& [option, value] : {std::pair{Option::reuse_address, 1},
                                        {Option::broadcast, 1},
                                        {Option::receive_buffer, 50'000},
                                        {Option::send_buffer, 60'000},
                                        {Option::ttl, 3},
                                        {Option::tos, 0x13},
                                        {Option::bind_interface, 0},
                                        {Option::mtu_discover, 2},
                                        {Option::receive_errors, 1},
                                        {Option::packet_info, 1},
                                        {Option::receive_ttl, 1},
                                        {Option::receive_tos, 1},
                                        {Option::multicast_ttl, 0},
                                        {Option::multicast_loop, 0},
                                        {Option::multicast_all, 0},
                                        {Option::multicast_interface, 0}}) {
        EXPECT_EQ(fresh->set_option(option, value), std::errc{}) << static_cast<int>(option);
        const auto got = fresh->get_option(option);
        ASSERT_TRUE(got) << static_cast<int>(option);
        EXPECT_EQ(*got, value) << static_cast<int>(option);
    }
    EXPECT_EQ(fresh->set_option(Option::bind_interface, -1), std::errc{});
    EXPECT_EQ(*fresh->get_option(Option::bind_interface), -1);
    EXPECT_EQ(fresh->set_option(Option::bind_interface, 7), std::errc::no_such_device);
    EXPECT_EQ(fresh->set_option(Option::multicast_interface, 7), std::errc::address_not_available);
    EXPECT_EQ(fresh->set_option(Option::mtu_discover, 4), std::errc::invalid_argument);
    EXPECT_EQ(fresh->set_option(Option::multicast_ttl, 256), std::errc::invalid_argument);
    EXPECT_EQ(fresh->set_option(Option::header_included, 1), std::errc::no_protocol_option);
    EXPECT_EQ(fresh->get_option(Option::mtu).error(), std::errc::not_connected);
    ASSERT_EQ(fresh->connect(service), std::errc{});
    EXPECT_EQ(*fresh->get_option(Option::mtu), 1500);
    auto bound = hosts.datagram(hosts.client());
    bound->set_option(Option::bind_interface, 0);
    EXPECT_EQ(bound->set_option(Option::multicast_interface,
                                std::int64_t{link::Interfaces::loopback_index}),
              std::errc::invalid_argument)
        << "a socket bound to one interface cannot choose another";
}

TEST_F(DatagramCalls, the_largest_datagram_arrives_whole_rfc768) {
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    auto talker = hosts.datagram(hosts.client());
    hosts.send(*talker, "", service);  // while ARP asks, only a few packets may wait
    hosts.settle();
    hosts.receive(*server);
    std::string text(65'507, 'x');
    text.back() = 'y';
    EXPECT_EQ(hosts.send(*talker, text, service), std::errc{});
    hosts.settle();
    EXPECT_TRUE(hosts.receive(*server, 65'507).text == text);
}

TEST_F(DatagramCalls, ttl_tos_destination_and_interface_are_passed_up_rfc1122_4_1_4) {
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    auto talker = hosts.datagram(hosts.client());
    const std::array<std::uint8_t, 1> byte{7};
    const std::array<Bytes, 1> out{Bytes(byte)};
    socket::SendControl control;
    control.ttl = 9;
    control.tos = 0x2a;
    ASSERT_TRUE(talker->send_with(out, service, control));
    hosts.settle();
    std::array<std::uint8_t, 4> room{};
    const std::array<MutableBytes, 1> in{MutableBytes(room)};
    const auto received = server->receive(in, {});
    ASSERT_TRUE(received);
    EXPECT_EQ(received->bytes, 1U);
    EXPECT_EQ(received->ttl, 9);
    EXPECT_EQ(received->tos, 0x2a);
    EXPECT_EQ(received->destination, TwoHosts::server_address);
    EXPECT_EQ(received->interface_index, 0U);
}

TEST_F(DatagramCalls, a_neighbour_that_does_not_answer_is_an_error_too_rfc1122_2_4) {
    const Endpoint nobody{Ipv4Address(192, 0, 2, 77), 9};
    auto connected = hosts.datagram(hosts.client());
    connected->connect(nobody);
    auto asking = hosts.datagram(hosts.client());
    asking->set_option(socket::Option::receive_errors, 1);
    hosts.send(*connected, "x");
    hosts.send(*asking, "y", nobody);
    hosts.advance(seconds(10));
    EXPECT_EQ(hosts.pending_error(*connected), std::errc::host_unreachable);
    EXPECT_TRUE(asking->readiness().error);
    const auto queued = asking->take_queued_error();
    ASSERT_TRUE(queued);
    EXPECT_EQ(queued->error, std::errc::host_unreachable);
    EXPECT_EQ(queued->destination, nobody);
    EXPECT_EQ(queued->payload, std::vector<std::uint8_t>{'y'});
    EXPECT_TRUE(queued->reporter.is_unspecified()) << "nobody reported it but ourselves";
    EXPECT_FALSE(asking->readiness().error) << "whoever has read the queue has no error pending";
    EXPECT_EQ(asking->take_queued_error().error(), std::errc::operation_would_block);
}

TEST_F(DatagramCalls, no_errors_are_kept_for_who_does_not_want_them_any_more) {
    auto asking = hosts.datagram(hosts.client());
    asking->set_option(socket::Option::receive_errors, 1);
    hosts.send(*asking, "x", service);
    hosts.settle();
    asking->set_option(socket::Option::receive_errors, 0);
    EXPECT_EQ(asking->take_queued_error().error(), std::errc::operation_would_block);
}

TEST_F(DatagramCalls, closing_a_socket_leaves_its_groups_rfc1112_7_1) {
    constexpr Ipv4Address group{233, 252, 0, 1};
    auto member = hosts.datagram(hosts.server());
    EXPECT_EQ(member->join({group, 0, {}}), std::errc{});
    EXPECT_EQ(member->join({group, std::nullopt, {}}), std::errc::address_in_use);
    EXPECT_TRUE(hosts.server().ip().groups().is_member(0, group));
    member.reset();
    EXPECT_FALSE(hosts.server().ip().groups().is_member(0, group));
}

}  // namespace
}  // namespace berth::harness
