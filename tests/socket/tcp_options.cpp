// TCP's options: Linux's ranges, defaults and what comes back (tcp(7), socket(7)).
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "harness/script_fixture.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

using socket::Option;

constexpr std::int64_t int_max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t int_min = std::numeric_limits<std::int32_t>::min();

class TcpOptions : public ::testing::Test {
  protected:
    TwoHosts hosts;
    std::unique_ptr<socket::Socket> fresh = hosts.stream(hosts.client());

    static std::int64_t value_of(socket::Socket& socket, Option option) {
        const auto value = socket.get_option(option);
        return value ? *value : -1000;
    }
    // What getsockopt says after this was set; -1000 if it was refused.
    std::int64_t after_setting(Option option, std::int64_t value) {
        return fresh->set_option(option, value) == std::errc{} ? value_of(*fresh, option) : -1000;
    }
};

TEST_F(TcpOptions, a_fresh_socket_has_linuxs_defaults_tcp7) {
    for (const auto& [option, value] : {std::pair<Option, std::int64_t>{Option::no_delay, 0},
                                        {Option::cork, 0},
                                        {Option::quick_ack, 1},
                                        {Option::maximum_segment, 536},
                                        {Option::keep_idle, 7200},
                                        {Option::keep_interval, 75},
                                        {Option::keep_count, 9},
                                        {Option::syn_count, 7},
                                        {Option::linger2, 60},
                                        {Option::defer_accept, 0},
                                        {Option::user_timeout, 0},
                                        {Option::window_clamp, 0},
                                        {Option::notsent_low_water, 0},
                                        {Option::fast_open, 0},
                                        {Option::fast_open_connect, 0},
                                        {Option::congestion, 0},
                                        {Option::reuse_address, 0},
                                        {Option::reuse_port, 0},
                                        {Option::linger, -1},
                                        {Option::keep_alive, 0},
                                        {Option::out_of_band_inline, 0},
                                        {Option::receive_low_water, 1},
                                        {Option::receive_errors, 0},
                                        {Option::unread_bytes, 0},
                                        {Option::unacked_bytes, 0},
                                        {Option::unsent_bytes, 0},
                                        {Option::at_mark, 0}})
        EXPECT_EQ(value_of(*fresh, option), value) << static_cast<int>(option);
}

TEST_F(TcpOptions, what_is_set_comes_back_tcp7) {
    for (const auto& [option, value] : {std::pair<Option, std::int64_t>{Option::cork, 1},
                                        {Option::keep_idle, 30},
                                        {Option::keep_interval, 5},
                                        {Option::keep_count, 3},
                                        {Option::syn_count, 2},
                                        {Option::linger2, 20},
                                        {Option::user_timeout, 12'345},
                                        {Option::window_clamp, 20'000},
                                        {Option::notsent_low_water, 16'384},
                                        {Option::fast_open, 7},
                                        {Option::fast_open_connect, 1},
                                        {Option::reuse_port, 1},
                                        {Option::keep_alive, 1},
                                        {Option::out_of_band_inline, 1},
                                        {Option::receive_low_water, 100},
                                        {Option::receive_errors, 1}})
        EXPECT_EQ(after_setting(option, value), value) << static_cast<int>(option);
}

TEST_F(TcpOptions, flags_are_one_whatever_was_given_linux) {
    for (const Option option :
         {Option::no_delay, Option::cork, Option::keep_alive, Option::out_of_band_inline,
          Option::reuse_address, Option::reuse_port})
        for (const std::int64_t value : {std::int64_t{7}, std::int64_t{-1}})
            EXPECT_EQ(after_setting(option, value), 1) << static_cast<int>(option);
}

TEST_F(TcpOptions, ranges_end_where_linuxs_do) {
    struct Range {
        Option option;
        std::int64_t least;
        std::int64_t most;
    };
    for (const auto& [option, least, most] :
         {Range{Option::keep_idle, 1, 32'767}, Range{Option::keep_interval, 1, 32'767},
          Range{Option::keep_count, 1, 127}, Range{Option::syn_count, 1, 127},
          Range{Option::maximum_segment, 88, 32'767}, Range{Option::ttl, 1, 255},
          Range{Option::tos, 0, 255}, Range{Option::user_timeout, 0, int_max},
          Range{Option::fast_open_connect, 0, 1}}) {
        EXPECT_EQ(after_setting(option, least), least) << static_cast<int>(option);
        EXPECT_EQ(after_setting(option, most), most) << static_cast<int>(option);
        EXPECT_EQ(fresh->set_option(option, most + 1), std::errc::invalid_argument)
            << static_cast<int>(option);
        EXPECT_EQ(fresh->set_option(option, -1), std::errc::invalid_argument)
            << static_cast<int>(option);
        if (least > 1) {
            EXPECT_EQ(fresh->set_option(option, least - 1), std::errc::invalid_argument);
        }
    }
}

TEST_F(TcpOptions, zero_takes_a_maximum_segment_size_back_linux) {
    EXPECT_EQ(after_setting(Option::maximum_segment, 700), 700);
    EXPECT_EQ(after_setting(Option::maximum_segment, 0), 536);
}

TEST_F(TcpOptions, linger2_is_bounded_and_below_zero_it_is_none_linux) {
    EXPECT_EQ(after_setting(Option::linger2, 500), 120);
    EXPECT_EQ(after_setting(Option::linger2, -7), -1);
    EXPECT_EQ(after_setting(Option::linger2, 0), 60);
}

TEST_F(TcpOptions, defer_accept_is_rounded_up_to_a_syn_acks_time_linux) {
    // 1, 1+2, 1+2+4 … seconds after the SYN.
    for (const auto& [set, got] : {std::pair<std::int64_t, std::int64_t>{1, 1},
                                   {2, 3},
                                   {3, 3},
                                   {4, 7},
                                   {10, 15},
                                   {60, 63},
                                   {64, 127},
                                   {128, 247},  // the wait grows to 120 s and no further
                                   {0, 0},
                                   {-1, 0}})
        EXPECT_EQ(after_setting(Option::defer_accept, set), got) << set;
}

TEST_F(TcpOptions, a_window_clamp_has_a_floor_and_is_taken_back_only_by_a_closed_socket_linux) {
    EXPECT_EQ(after_setting(Option::window_clamp, 1), 1024);
    EXPECT_EQ(after_setting(Option::window_clamp, 0), 0);
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    EXPECT_EQ(listener->set_option(Option::window_clamp, 0), std::errc::invalid_argument);
}

TEST_F(TcpOptions, a_low_water_mark_lies_within_the_buffer_linux) {
    EXPECT_EQ(after_setting(Option::receive_low_water, 0), 1);
    ASSERT_EQ(fresh->set_option(Option::receive_buffer, 10'000), std::errc{});
    EXPECT_EQ(after_setting(Option::receive_low_water, 20'000), 10'000);
    EXPECT_EQ(after_setting(Option::receive_low_water, -1), 10'000);
    EXPECT_EQ(after_setting(Option::receive_low_water, int_min), 10'000);
}

TEST_F(TcpOptions, buffers_are_clamped_not_refused_and_come_back_as_they_are) {
    for (const Option option : {Option::receive_buffer, Option::send_buffer}) {
        EXPECT_EQ(after_setting(option, 50'000), 50'000);
        EXPECT_EQ(after_setting(option, 0), 2048);
        EXPECT_EQ(after_setting(option, -5), 2048);
        EXPECT_EQ(after_setting(option, int_max), 64 * 1024 * 1024);
    }
}

TEST_F(TcpOptions, fast_open_is_for_those_who_do_not_yet_have_a_connection_linux) {
    EXPECT_EQ(fresh->set_option(Option::fast_open, -1), std::errc::invalid_argument);
    EXPECT_EQ(after_setting(Option::fast_open, 100'000), 4096);  // somaxconn
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    EXPECT_EQ(listener->set_option(Option::fast_open, 5), std::errc{});
    EXPECT_EQ(listener->set_option(Option::fast_open_connect, 1), std::errc::invalid_argument);
    auto client = hosts.connected({TwoHosts::server_address, 80});
    EXPECT_EQ(client->set_option(Option::fast_open, 5), std::errc::invalid_argument);
    EXPECT_EQ(client->set_option(Option::fast_open_connect, 1), std::errc::invalid_argument);
}

TEST_F(TcpOptions, fast_open_connect_needs_the_hosts_leave_linux) {
    tcp::Config config;
    config.fast_open = 2;
    TwoHosts strict(config);
    EXPECT_EQ(strict.stream(strict.client())->set_option(Option::fast_open_connect, 1),
              std::errc::operation_not_supported);
}

TEST_F(TcpOptions, a_congestion_control_that_does_not_exist_is_enoent_linux) {
    EXPECT_EQ(fresh->set_option(Option::congestion, 0), std::errc{});
    EXPECT_EQ(fresh->set_option(Option::congestion, 99), std::errc::no_such_file_or_directory);
    EXPECT_EQ(fresh->set_option(Option::congestion, -1), std::errc::no_such_file_or_directory);
}

TEST_F(TcpOptions, those_of_datagrams_are_no_options_of_a_stream) {
    for (const Option option :
         {Option::broadcast, Option::packet_info, Option::multicast_ttl, Option::header_included}) {
        EXPECT_EQ(fresh->set_option(option, 1), std::errc::no_protocol_option);
        EXPECT_EQ(fresh->get_option(option).error(), std::errc::no_protocol_option);
    }
    auto datagram = hosts.datagram(hosts.client());
    for (const Option option : {Option::no_delay, Option::cork, Option::keep_idle,
                                Option::congestion, Option::at_mark, Option::unsent_bytes}) {
        EXPECT_EQ(datagram->set_option(option, 1), std::errc::no_protocol_option);
        EXPECT_EQ(datagram->get_option(option).error(), std::errc::no_protocol_option);
    }
}

TEST_F(TcpOptions, what_is_only_read_cannot_be_set) {
    for (const Option option :
         {Option::unread_bytes, Option::unacked_bytes, Option::unsent_bytes, Option::at_mark})
        EXPECT_EQ(fresh->set_option(option, 1), std::errc::no_protocol_option);
}

TEST_F(TcpOptions, an_accepted_socket_has_what_its_listener_had_linux) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    for (const Option option : {Option::no_delay, Option::keep_alive, Option::reuse_address,
                                Option::reuse_port, Option::out_of_band_inline})
        ASSERT_EQ(listener->set_option(option, 1), std::errc{});
    ASSERT_EQ(listener->set_option(Option::keep_idle, 60), std::errc{});
    auto client = hosts.connected({TwoHosts::server_address, 80});
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    for (const Option option : {Option::no_delay, Option::keep_alive, Option::reuse_address,
                                Option::reuse_port, Option::out_of_band_inline})
        EXPECT_EQ(value_of(**accepted, option), 1) << static_cast<int>(option);
    EXPECT_EQ(value_of(**accepted, Option::keep_idle), 60);
    // From here on they are its own.
    ASSERT_EQ((*accepted)->set_option(Option::keep_idle, 61), std::errc{});
    EXPECT_EQ(value_of(*listener, Option::keep_idle), 60);
}

TEST_F(TcpOptions, what_was_chosen_before_connect_holds_after_it_and_after_disconnect) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    ASSERT_EQ(fresh->set_option(Option::keep_idle, 60), std::errc{});
    ASSERT_EQ(fresh->set_option(Option::reuse_address, 1), std::errc{});
    fresh->connect({TwoHosts::server_address, 80});
    hosts.settle();
    EXPECT_EQ(value_of(*fresh, Option::keep_idle), 60);
    EXPECT_EQ(value_of(*fresh, Option::reuse_address), 1);
    ASSERT_EQ(fresh->disconnect(), std::errc{});
    EXPECT_EQ(value_of(*fresh, Option::keep_idle), 60);
    EXPECT_EQ(value_of(*fresh, Option::reuse_address), 1);
}

TEST_F(TcpOptions, the_queues_are_told_in_bytes_siocinq_siocoutq) {
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto client = hosts.connected({TwoHosts::server_address, 80});
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    ASSERT_EQ(hosts.send(*client, "twelve bytes"), std::errc{});
    EXPECT_EQ(value_of(*client, Option::unacked_bytes), 12);
    EXPECT_EQ(value_of(*client, Option::unsent_bytes), 12);
    hosts.advance(milliseconds(500));
    EXPECT_EQ(value_of(*client, Option::unacked_bytes), 0);
    EXPECT_EQ(value_of(*client, Option::unsent_bytes), 0);
    EXPECT_EQ(value_of(**accepted, Option::unread_bytes), 12);
    EXPECT_EQ(hosts.receive(**accepted, 5).text, "twelv");
    EXPECT_EQ(value_of(**accepted, Option::unread_bytes), 7);
    for (const Option option : {Option::unread_bytes, Option::unacked_bytes, Option::unsent_bytes})
        EXPECT_EQ(listener->get_option(option).error(), std::errc::invalid_argument);
}

TEST_F(TcpOptions, of_datagrams_the_next_ones_size_is_told_siocinq) {
    auto server = hosts.datagram(hosts.server());
    ASSERT_EQ(server->bind({{}, 9999}), std::errc{});
    EXPECT_EQ(value_of(*server, Option::unread_bytes), 0);
    auto talker = hosts.datagram(hosts.client());
    for (const char* text : {"first", "the second"})
        hosts.send(*talker, text, Endpoint{TwoHosts::server_address, 9999});
    hosts.settle();
    EXPECT_EQ(value_of(*server, Option::unread_bytes), 5);
    hosts.receive(*server);
    EXPECT_EQ(value_of(*server, Option::unread_bytes), 10);
    EXPECT_EQ(value_of(*server, Option::unacked_bytes), 0);
}

TEST_F(TcpOptions, the_mtu_of_the_path_is_told_once_there_is_one_ip7) {
    EXPECT_EQ(fresh->get_option(Option::mtu).error(), std::errc::not_connected);
    auto listener = hosts.listener(hosts.server(), {{}, 80});
    auto client = hosts.connected({TwoHosts::server_address, 80});
    EXPECT_EQ(value_of(*client, Option::mtu), 1500);
}

class SoftErrors : public ScriptTest {
  protected:
    void the_network_says_unreachable() {
        app.sends(10);
        stack.sends({.length = 10});
        peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    }
};

TEST_F(SoftErrors, are_kept_until_the_connection_fails_rfc1122_4_2_3_9) {
    accept_connection();
    the_network_says_unreachable();
    EXPECT_FALSE(app.socket().readiness().error);
    app.error_is(std::errc::host_unreachable);  // but who asks is told
}

TEST_F(SoftErrors, are_told_at_once_to_who_asked_rfc9293_3_9_1_8_must_47) {
    accept_connection();
    app.sets(Option::receive_errors, 1);
    the_network_says_unreachable();
    EXPECT_TRUE(app.socket().readiness().error);
    app.read_fails(std::errc::host_unreachable);
    EXPECT_FALSE(app.socket().readiness().error);
    state_is(State::established);
    peer.sends({.ack = 11});
    peer.sends({.length = 5, .ack = 11});
    app.reads(5);
    script.heard().clear();
}

TEST_F(SoftErrors, are_not_told_any_more_to_who_has_had_enough_rfc9293_3_9_1_8_shld_20) {
    accept_connection();
    app.sets(Option::receive_errors, 1);
    app.sets(Option::receive_errors, 0);
    the_network_says_unreachable();
    EXPECT_FALSE(app.socket().readiness().error);
    peer.sends({.ack = 11});
}

}  // namespace
}  // namespace berth::harness
