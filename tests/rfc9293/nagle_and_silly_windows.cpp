// RFC 9293 §3.7.4, §3.8.6.2 and §3.9.1.2: Nagle, silly windows, PUSH.
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, SHLD_7_small_segments_wait_for_the_acknowledgment) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
    for (int i = 0; i < 20; ++i)
        app.sends(20);
    stack.sends_nothing();
    peer.sends({});
    stack.sends({.length = 400});
    // A full segment does not wait.
    app.sends(1459);
    stack.sends_nothing();
    app.sends(1);
    stack.sends({.length = 1460});
}

TEST_F(Rfc9293, MUST_17_the_application_can_disable_nagle_on_a_connection) {
    accept_connection();
    app.sets(socket::Option::no_delay, 1);
    for (std::size_t size = 1; size <= 5; ++size) {
        app.sends(size);
        stack.sends({.length = size});
    }
    app.sets(socket::Option::no_delay, 0);
    app.sends(6);
    stack.sends_nothing();
    peer.sends({});
    stack.sends({.length = 6});
}

TEST_F(Rfc9293, MUST_38_the_sender_avoids_silly_segments) {
    peer.window = 5840;
    accept_connection();
    app.sends(20'000);
    stack.sends_run(4, 1460);
    // The right edge moves by 100 bytes at a time: nothing goes until there is room for a segment.
    for (std::uint16_t room = 100; room < 1460; room = static_cast<std::uint16_t>(room + 100)) {
        peer.sends({.ack = 5841, .win = room});
        if (room * 2 >= 5840) break;
        stack.sends_nothing();
    }
    peer.sends({.ack = 5841, .win = 1460});
    stack.sends({.length = 1460});
}

TEST_F(Rfc9293, MUST_38_half_the_largest_window_goes_and_the_override_timeout_breaks_a_deadlock) {
    peer.window = 1000;
    accept_connection();
    app.sends(3000);
    stack.sends({.length = 1000});
    peer.sends({.win = 500});
    stack.sends({.length = 500});
    peer.sends({.win = 499});
    stack.sends_nothing();
    within(seconds(1), {.length = 499});
}

TEST_F(Rfc9293, MUST_39_the_receiver_offers_no_silly_window) {
    config.receive_buffer_bytes = 4 * 1460;
    accept_connection();
    for (int i = 0; i < 4; ++i) {
        peer.sends({.length = 1460});
        script.heard().clear();
    }
    // The edge stays until min(half the buffer, a segment) has come free, whoever asks.
    for (const std::size_t bytes : std::vector<std::size_t>{100, 400, 500, 459}) {
        app.reads(bytes);
        stack.sends_nothing();
        peer.sends({.seq = 5841, .length = 1});
        stack.sends({.ack = 5841, .win = 0});
    }
    app.reads(1);
    stack.sends({.ack = 5841, .win = 1460});
}

TEST_F(Rfc9293, MUST_39_a_small_buffer_opens_by_half) {
    config.receive_buffer_bytes = 1000;
    accept_connection();
    peer.sends({.length = 1000});
    advance(milliseconds(500));
    script.heard().clear();
    app.reads(499);
    stack.sends_nothing();
    app.reads(1);
    stack.sends({.ack = 1001, .win = 500});
}

TEST_F(Rfc9293, MUST_60_nothing_is_buffered_for_ever) {
    accept_connection();
    // Without a PUSH to ask for, what was given goes: at once, or when what is out is acknowledged.
    app.sends(1);
    stack.sends({.length = 1});
    app.sends(1);
    peer.sends({});
    stack.sends({.length = 1});
    peer.sends({});
    // Even where the application has said that more will come (MSG_MORE) and it never does.
    sends_with({.more = true}, 2, 10);
    within(seconds(1), {.length = 10});
    peer.sends({});
    chooses([](tcp::Options& options) { options.cork = true; });
    sends_with({}, 12, 10);
    within(seconds(1), {.length = 10});
}

TEST_F(Rfc9293, MUST_61_the_last_buffered_segment_has_the_push_bit) {
    accept_connection();
    app.sends(3000);
    stack.sends({.length = 1460});
    stack.sends({.length = 1460});
    peer.sends({});  // Nagle
    stack.sends({.length = 80, .psh = true});
    peer.sends({});
    app.sends(1460);
    stack.sends({.length = 1460, .psh = true});
    peer.sends({});
    app.sends(1);
    stack.loses({.length = 1, .psh = true});
    within(seconds(5), {.seq = 4461, .length = 1, .psh = true});
}

TEST_F(Rfc9293, MAY_16_data_that_is_not_to_be_pushed_is_aggregated) {
    accept_connection();
    sends_with({.more = true}, 0, 100);
    sends_with({.more = true}, 100, 100);
    stack.sends_nothing();
    sends_with({}, 200, 100);
    stack.sends({.length = 300, .psh = true});
}

TEST_F(Rfc9293, SHLD_27_successive_pushes_become_one_segment) {
    peer.window = 1460;
    accept_connection();
    peer.sends({.win = 0});
    for (int i = 0; i < 10; ++i)
        app.sends(100);  // each of them "pushed"
    stack.sends_nothing();
    peer.sends({.win = 1460});
    stack.sends({.length = 1000, .psh = true});
    stack.sends_nothing();
}

TEST_F(Rfc9293, SHLD_28_the_largest_possible_segment_is_sent) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
    for (int i = 0; i < 100; ++i) {
        app.sends(73);  // 20 of them make a segment
        if (i % 20 == 19) stack.sends({.length = 1460});
    }
    stack.sends_nothing();
    // What is sent again is repacked as well.
    peer.sends({});
    app.sends(100);
    stack.loses({.length = 100});
    app.sends(1360);
    stack.sends_nothing();
    within(seconds(5), {.seq = 7311, .length = 1460});
}

}  // namespace berth::harness
