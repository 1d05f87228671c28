// What a host does about gateways that do not answer (RFC 1122 §3.3.1).
#include <gtest/gtest.h>

#include <vector>

#include "harness/fake_device.hpp"
#include "harness/lower_layers.hpp"
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

}  // namespace
}  // namespace berth::harness
