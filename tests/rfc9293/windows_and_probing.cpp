// RFC 9293 §3.8.6 and §3.8.6.1: windows that shrink, windows that close.
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, SHLD_14_our_window_is_never_taken_back) {
    config.receive_buffer_bytes = 10'000;
    accept_connection();
    std::uint32_t edge = peer.stack_right_edge();
    for (int i = 0; i < 300 && script.goes_on(); ++i) {
        // Tiny segments, whose memory costs more than their size; gaps; a smaller buffer; reading.
        const bool gap = i % 7 == 3;
        peer.sends({.seq = peer.sent_contiguously() + (gap ? 50U : 0U), .length = 9});
        std::vector<Heard> said = all_heard();
        if (i == 100) app.sets(socket::Option::receive_buffer, 3000);
        if (i % 50 == 49) {
            std::array<std::uint8_t, 100> bytes{};
            const std::array<MutableBytes, 1> parts{MutableBytes(bytes)};
            static_cast<void>(app.socket().receive(parts, {}));
        }
        for (Heard& heard : all_heard())
            said.push_back(std::move(heard));
        advance(config.delayed_ack);
        for (Heard& heard : all_heard())
            said.push_back(std::move(heard));
        for (const Heard& heard : said) {
            const std::uint32_t now_at = heard.header.ack - peer.isn + heard.header.window;
            ASSERT_GE(now_at, edge) << "segment " << i;
            edge = now_at;
        }
    }
    app.aborts();
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_34_a_window_that_shrinks_is_survived) {
    accept_connection();
    app.sends(5840);
    stack.sends_run(4, 1460);
    // The usable window becomes negative: SND.UNA + SND.WND lies 2920 bytes before SND.NXT.
    peer.sends({.ack = 1461, .win = 1460});
    state_is(State::established);
    EXPECT_EQ(connection().sender().snd().wnd, 1460U);
    peer.sends({.ack = 5841});
    app.sends(10);
    stack.sends({.length = 10});
    peer.sends({});
    app.shuts_down();
    stack.sends({.fin = true});
}

TEST_F(Rfc9293, SHLD_15_into_a_shrunken_window_no_new_data_is_sent) {
    accept_connection();
    app.sends(2920);
    stack.sends_run(2, 1460);
    peer.sends({.ack = 1, .win = 1000});
    app.sends(100);
    stack.sends_nothing();
    peer.sends({.ack = 1461, .win = 1460});  // room for what is out already, and no more
    stack.sends_nothing();
    peer.sends({.ack = 2921, .win = 1460});
    stack.sends({.length = 100});
}

TEST_F(Rfc9293, SHLD_16_old_data_inside_the_shrunken_window_is_retransmitted) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sends(2920);
    stack.loses({.length = 1460});
    stack.loses({.length = 1460});
    peer.sends({.ack = 1, .win = 1000});
    advance(seconds(1));
    stack.sends({.seq = 1, .length = 1000});
    peer.sends({.ack = 1001, .win = 1000});
    within(seconds(2), {.seq = 1001, .length = 1000});
    peer.sends({.ack = 2001, .win = 1000});
    within(seconds(2), {.seq = 2001, .length = 920});
}

TEST_F(Rfc9293, SHLD_17_data_beyond_the_right_edge_times_no_connection_out) {
    config.rto_min = seconds(1);
    config.data_retries = 3;
    accept_connection();
    app.sends(1460);
    stack.sends({.length = 1460});
    // The peer takes back all of its window before it has taken any of this, and answers every
    // probe.
    peer.sends({.ack = 1, .win = 0});
    for (int i = 0; i < 20 && script.goes_on(); ++i) {
        const Heard probe = [&] {
            script.await(seconds(130), {});
            return stack.sends_something();
        }();
        EXPECT_EQ(probe.header.seq - peer.stack_isn(), 1U);
        peer.sends({.ack = 1, .win = 0});
    }
    state_is(State::established);
    peer.sends({.ack = 1, .win = 65'535});
    const auto rest = all_heard();
    ASSERT_FALSE(rest.empty());
    EXPECT_EQ(rest[0].header.seq - peer.stack_isn(), 1U);
}

TEST_F(Rfc9293, MUST_35_a_window_that_has_shrunk_to_zero_is_probed) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sends(2920);
    stack.sends_run(2, 1460);
    peer.sends({.ack = 1, .win = 0});
    advance(seconds(1));
    const Heard first = stack.sends_something();
    EXPECT_EQ(first.header.seq - peer.stack_isn(), 1U);
    EXPECT_LE(first.payload.size(), 1U);
    peer.sends({.ack = 1, .win = 0});
    const auto silence_ends = script.elapsed() + seconds(2);
    script.await(seconds(10), {});
    EXPECT_GE(script.elapsed(), silence_ends) << "the second probe waits longer";
    EXPECT_LE(stack.sends_something().payload.size(), 1U);
    peer.sends({.ack = 1, .win = 65'535});
    EXPECT_GE(bytes_heard(), 1460U);
}

TEST_F(Rfc9293, MAY_7_beyond_the_right_edge_old_data_is_not_retransmitted_but_for_the_first_octet) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sends(2920);
    stack.loses({.length = 1460});
    stack.loses({.length = 1460});
    peer.sends({.ack = 1, .win = 500});
    for (int i = 0; i < 5 && script.goes_on(); ++i) {
        script.await(seconds(60), {});
        for (const Heard& heard : all_heard()) {
            const std::uint32_t end = heard.header.seq - peer.stack_isn() +
                                      static_cast<std::uint32_t>(heard.payload.size());
            EXPECT_LE(end, 501U + 1U);
        }
    }
    app.aborts();
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_36_a_closed_window_is_probed) {
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1000);
    stack.sends_nothing();
    within(seconds(2), {.seq = 1, .length = 1});
    // The probe's octet may be taken, or refused: either way the update is heard.
    peer.sends({.ack = 2, .win = 0});
    within(seconds(4), {.seq = 2, .length = 1});
    peer.sends({.ack = 2, .win = 2000});
    EXPECT_GE(bytes_heard(), 998U);
}

TEST_F(Rfc9293, MUST_37_while_probes_are_answered_the_connection_stays) {
    config.data_retries = 3;
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1000);
    while (script.elapsed() < seconds(7LL * 24 * 3600) && script.goes_on()) {
        within(seconds(121), {.seq = 1, .length = 1});
        peer.sends({.ack = 1, .win = 0});
    }
    state_is(State::established);
    app.error_is({});
    peer.sends({.ack = 1, .win = 65'535});
    EXPECT_GE(bytes_heard(), 999U);
}

TEST_F(Rfc9293, SHLD_29_the_first_probe_comes_after_one_rto) {
    config.rto_min = seconds(3);
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends({.win = 0});
    app.sends(1000);
    advance(seconds(3) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 101, .length = 1});
}

TEST_F(Rfc9293, SHLD_30_the_interval_between_probes_grows_exponentially) {
    config.rto_min = seconds(1);
    config.rto_max = seconds(60);
    accept_connection();
    peer.sends({.win = 0});
    app.sends(1000);
    for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.sends({.seq = 1, .length = 1});
        peer.sends({.ack = 1, .win = 0});  // answered, so that it goes on without end
    }
}

TEST_F(Rfc9293, MAY_8_our_own_window_may_stay_closed_for_ever) {
    config.receive_buffer_bytes = 2920;
    accept_connection();
    peer.sends({.length = 1460});
    peer.sends({.length = 1460});
    stack.sends({.ack = 2921, .win = 0});
    for (int day = 0; day < 30; ++day) {
        advance(seconds(24LL * 3600));
        peer.sends({.seq = 2921, .length = 1});  // a probe
        stack.sends({.ack = 2921, .win = 0});
        state_is(State::established);
    }
    app.reads(2920);
    stack.sends({.ack = 2921, .win = 2920});
}

TEST_F(Rfc9293, MUST_66_reset_and_urgent_pointer_count_while_the_window_is_closed) {
    config.receive_buffer_bytes = 2920;
    accept_connection();
    peer.sends({.length = 1460});
    peer.sends({.length = 1460});
    stack.sends({.win = 0});
    Bell bell;
    app.socket().set_watcher(&bell);
    peer.sends({.seq = 2921, .length = 1, .urg = 1});  // a probe with urgent data: text refused
    EXPECT_EQ(urgent_error(), std::errc::operation_would_block);
    EXPECT_GT(bell.rings, 0);
    app.socket().set_watcher(nullptr);
    script.heard().clear();
    peer.sends({.seq = 2921, .rst = true});
    state_is(State::closed);
    app.reads(2920);
    app.read_fails(std::errc::connection_reset);
}

}  // namespace berth::harness
