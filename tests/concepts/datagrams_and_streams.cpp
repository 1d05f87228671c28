// What TCP is and what UDP is, each statement a test (DESIGN §11).
#include <gtest/gtest.h>

#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

class DatagramsAndStreams : public ::testing::Test {
  protected:
    TwoHosts hosts;
    static constexpr Endpoint service{TwoHosts::server_address, 9999};
};

TEST_F(DatagramsAndStreams, one_udp_socket_serves_many_peers) {
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    std::vector<std::unique_ptr<socket::Socket>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(hosts.datagram(hosts.client()));
        hosts.send(*clients.back(), "from " + std::to_string(i), service);
        hosts.settle();
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        const auto heard = hosts.receive(*server);
        EXPECT_EQ(heard.text, "from " + std::to_string(i));
        EXPECT_EQ(heard.source, (Endpoint{TwoHosts::client_address, clients[i]->local().port}));
        hosts.send(*server, "to " + std::to_string(i), heard.source);
    }
    hosts.settle();
    for (std::size_t i = 0; i < clients.size(); ++i)
        EXPECT_EQ(hosts.receive(*clients[i]).text, "to " + std::to_string(i));
}

TEST_F(DatagramsAndStreams, a_connected_udp_socket_hears_only_its_peer) {
    auto friend_socket = hosts.datagram(hosts.client());
    auto stranger = hosts.datagram(hosts.client());
    ASSERT_EQ(friend_socket->bind({TwoHosts::client_address, 5001}), std::errc{});
    ASSERT_EQ(stranger->bind({TwoHosts::client_address, 5002}), std::errc{});
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    ASSERT_EQ(server->connect(friend_socket->local()), std::errc{});
    hosts.send(*stranger, "let me in", service);
    hosts.send(*friend_socket, "it is me", service);
    hosts.settle();
    EXPECT_EQ(hosts.receive(*server).text, "it is me");
    EXPECT_EQ(hosts.receive(*server).error, std::errc::operation_would_block);
}

TEST_F(DatagramsAndStreams, one_datagram_to_a_group_reaches_all_who_have_joined_it) {
    const Endpoint group{Ipv4Address(233, 252, 0, 1), 9999};
    const auto receiver = [&](Stack& stack) {
        auto socket = hosts.datagram(stack);
        EXPECT_EQ(socket->set_option(socket::Option::reuse_address, 1), std::errc{});
        EXPECT_EQ(socket->bind(group), std::errc{});
        EXPECT_EQ(socket->join({group.address, 0, {}}), std::errc{});
        return socket;
    };
    auto at_server = receiver(hosts.server());
    auto at_client = receiver(hosts.client());
    auto another_at_client = receiver(hosts.client());
    auto sender = hosts.datagram(hosts.client());  // a sender need not be a member
    EXPECT_EQ(hosts.send(*sender, "to all of you", group), std::errc{});
    hosts.settle();
    for (const auto* each : {&at_server, &at_client, &another_at_client}) {
        EXPECT_EQ(hosts.receive(**each).text, "to all of you");
        EXPECT_EQ(hosts.receive(**each).error, std::errc::operation_would_block) << "once each";
    }
    EXPECT_EQ(at_server->leave({group.address, 0, {}}), std::errc{});
    hosts.send(*sender, "who is left?", group);
    hosts.settle();
    EXPECT_EQ(hosts.receive(*at_server).error, std::errc::operation_would_block);
    EXPECT_EQ(hosts.receive(*at_client).text, "who is left?");
}

TEST_F(DatagramsAndStreams, two_sockets_of_one_host_talk_without_touching_the_link) {
    auto first = hosts.datagram(hosts.server());
    auto second = hosts.datagram(hosts.server());
    ASSERT_EQ(first->bind(service), std::errc{});
    const std::uint64_t frames = hosts.server().interface_at(0).counters().frames_out;
    hosts.send(*second, "neighbour", service);
    hosts.settle();
    const auto heard = hosts.receive(*first);
    EXPECT_EQ(heard.text, "neighbour");
    EXPECT_EQ(heard.source.address, TwoHosts::server_address) << "both ends are one address";
    hosts.send(*first, "over 127/8 too", Endpoint{Ipv4Address(127, 0, 0, 1), second->local().port});
    hosts.settle();
    EXPECT_EQ(hosts.receive(*second).text, "over 127/8 too");
    EXPECT_EQ(hosts.server().interface_at(0).counters().frames_out, frames);
}

TEST_F(DatagramsAndStreams, tcp_is_a_stream_without_message_boundaries) {
    auto listener = hosts.listener(hosts.server(), service);
    auto client = hosts.connected(service);
    auto server = listener->accept();
    ASSERT_TRUE(server);
    for (const char* part : {"to", "geth", "er"})
        hosts.send(*client, part);
    hosts.advance(seconds(1));
    EXPECT_EQ(hosts.receive(**server).text, "together");
}

TEST_F(DatagramsAndStreams, udp_keeps_datagrams_apart) {
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    auto client = hosts.datagram(hosts.client());
    for (const char* part : {"a", "part", ""})
        hosts.send(*client, part, service);
    hosts.settle();
    EXPECT_EQ(hosts.receive(*server).text, "a");
    EXPECT_EQ(hosts.receive(*server).text, "part");
    const auto empty = hosts.receive(*server);  // a datagram may be empty; it is one all the same
    EXPECT_EQ(empty.error, std::errc{});
    EXPECT_EQ(empty.text, "");
    EXPECT_EQ(hosts.receive(*server).error, std::errc::operation_would_block);
}

TEST_F(DatagramsAndStreams,
       what_does_not_fit_of_a_datagram_is_lost_what_does_not_fit_of_a_stream_is_not) {
    auto udp_server = hosts.datagram(hosts.server());
    ASSERT_EQ(udp_server->bind({{}, 9999}), std::errc{});
    auto udp_client = hosts.datagram(hosts.client());
    hosts.send(*udp_client, "abcdef", service);
    hosts.settle();
    const auto cut = hosts.receive(*udp_server, 3);
    EXPECT_EQ(cut.text, "abc");
    EXPECT_EQ(cut.full_length, 6U);
    EXPECT_EQ(hosts.receive(*udp_server).error, std::errc::operation_would_block);

    auto listener = hosts.listener(hosts.server(), service);
    auto client = hosts.connected(service);
    auto server = listener->accept();
    ASSERT_TRUE(server);
    hosts.send(*client, "abcdef");
    hosts.settle();
    EXPECT_EQ(hosts.receive(**server, 3).text, "abc");
    EXPECT_EQ(hosts.receive(**server, 3).text, "def");
}

TEST_F(DatagramsAndStreams, nobody_there_a_tcp_connection_is_refused) {
    auto client = hosts.connected(service);
    EXPECT_TRUE(client->readiness().error);
    EXPECT_EQ(hosts.pending_error(*client), std::errc::connection_refused);
    EXPECT_EQ(hosts.server().drops()[DropReason::tcp_no_connection], 1U);
}

TEST_F(DatagramsAndStreams, nobody_there_a_udp_port_is_unreachable) {
    auto client = hosts.datagram(hosts.client());
    ASSERT_EQ(client->connect(service), std::errc{});
    EXPECT_EQ(hosts.send(*client, "anybody?"), std::errc{});
    hosts.settle();
    EXPECT_EQ(hosts.server().drops()[DropReason::udp_no_socket], 1U);
    EXPECT_EQ(hosts.receive(*client).error, std::errc::connection_refused);
}

TEST_F(DatagramsAndStreams, icmp_has_no_ports_an_echo_request_meets_no_socket) {
    const std::size_t sockets = socket::rows(hosts.server()).size();
    EXPECT_EQ(sockets, 0U);
    // The port unreachable above came without any socket either: ICMP belongs to the host.
    auto client = hosts.datagram(hosts.client());
    hosts.send(*client, "anybody?", service);
    hosts.settle();
    EXPECT_EQ(hosts.server().icmp().errors_sent(), 1U);
    EXPECT_EQ(socket::rows(hosts.server()).size(), 0U);
}

TEST_F(DatagramsAndStreams, the_states_of_a_connection_as_both_sides_see_them) {
    auto listener = hosts.listener(hosts.server(), service);
    auto client = hosts.stream(hosts.client());
    client->connect(service);
    EXPECT_EQ(hosts.rows(hosts.client(), "SYN-SENT").size(), 1U);
    hosts.settle();
    auto server = listener->accept();
    ASSERT_TRUE(server);
    EXPECT_EQ(hosts.rows(hosts.client(), "ESTAB").size(), 1U);
    EXPECT_EQ(hosts.rows(hosts.server(), "ESTAB").size(), 1U);
    client->shutdown(socket::Shutdown::write);
    hosts.settle();
    EXPECT_EQ(hosts.rows(hosts.client(), "FIN-WAIT-2").size(), 1U);
    EXPECT_EQ(hosts.rows(hosts.server(), "CLOSE-WAIT").size(), 1U);
    server->reset();
    hosts.settle();
    EXPECT_EQ(hosts.rows(hosts.client(), "TIME-WAIT").size(), 1U);
    EXPECT_EQ(socket::rows(hosts.server()).size(), 1U);  // only the listener is left
    hosts.advance(minutes(2));
    EXPECT_EQ(hosts.rows(hosts.client(), "TIME-WAIT").size(), 0U);
}

}  // namespace
}  // namespace berth::harness
