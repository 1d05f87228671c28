// Transport lives only in hosts (DESIGN §11): what a router has, and what it does not.
#include <gtest/gtest.h>

#include "harness/network.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

class HostsAndRouters : public testing::Test {
  protected:
    HostsAndRouters() {
        net.join(client, {192, 0, 2, 1}, router, {192, 0, 2, 2});
        net.join(server, server_ip, router, {198, 51, 100, 2});
        client.add_route({{{}, 0}, {192, 0, 2, 2}, 0, 0});
        server.add_route({{{}, 0}, {198, 51, 100, 2}, 0, 0});
    }
    static constexpr Ipv4Address server_ip{198, 51, 100, 1};
    Network net;
    Stack& client = net.add();
    Stack& server = net.add();
    Stack& router = net.add(true);
};

TEST_F(HostsAndRouters, transport_lives_only_in_hosts_a_router_has_no_sockets) {
    auto listener = TwoHosts::listener(server, {{}, 80});
    auto socket = TwoHosts::stream(client);
    socket->connect({server_ip, 80});
    net.settle();
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    ASSERT_EQ(TwoHosts::send(*socket, "through the router"), std::errc{});
    net.settle();
    EXPECT_EQ(TwoHosts::receive(**accepted).text, "through the router");
    EXPECT_EQ(socket::rows(client).size(), 1u);
    EXPECT_EQ(socket::rows(server).size(), 2u) << "the listener and the connection";
    EXPECT_TRUE(socket::rows(router).empty());
    EXPECT_GE(router.ip().counters().forwarded, 4u);
}

TEST_F(HostsAndRouters, the_four_tuple_is_the_same_on_both_sides_of_a_router) {
    auto listener = TwoHosts::listener(server, {{}, 80});
    auto socket = TwoHosts::stream(client);
    socket->connect({server_ip, 80});
    net.settle();
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    EXPECT_EQ((*accepted)->remote(), socket->local());
    EXPECT_EQ((*accepted)->local(), socket->remote());
}

}  // namespace
}  // namespace berth::harness
