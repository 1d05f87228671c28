// Ports, sockets and connections as they are, each statement a test (DESIGN §11).
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

class PortsAndSockets : public ::testing::Test {
  protected:
    TwoHosts hosts;
    static constexpr Endpoint web{TwoHosts::server_address, 80};
    using Sockets = std::vector<std::unique_ptr<socket::Socket>>;

    // Says SO_REUSEPORT: its endpoint may overlap that of another that says so.
    std::unique_ptr<socket::Socket> sharing_listener(Endpoint local) {
        auto made = hosts.stream(hosts.server());
        EXPECT_EQ(made->set_option(socket::Option::reuse_port, 1), std::errc{});
        EXPECT_EQ(made->bind(local), std::errc{});
        EXPECT_EQ(made->listen(64), std::errc{});
        return made;
    }
};

TEST_F(PortsAndSockets, the_four_tuple_tells_apart_sockets_that_share_a_local_endpoint) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto one = hosts.connected(web);
    auto two = hosts.connected(web);
    auto server_one = listener->accept();
    auto server_two = listener->accept();
    ASSERT_TRUE(server_one && server_two);
    EXPECT_EQ((*server_one)->local(), (*server_two)->local());
    EXPECT_NE((*server_one)->remote(), (*server_two)->remote());
    hosts.send(*two, "for two");
    hosts.settle();
    EXPECT_EQ(hosts.receive(**server_one).error, std::errc::operation_would_block);
    EXPECT_EQ(hosts.receive(**server_two).text, "for two");
}

TEST_F(PortsAndSockets,
       the_accepted_socket_keeps_the_listeners_port_there_is_no_new_dedicated_one) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    Sockets clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(hosts.connected(web));
        auto accepted = listener->accept();
        ASSERT_TRUE(accepted);
        EXPECT_EQ((*accepted)->local(), web);
        clients.push_back(std::move(*accepted));
    }
    for (const socket::Row& row : hosts.rows(hosts.server(), "ESTAB"))
        EXPECT_EQ(row.local.port, 80);
    EXPECT_EQ(hosts.rows(hosts.server(), "ESTAB").size(), 5U);
}

TEST_F(PortsAndSockets,
       who_which_and_which_one_three_clients_are_one_listener_and_three_connections) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    Sockets clients;
    for (int i = 0; i < 3; ++i)
        clients.push_back(hosts.connected(web));
    EXPECT_EQ(hosts.rows(hosts.server(), "LISTEN").size(), 1U);
    EXPECT_EQ(hosts.rows(hosts.server(), "ESTAB").size(), 3U);
}

TEST_F(PortsAndSockets, there_is_one_listener_per_endpoint) {
    auto first = hosts.listener(hosts.server(), {{}, 80});
    auto second = hosts.stream(hosts.server());
    EXPECT_EQ(second->bind({{}, 80}), std::errc::address_in_use);
}

TEST_F(PortsAndSockets, so_reuseport_lets_several_listen_and_each_client_is_heard_by_one) {
    Sockets listeners;
    for (int i = 0; i < 3; ++i)
        listeners.push_back(sharing_listener({{}, 80}));
    // Not with one that has not agreed to it.
    EXPECT_EQ(hosts.stream(hosts.server())->bind({{}, 80}), std::errc::address_in_use);
    constexpr int clients = 60;
    Sockets connected;
    for (int i = 0; i < clients; ++i)
        connected.push_back(hosts.connected(web));
    int accepted = 0;
    for (const auto& listener : listeners) {
        int heard = 0;
        while (auto next = listener->accept()) {
            connected.push_back(std::move(*next));
            ++heard;
        }
        EXPECT_GT(heard, 0);
        accepted += heard;
    }
    EXPECT_EQ(accepted, clients);
    EXPECT_EQ(hosts.rows(hosts.server(), "LISTEN").size(), 3U);
}

TEST_F(PortsAndSockets, so_reuseport_without_it_the_second_listener_hears_nothing_but_eaddrinuse) {
    auto first = hosts.listener(hosts.server(), web);
    auto second = hosts.stream(hosts.server());
    ASSERT_EQ(second->set_option(socket::Option::reuse_port, 1), std::errc{});
    EXPECT_EQ(second->bind(web), std::errc::address_in_use);  // both must say it
}

TEST_F(PortsAndSockets, only_the_listener_hears_a_new_syn) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto first = hosts.connected(web);
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    listener.reset();
    // The connection lives on at port 80, but nobody hears a SYN any more.
    auto late = hosts.connected(web);
    EXPECT_EQ(hosts.pending_error(*late), std::errc::connection_refused);
    hosts.send(*first, "still here");
    hosts.settle();
    EXPECT_EQ(hosts.receive(**accepted).text, "still here");
}

TEST_F(PortsAndSockets, tcp_and_udp_have_separate_port_spaces) {
    auto tcp_echo = hosts.listener(hosts.server(), {{}, 7});
    auto udp_echo = hosts.datagram(hosts.server());
    ASSERT_NE(tcp_echo, nullptr);
    EXPECT_EQ(udp_echo->bind({{}, 7}), std::errc{});
    auto talker = hosts.datagram(hosts.client());
    hosts.send(*talker, "by udp", Endpoint{TwoHosts::server_address, 7});
    auto caller = hosts.connected({TwoHosts::server_address, 7});
    EXPECT_EQ(hosts.receive(*udp_echo).text, "by udp");
    EXPECT_TRUE(tcp_echo->accept());
}

TEST_F(PortsAndSockets, a_specific_and_a_wildcard_listener_coexist_and_the_specific_one_wins) {
    auto wildcard = sharing_listener({{}, 80});
    auto specific = sharing_listener({TwoHosts::server_second_address, 80});
    ASSERT_TRUE(wildcard && specific);
    auto to_specific = hosts.connected({TwoHosts::server_second_address, 80});
    EXPECT_FALSE(wildcard->accept());
    EXPECT_TRUE(specific->accept());
    auto to_other = hosts.connected(web);
    EXPECT_TRUE(wildcard->accept());
    EXPECT_FALSE(specific->accept());
}

TEST_F(PortsAndSockets, one_socket_has_one_port_a_second_bind_is_einval) {
    auto stream = hosts.stream(hosts.server());
    EXPECT_EQ(stream->bind({{}, 80}), std::errc{});
    EXPECT_EQ(stream->bind({{}, 81}), std::errc::invalid_argument);
    auto datagram = hosts.datagram(hosts.server());
    EXPECT_EQ(datagram->bind({{}, 80}), std::errc{});
    EXPECT_EQ(datagram->bind({{}, 81}), std::errc::invalid_argument);
}

TEST_F(PortsAndSockets, port_zero_means_choose_for_me) {
    auto stream = hosts.stream(hosts.server());
    ASSERT_EQ(stream->bind({{}, 0}), std::errc{});
    EXPECT_NE(stream->local().port, 0);
    EXPECT_NE(port_range(stream->local().port), PortRange::well_known);
    auto datagram = hosts.datagram(hosts.server());
    ASSERT_EQ(datagram->bind({{}, 0}), std::errc{});
    EXPECT_NE(datagram->local().port, 0);
}

TEST_F(PortsAndSockets, the_port_ranges_are_those_of_rfc6335) {
    EXPECT_EQ(port_range(0), PortRange::well_known);
    EXPECT_EQ(port_range(1023), PortRange::well_known);
    EXPECT_EQ(port_range(1024), PortRange::registered);
    EXPECT_EQ(port_range(49151), PortRange::registered);
    EXPECT_EQ(port_range(49152), PortRange::dynamic);
    EXPECT_EQ(port_range(65535), PortRange::dynamic);
}

TEST_F(PortsAndSockets, a_port_is_free_again_after_close) {
    for (int i = 0; i < 3; ++i) {
        auto listener = hosts.listener(hosts.server(), {{}, 80});
        ASSERT_NE(listener, nullptr);
        auto datagram = hosts.datagram(hosts.server());
        ASSERT_EQ(datagram->bind({{}, 80}), std::errc{});
    }
}

TEST_F(PortsAndSockets, a_port_is_released_when_the_last_of_its_connections_has_gone) {
    auto listener = hosts.listener(hosts.server(), web);
    auto client = hosts.connected(web);
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    const auto can_bind = [&] { return hosts.stream(hosts.server())->bind(web); };
    listener.reset();
    EXPECT_EQ(can_bind(), std::errc::address_in_use);  // the connection is at that port
    accepted->reset();
    client.reset();
    hosts.settle();
    ASSERT_EQ(hosts.rows(hosts.server(), "TIME-WAIT").size(), 1U);
    EXPECT_EQ(can_bind(), std::errc::address_in_use);
    hosts.advance(seconds(61));
    EXPECT_EQ(can_bind(), std::errc{});
}

TEST_F(PortsAndSockets, two_client_connections_use_different_local_ports) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    std::set<Port> ports;
    Sockets clients;
    for (int i = 0; i < 10; ++i) {
        clients.push_back(hosts.connected(web));
        ports.insert(clients.back()->local().port);
    }
    EXPECT_EQ(ports.size(), 10U);
}

TEST_F(PortsAndSockets, the_same_local_port_is_legal_towards_another_remote) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto other = hosts.listener(hosts.server(), {{}, 81});
    auto one = hosts.stream(hosts.client());
    auto two = hosts.stream(hosts.client());
    for (auto* socket : {one.get(), two.get()}) {
        ASSERT_EQ(socket->set_option(socket::Option::reuse_address, 1), std::errc{});
        ASSERT_EQ(socket->bind({TwoHosts::client_address, 5000}), std::errc{});
    }
    one->connect(web);
    two->connect({TwoHosts::server_address, 81});
    hosts.settle();
    EXPECT_EQ(one->local(), two->local());
    EXPECT_TRUE(one->readiness().writable);
    EXPECT_TRUE(two->readiness().writable);
}

TEST_F(PortsAndSockets, an_association_is_the_five_tuple) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto stream = hosts.connected(web, {TwoHosts::client_address, 5000});
    auto datagram = hosts.datagram(hosts.client());
    ASSERT_EQ(datagram->bind({TwoHosts::client_address, 5000}), std::errc{});
    ASSERT_EQ(datagram->connect(web), std::errc{});
    // Equal four-tuples; the protocol makes them two.
    int tcp_rows = 0;
    int udp_rows = 0;
    for (const socket::Row& row : socket::rows(hosts.client())) {
        if (row.local != Endpoint{TwoHosts::client_address, 5000} || row.remote != web) continue;
        ++(row.protocol == Protocol::tcp ? tcp_rows : udp_rows);
    }
    EXPECT_EQ(tcp_rows, 1);
    EXPECT_EQ(udp_rows, 1);
}

TEST_F(PortsAndSockets, the_route_decides_the_local_address_of_a_connection) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto client = hosts.connected(web);
    EXPECT_EQ(client->local().address, TwoHosts::client_address);
    EXPECT_EQ(client->remote(), web);
}

TEST_F(PortsAndSockets, the_socket_buffer_is_not_the_mtu) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto client = hosts.connected(web);
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    const auto buffer = client->get_option(socket::Option::send_buffer);
    const auto mss = client->get_option(socket::Option::maximum_segment);
    ASSERT_TRUE(buffer && mss);
    const std::uint16_t mtu = hosts.client().interface_at(0).mtu();
    EXPECT_GT(*buffer, mtu);
    EXPECT_LT(*mss, mtu);
    // What `ss -im` shows of both ends: three numbers, none of which follows from another's.
    for (const Stack* stack : {&hosts.client(), &hosts.server()}) {
        const auto rows = socket::detailed_rows(*stack, hosts.now());
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [](const auto& each) { return each.state == "ESTAB"; });
        ASSERT_TRUE(row != rows.end() && row->details.has_value());
        const tcp::Info& info = row->details->info;
        EXPECT_EQ(info.pmtu, mtu);
        EXPECT_EQ(info.snd_mss, mtu - 20U - 20U - 12U);  // IP, TCP, timestamps
        EXPECT_EQ(info.advmss, info.snd_mss);
        EXPECT_EQ(info.send_buffer, stack->tcp().config().send_buffer_bytes);
        EXPECT_EQ(info.receive_buffer, stack->tcp().config().receive_buffer_bytes);
    }
    // A write far larger than either arrives whole.
    const std::string text(100'000, 'x');
    hosts.send(*client, text);
    std::string received;
    for (int i = 0; i < 1000 && received.size() < text.size(); ++i) {
        hosts.advance(milliseconds(1));
        received += hosts.receive(**accepted, 65536).text;
    }
    EXPECT_EQ(received, text);
}

}  // namespace
}  // namespace berth::harness
