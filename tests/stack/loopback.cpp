// Two sockets of one host talk without touching a link (RFC 1122 §3.2.1.3 (g)).
#include <gtest/gtest.h>

#include "harness/fake_device.hpp"
#include "harness/lower_layers.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

constexpr Ipv4Address localhost{127, 0, 0, 1};

class Loopback : public testing::Test {
  protected:
    FakeDevice device{link::LinkKind::raw_ip, 1500};
    Time now{1'000'000'000};
    Stack stack{StackConfig{.seed = Seed::from(1), .start = now}};

    Loopback() {
        stack.add_interface("link0", device);
        stack.add_address(0, {TwoHosts::server_address, 24});
    }
    void settle() { stack.poll(now); }
    std::string talk(Endpoint listen, Endpoint to) {
        auto listener = TwoHosts::listener(stack, listen);
        auto client = TwoHosts::stream(stack);
        if (!listener) return "no listener";
        client->connect(to);
        settle();
        auto server = listener->accept();
        if (!server) return "not accepted";
        if (TwoHosts::send(*client, "hello") != std::errc{}) return "not sent";
        settle();
        return TwoHosts::receive(**server).text;
    }
};

TEST_F(Loopback, TcpOverTheLoopbackAddress) {
    EXPECT_EQ(talk({{}, 80}, {localhost, 80}), "hello");
    EXPECT_EQ(talk({localhost, 81}, {localhost, 81}), "hello");
    EXPECT_EQ(talk({{}, 82}, {Ipv4Address(127, 9, 8, 7), 82}), "hello");
    EXPECT_TRUE(device.sent.empty());
}

TEST_F(Loopback, TcpOverAnAddressOfItsOwn) {
    EXPECT_EQ(talk({{}, 80}, {TwoHosts::server_address, 80}), "hello");
    EXPECT_TRUE(device.sent.empty());
}

TEST_F(Loopback, BothEndsOfTheConnectionAreInTheTable) {
    auto listener = TwoHosts::listener(stack, {{}, 80});
    auto client = TwoHosts::stream(stack);
    client->connect({localhost, 80});
    settle();
    const auto rows = TwoHosts::rows(stack, "ESTAB");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].local, rows[1].remote);
    EXPECT_EQ(rows[0].remote, rows[1].local);
}

TEST_F(Loopback, UdpInBothDirections) {
    auto server = TwoHosts::datagram(stack);
    ASSERT_EQ(server->bind({localhost, 7}), std::errc{});
    auto client = TwoHosts::datagram(stack);
    const Endpoint to{localhost, 7};
    ASSERT_EQ(TwoHosts::send(*client, "ping", to), std::errc{});
    settle();
    const auto got = TwoHosts::receive(*server);
    EXPECT_EQ(got.text, "ping");
    EXPECT_EQ(got.source.address, localhost);
    ASSERT_EQ(TwoHosts::send(*server, "pong", got.source), std::errc{});
    settle();
    EXPECT_EQ(TwoHosts::receive(*client).text, "pong");
}

TEST_F(Loopback, ALargeDatagramNeedsNoFragments) {
    auto server = TwoHosts::datagram(stack);
    ASSERT_EQ(server->bind({localhost, 7}), std::errc{});
    auto client = TwoHosts::datagram(stack);
    const std::string large(60'000, 'x');
    ASSERT_EQ(TwoHosts::send(*client, large, Endpoint{localhost, 7}), std::errc{});
    settle();
    EXPECT_EQ(TwoHosts::receive(*server, 65'000).text, large);
    EXPECT_EQ(stack.ip().counters().fragmented, 0u);
}

TEST_F(Loopback, NobodyThere) {
    auto client = TwoHosts::datagram(stack);
    ASSERT_EQ(client->connect({localhost, 9}), std::errc{});
    ASSERT_EQ(TwoHosts::send(*client, "anybody?"), std::errc{});
    settle();
    EXPECT_EQ(TwoHosts::pending_error(*client), std::errc::connection_refused);
    auto stream = TwoHosts::stream(stack);
    stream->connect({localhost, 9});
    settle();
    EXPECT_EQ(TwoHosts::pending_error(*stream), std::errc::connection_refused);
}

TEST_F(Loopback, AMegabyteInOneGo) {
    auto listener = TwoHosts::listener(stack, {{}, 80});
    auto client = TwoHosts::stream(stack);
    client->connect({localhost, 80});
    settle();
    auto server = listener->accept();
    ASSERT_TRUE(server);
    const std::string chunk(50'000, 'y');
    std::size_t sent = 0;
    std::size_t received = 0;
    while (received < 1'000'000) {
        if (sent < 1'000'000 && TwoHosts::send(*client, chunk) == std::errc{}) sent += chunk.size();
        settle();
        const std::size_t got = TwoHosts::receive(**server, 2'000'000).text.size();
        if (got == 0) now = now + milliseconds(1);
        received += got;
        ASSERT_LT(now, Time{} + seconds(60));
    }
    EXPECT_GE(received, 1'000'000u);
}

TEST_F(Loopback, EveryFrameHasAFate) {
    RecordingObserver observer;
    stack.set_observer(&observer);
    EXPECT_EQ(talk({{}, 80}, {localhost, 80}), "hello");
    std::size_t in = 0;
    std::size_t out = 0;
    for (const ToldFate& told : observer.told) {
        EXPECT_EQ(told.interface_index, link::Interfaces::loopback_index);
        ++(told.direction == Direction::in ? in : out);
    }
    EXPECT_EQ(in, out);
    EXPECT_GE(in, 4u);
    stack.set_observer(nullptr);
}

TEST_F(Loopback, WithoutAnyInterface) {
    Stack alone{StackConfig{.seed = Seed::from(1), .start = now}};
    auto listener = TwoHosts::listener(alone, {{}, 80});
    auto client = TwoHosts::stream(alone);
    client->connect({localhost, 80});
    alone.poll(now);
    EXPECT_TRUE(listener->accept());
}

}  // namespace
}  // namespace berth::harness
