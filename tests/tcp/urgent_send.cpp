// Urgent data, the sending side (RFC 9293 §3.8.5, §3.9.1.2; RFC 6093).
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class UrgentSend : public SendingTest {};

TEST_F(UrgentSend, the_pointer_is_the_octet_after_the_urgent_data_rfc9293_3_8_5_must_30_must_62) {
    accept_connection();
    writes(10, {.urgent = true});
    stack.sends({.length = 10, .urg = 10});
}

TEST_F(UrgentSend, every_segment_up_to_it_points_there_rfc9293_3_8_5_must_31) {
    accept_connection();
    writes(3000, {.urgent = true});
    stack.sends({.length = 1460, .urg = 3000});
    stack.sends({.length = 1460, .urg = 1540});
    stack.sends({.length = 80, .urg = 80});
}

TEST_F(UrgentSend, what_comes_after_it_is_not_urgent_rfc9293_3_8_5) {
    accept_connection();
    writes(10, {.urgent = true});
    stack.sends({.length = 10, .urg = 10});
    peer.sends({});
    writes(10);
    stack.sends({.length = 10});
}

TEST_F(UrgentSend, ordinary_data_behind_it_in_the_same_segment_is_told_apart_rfc9293_3_8_5) {
    accept_connection();
    writes(100);
    stack.sends({.length = 100});
    chooses([](tcp::Options& options) { options.cork = true; });
    writes(20);
    stack.sends_nothing();
    peer.sends({.win = 0});  // takes everything, but no more
    writes(1, {.urgent = true});
    stack.sends({.urg = 21});
    writes(30);
    stack.sends_nothing();
    peer.sends({});
    stack.sends({.length = 51, .urg = 21});
}

TEST_F(UrgentSend, a_closed_window_does_not_hold_the_news_back_rfc9293_3_8_6_must_66) {
    config.rto_min = seconds(1);
    accept_connection();
    peer.sends({.win = 0});
    writes(1, {.urgent = true});
    stack.sends({.urg = 1});  // no data, only the notification
    stack.sends_nothing();
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1, .urg = 1});  // the probe
    EXPECT_EQ(counted(tcp::Count::win_probe), 1U);
}

TEST_F(UrgentSend, a_full_congestion_window_does_not_either_rfc9293_3_8_5) {
    accept_connection();
    writes(20'000);
    stack.sends_run(10, 1460);
    writes(1, {.urgent = true});
    stack.sends({.urg = 20'001 - 14'600});
    stack.sends_nothing();
    peer.sends({.ack = 1461});
    stack.sends({.length = 1460, .urg = 5401});
    stack.sends({.length = 1460, .urg = 3941});
}

TEST_F(UrgentSend, it_does_not_wait_for_nagle_or_a_cork_rfc9293_3_8_5) {
    accept_connection();
    writes(10);
    stack.sends({.length = 10});
    writes(5);
    stack.sends_nothing();
    writes(1, {.urgent = true});
    stack.sends({.length = 6, .urg = 6});
    chooses([](tcp::Options& options) { options.cork = true; });
    writes(1, {.urgent = true});
    stack.sends({.length = 1, .urg = 1});
}

TEST_F(UrgentSend, a_retransmission_carries_it_again_rfc9293_3_8_5) {
    config.rto_min = seconds(1);
    accept_connection();
    writes(100, {.urgent = true});
    stack.loses({.length = 100, .urg = 100});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 100, .urg = 100});
}

TEST_F(UrgentSend, it_advances_and_never_recedes_rfc9293_3_8_5) {
    config.rto_min = seconds(1);
    accept_connection();
    writes(10, {.urgent = true});
    stack.loses({.length = 10, .urg = 10});
    writes(10, {.urgent = true});
    stack.loses({.length = 10, .urg = 10});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 20, .urg = 20});
}

TEST_F(UrgentSend, farther_than_the_field_reaches_it_says_the_most_rfc9293_3_8_5_must_31) {
    accept_connection();
    writes(100'000, {.urgent = true});
    for (int i = 0; i < 10; ++i)
        stack.sends({.length = 1460, .urg = 65535});
    std::uint32_t acked = 1;
    for (int round = 0; round < 60 && acked < 100'001 && script.goes_on(); ++round) {
        peer.sends({.ack = acked = peer.received_up_to()});
        while (script.goes_on() && !script.heard().empty()) {
            const std::uint32_t ahead =
                100'001 - (script.heard().front().header.seq - peer.stack_isn());
            const Heard heard = stack.sends_something();
            peer.takes(heard, {});
            EXPECT_EQ(heard.header.urgent_pointer, std::min<std::uint32_t>(ahead, 65535));
            EXPECT_TRUE(heard.header.flags.urg);
        }
    }
    EXPECT_EQ(acked, 100'001U);
}

TEST_F(UrgentSend, what_the_buffer_did_not_take_has_no_mark_yet_posix) {
    config.send_buffer_bytes = config.send_buffer_max_bytes = 1000;
    accept_connection();
    EXPECT_EQ(writes(1500, {.urgent = true}), 1000U);
    stack.sends({.length = 1000});
    peer.sends({});
    EXPECT_EQ(writes(500, {.urgent = true}), 500U);
    stack.sends({.length = 500, .urg = 500});
}

}  // namespace
}  // namespace berth::harness
