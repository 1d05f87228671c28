// Low-water marks: how much makes a stream readable or writable (socket(7), tcp(7)).
#include <gtest/gtest.h>

#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

using socket::Option;

class LowWater : public ::testing::Test {
  protected:
    static constexpr Endpoint service{TwoHosts::server_address, 80};

    TwoHosts hosts;
    std::unique_ptr<socket::Socket> listener = hosts.listener(hosts.server(), service);
    std::unique_ptr<socket::Socket> client = hosts.connected(service);
    std::unique_ptr<socket::Socket> server = std::move(*listener->accept());

    void arrives(std::size_t bytes) {
        ASSERT_EQ(hosts.send(*client, std::string(bytes, 'x')), std::errc{});
        hosts.advance(milliseconds(100));
    }
};

TEST_F(LowWater, less_than_the_mark_is_not_readable_so_rcvlowat) {
    ASSERT_EQ(server->set_option(Option::receive_low_water, 100), std::errc{});
    arrives(99);
    EXPECT_FALSE(server->readiness().readable);
    EXPECT_TRUE(server->readiness().has_data);
    arrives(1);
    EXPECT_TRUE(server->readiness().readable);
}

TEST_F(LowWater, a_receive_takes_what_is_there_all_the_same_so_rcvlowat) {
    ASSERT_EQ(server->set_option(Option::receive_low_water, 100), std::errc{});
    arrives(10);
    EXPECT_EQ(hosts.receive(*server).text, std::string(10, 'x'));
}

TEST_F(LowWater, the_end_is_readable_whatever_the_mark_so_rcvlowat) {
    ASSERT_EQ(server->set_option(Option::receive_low_water, 100), std::errc{});
    arrives(10);
    client->shutdown(socket::Shutdown::write);
    hosts.settle();
    EXPECT_TRUE(server->readiness().readable);
}

TEST_F(LowWater, a_full_buffer_is_readable_whatever_the_mark_linux) {
    ASSERT_EQ(server->set_option(Option::receive_low_water, 200'000), std::errc{});
    ASSERT_EQ(server->set_option(Option::receive_buffer, 8'000), std::errc{});
    EXPECT_EQ(*server->get_option(Option::receive_low_water), 200'000);
    for (int i = 0; i < 100; ++i)
        hosts.send(*client, std::string(5'000, 'x'));
    hosts.advance(seconds(5));
    EXPECT_TRUE(server->readiness().readable);
}

TEST_F(LowWater, unsent_data_above_the_mark_stops_writers_tcp_notsent_lowat) {
    ASSERT_EQ(client->set_option(Option::notsent_low_water, 1'000), std::errc{});
    EXPECT_TRUE(client->readiness().writable);
    ASSERT_EQ(hosts.send(*client, std::string(900, 'x')), std::errc{});  // not sent yet
    EXPECT_FALSE(client->readiness().writable);
    hosts.settle();
    EXPECT_TRUE(client->readiness().writable);  // sent, though not acknowledged
}

}  // namespace
}  // namespace berth::harness
