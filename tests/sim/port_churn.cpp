// One client opens and closes 5,000 connections a second towards one server: far more in two MSL
// than there are ephemeral ports. None may be refused, and none may have to wait.
//
// A minute of virtual time; BERTH_TEST_SCALE=P runs P percent of it, but always enough to come
// round the range of ports once more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "demux/ephemeral_ports.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

constexpr std::uint64_t connections_per_second = 5'000;
constexpr std::uint64_t seconds_in_all = 60;
constexpr std::uint64_t least_seconds = 7;
constexpr std::uint64_t ports =
    demux::EphemeralPorts::default_last - demux::EphemeralPorts::default_first + 1;
static_assert(least_seconds * connections_per_second > ports);
constexpr Endpoint service{TwoHosts::server_address, 80};

std::uint64_t seconds_to_run() {
    const char* text = std::getenv("BERTH_TEST_SCALE");
    const std::uint64_t scale =
        text == nullptr || *text == '\0' ? 100 : std::strtoull(text, nullptr, 10);
    return std::clamp(seconds_in_all * scale / 100, least_seconds, seconds_in_all);
}

enum class ClosesFirst { client, server };

class PortChurn : public ::testing::Test {
  protected:
    // Opens one, lets it be established on both sides, closes it; the cable has no latency, so all
    // of that must happen at this moment. False: it did not.
    bool comes_and_goes(ClosesFirst first) {
        auto client = TwoHosts::stream(hosts.client());
        const std::errc opened = client->connect(service);
        EXPECT_EQ(opened, std::errc::operation_in_progress);
        hosts.settle();
        auto server = listener->accept();
        EXPECT_TRUE(server) << "the connection was not established at once";
        if (!server) return false;
        (first == ClosesFirst::client ? client : *server).reset();
        hosts.settle();
        client.reset();
        server->reset();
        hosts.settle();
        return opened == std::errc::operation_in_progress;
    }

    void churn(ClosesFirst first) {
        ASSERT_NE(listener, nullptr);
        const std::uint64_t count = seconds_to_run() * connections_per_second;
        constexpr Duration interval = nanoseconds(1'000'000'000 / connections_per_second);
        for (std::uint64_t i = 0; i < count; ++i) {
            ASSERT_TRUE(comes_and_goes(first)) << "connection " << i;
            hosts.advance(interval);
        }
        ASSERT_EQ(hosts.client().tcp().connection_count(), 0U);
        ASSERT_EQ(hosts.server().tcp().connection_count(), 0U);
        // Every one of them waits where it must, and those whose ports came again gave way.
        Stack& waiting = first == ClosesFirst::client ? hosts.client() : hosts.server();
        Stack& other = first == ClosesFirst::client ? hosts.server() : hosts.client();
        EXPECT_EQ(waiting.tcp().time_wait_count(), ports);
        EXPECT_EQ(other.tcp().time_wait_count(), 0U);
        EXPECT_EQ(
            waiting.tcp().counters()[first == ClosesFirst::client ? tcp::Count::time_wait_recycled
                                                                  : tcp::Count::time_wait_reopened],
            count - ports);
        EXPECT_EQ(hosts.client().tcp().counters()[tcp::Count::retrans_segs], 0U);
        hosts.advance(2 * tcp::Config{}.msl);
        EXPECT_EQ(waiting.tcp().time_wait_count(), 0U);
    }

    TwoHosts hosts;
    std::unique_ptr<socket::Socket> listener = TwoHosts::listener(hosts.server(), service);
};

TEST_F(PortChurn, the_client_closes_first_and_its_ports_never_run_out_rfc6191) {
    churn(ClosesFirst::client);
}

TEST_F(PortChurn, the_server_closes_first_and_lets_them_come_again_rfc6191_2) {
    churn(ClosesFirst::server);
}

// What the knob is for: without it the range is used up until two MSL are over.
TEST(PortChurnKnob, without_reuse_the_ports_run_out_linux_tcp_tw_reuse_0) {
    tcp::Config config;
    config.time_wait_reuse = 0;
    TwoHosts hosts(config);
    auto listener = TwoHosts::listener(hosts.server(), service);
    ASSERT_NE(listener, nullptr);
    std::uint64_t opened = 0;
    for (std::uint64_t i = 0; i <= ports; ++i) {
        auto client = TwoHosts::stream(hosts.client());
        if (client->connect(service) != std::errc::operation_in_progress) break;
        hosts.settle();
        ++opened;
        client.reset();
        hosts.settle();
        auto server = listener->accept();
        ASSERT_TRUE(server);
        server->reset();
        hosts.settle();
    }
    EXPECT_EQ(opened, ports);
    auto refused = TwoHosts::stream(hosts.client());
    EXPECT_EQ(refused->connect(service), std::errc::address_not_available);
    hosts.advance(2 * config.msl);
    EXPECT_EQ(refused->connect(service), std::errc::operation_in_progress);
}

}  // namespace
}  // namespace berth::harness
