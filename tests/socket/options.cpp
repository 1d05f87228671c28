// The options that both APIs share: what may be set, what comes back, what does not exist.
#include <gtest/gtest.h>

#include "harness/script_fixture.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

using socket::Option;

class Options : public ScriptTest {
  protected:
    static std::int64_t value_of(socket::Socket& socket, Option option) {
        const auto value = socket.get_option(option);
        return value ? *value : -1000;
    }
};

TEST_F(Options, what_is_set_comes_back) {
    auto stream = socket::open(script.core(), socket::Type::stream);
    for (const auto& [option, value] : {std::pair{Option::reuse_address, 1},
                                        {Option::no_delay, 1},
                                        {Option::linger, 5},
                                        {Option::receive_buffer, 50'000},
                                        {Option::send_buffer, 60'000},
                                        {Option::maximum_segment, 700},
                                        {Option::ttl, 3},
                                        {Option::tos, 0x10}}) {
        EXPECT_EQ(stream->set_option(option, value), std::errc{}) << static_cast<int>(option);
        EXPECT_EQ(value_of(*stream, option), value) << static_cast<int>(option);
    }
}

TEST_F(Options, values_out_of_range_are_einval) {
    auto stream = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(stream->set_option(Option::ttl, 0), std::errc::invalid_argument);
    EXPECT_EQ(stream->set_option(Option::ttl, 256), std::errc::invalid_argument);
    EXPECT_EQ(stream->set_option(Option::tos, 256), std::errc::invalid_argument);
    EXPECT_EQ(stream->set_option(Option::maximum_segment, 1), std::errc::invalid_argument);
    EXPECT_EQ(stream->set_option(Option::maximum_segment, 70'000), std::errc::invalid_argument);
}

TEST_F(Options, read_only_ones_cannot_be_set) {
    auto stream = socket::open(script.core(), socket::Type::stream);
    for (const Option option : {Option::error, Option::type, Option::accepting})
        EXPECT_EQ(stream->set_option(option, 1), std::errc::no_protocol_option);
}

TEST_F(Options, accepting_tells_a_listener) {
    app.listens();
    EXPECT_EQ(value_of(app.listener(), Option::accepting), 1);
    auto stream = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(value_of(*stream, Option::accepting), 0);
}

TEST_F(Options, ttl_and_tos_show_in_the_packets_rfc1122_4_2_4_1) {
    accept_connection();
    app.sets(Option::ttl, 7);
    app.sets(Option::tos, 0x28);
    app.sends(10);
    const Heard heard = stack.sends({.length = 10});
    EXPECT_EQ(heard.ttl, 7);
    EXPECT_EQ(heard.dscp, 0x28 >> 2);
}

TEST_F(Options, segments_may_not_be_fragmented_rfc1191_3) {
    accept_connection();
    app.sends(10);
    EXPECT_TRUE(stack.sends({.length = 10}).dont_fragment);
}

TEST_F(Options, maximum_segment_bounds_both_directions) {
    app.listens();
    ASSERT_EQ(app.listener().set_option(Option::maximum_segment, 500), std::errc{});
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({.syn = true, .mss = 500});
    peer.sends({});
    app.accepts();
    app.sends(1000);
    stack.sends_run(2, 500);
}

TEST_F(Options, the_receive_buffer_of_the_listener_bounds_the_window_from_the_start) {
    app.listens();
    ASSERT_EQ(app.listener().set_option(Option::receive_buffer, 5000), std::errc{});
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({.win = 5000, .syn = true});
    peer.sends({});
    app.accepts();
}

TEST_F(Options, the_send_buffer_bounds_what_is_taken) {
    accept_connection();
    app.sets(Option::send_buffer, 3000);
    EXPECT_EQ(app.sends_some(10'000), 3000U);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
