// What a host does about gateways that do not answer (RFC 1122 §3.3.1).
#include <gtest/gtest.h>

#include <vector>

#include "harness/fake_device.hpp"
#include "harness/lower_layers.hpp"
#include "harness/network.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address first_gateway{192, 0, 2, 1};
constexpr Ipv4Address second_gateway{192, 0, 2, 3};
constexpr Ipv4Address far_host{203, 0, 113, 7};

class Rfc1122_3_3_1 : public testing::Test {
  protected:
    FakeDevice device{link::LinkKind::ethernet, 1500};
    Time now{1'000'000'000};
    Stack stack{StackConfig{.seed = Seed::from(1), .start = now}};

    Rfc1122_3_3_1() {
        stack.add_interface("link0", device);
        stack.add_address(0, {our_ip, 24});
        stack.add_route({{{}, 0}, first_gateway, 0, 1});
        stack.add_route({{{}, 0}, second_gateway, 0, 2});
    }
    void advance(Duration duration) {
        const Time end = now + duration;
        stack.poll(now);
        while (stack.next_deadline() <= end) {
            now = std::max(now + nanoseconds(1), stack.next_deadline());
            stack.poll(now);
        }
        now = end;
        stack.poll(now);
    }
    Ipv4Address next_hop() const { return stack.ip().route(far_host)->next_hop; }
};

TEST_F(Rfc1122_3_3_1, Clause_5_FromADeadGatewayToAnother) {
    auto client = TwoHosts::datagram(stack);
    EXPECT_EQ(next_hop(), first_gateway) << "the smaller metric";
    ASSERT_EQ(TwoHosts::send(*client, "x", Endpoint{far_host, 9}), std::errc{});
    advance(seconds(5));
    EXPECT_EQ(next_hop(), second_gateway) << "three requests went unanswered";
    advance(seconds(61));
    EXPECT_EQ(next_hop(), first_gateway) << "it gets another chance";
}

TEST_F(Rfc1122_3_3_1, Clause_4_NobodyIsAskedWithoutTraffic) {
    advance(seconds(600));
    EXPECT_TRUE(device.sent.empty());
}

TEST_F(Rfc1122_3_3_1, Clause_5_WhereAllAreDeadTheBestIsTried) {
    auto client = TwoHosts::datagram(stack);
    ASSERT_EQ(TwoHosts::send(*client, "x", Endpoint{far_host, 9}), std::errc{});
    advance(seconds(5));
    static_cast<void>(TwoHosts::pending_error(*client));
    ASSERT_EQ(TwoHosts::send(*client, "x", Endpoint{far_host, 9}), std::errc{});
    advance(seconds(5));
    EXPECT_EQ(next_hop(), first_gateway);
}

TEST_F(Rfc1122_3_3_1, Clause_1_TheMaskDecidesBetweenLocalAndRemote) {
    EXPECT_EQ(stack.ip().route({192, 0, 2, 77})->next_hop, Ipv4Address(192, 0, 2, 77));
    EXPECT_EQ(stack.ip().route({192, 0, 3, 77})->next_hop, first_gateway);
}

// A client and a server with two routers between them, each on links of its own.
class TwoRouters : public testing::Test {
  protected:
    TwoRouters() {
        net.join(client, {192, 0, 2, 2}, first, {192, 0, 2, 1});
        net.join(client, {198, 51, 100, 2}, second, {198, 51, 100, 1});
        net.join(first, {203, 0, 113, 1}, server, server_ip);
        net.join(second, {198, 18, 0, 1}, server, {198, 18, 0, 9});
        client.add_route({{{}, 0}, {192, 0, 2, 1}, 0, 1});
        client.add_route({{{}, 0}, {198, 51, 100, 1}, 1, 2});
        server.add_route({{{}, 0}, {203, 0, 113, 1}, 0, 1});
        server.add_route({{{}, 0}, {198, 18, 0, 1}, 1, 2});
        second.add_route({{{203, 0, 113, 0}, 24}, {198, 18, 0, 9}, 1, 0});
        second.add_route({{{192, 0, 2, 0}, 24}, {198, 51, 100, 2}, 0, 0});
    }
    static constexpr Ipv4Address server_ip{203, 0, 113, 9};
    Network net;
    Stack& client = net.add();
    Stack& server = net.add();
    Stack& first = net.add(true);
    Stack& second = net.add(true);
};

TEST_F(TwoRouters, Rfc1122_3_3_1_5_AConnectionOutlivesItsGateway) {
    auto listener = TwoHosts::listener(server, {{}, 80});
    auto socket = TwoHosts::stream(client);
    socket->connect({server_ip, 80});
    net.settle();
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    ASSERT_EQ(TwoHosts::send(*socket, "by the first"), std::errc{});
    net.settle();
    EXPECT_EQ(TwoHosts::receive(**accepted).text, "by the first");
    EXPECT_EQ(second.ip().counters().forwarded, 0u);

    net.kill(first);
    ASSERT_EQ(TwoHosts::send(*socket, "by the second"), std::errc{});
    net.advance(seconds(120));
    EXPECT_EQ(TwoHosts::receive(**accepted).text, "by the second");
    EXPECT_GT(second.ip().counters().forwarded, 0u);
    ASSERT_EQ(TwoHosts::send(**accepted, "and back"), std::errc{});
    net.advance(seconds(120));
    EXPECT_EQ(TwoHosts::receive(*socket).text, "and back");
}

}  // namespace
}  // namespace berth::harness
