// The window that we offer (RFC 9293 §3.8.6).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class ReceiveWindow : public ScriptTest {
  protected:
    // A connection whose buffer holds four segments.
    void accept_small() {
        config.receive_buffer_bytes = 4 * 1460;
        accept_connection();
    }
    void fill() {
        for (int i = 0; i < 4; ++i) {
            peer.sends({.length = 1460});
            script.heard().clear();
        }
    }
};

TEST_F(ReceiveWindow, it_shrinks_with_what_is_not_read_rfc9293_3_8_6) {
    accept_small();
    peer.sends({.length = 1460});
    peer.sends({.length = 1460});
    stack.sends({.ack = 2921, .win = 2920});
}

TEST_F(ReceiveWindow, a_full_buffer_closes_it_rfc9293_3_8_6) {
    accept_small();
    peer.sends({.length = 1460});
    peer.sends({.length = 1460});
    stack.sends({.win = 2920});
    peer.sends({.length = 1460});
    peer.sends({.length = 1460});
    stack.sends({.ack = 5841, .win = 0});
}

TEST_F(ReceiveWindow, data_into_a_closed_window_is_refused_and_answered_rfc9293_3_8_6_1) {
    accept_small();
    fill();
    peer.sends({.length = 1});
    stack.sends({.ack = 5841, .win = 0});
    app.reads(5840);
    stack.sends({.ack = 5841, .win = 5840});
    app.read_fails(std::errc::operation_would_block);
}

TEST_F(ReceiveWindow, acks_count_while_it_is_closed_rfc9293_3_10_7_4_must_66) {
    accept_small();
    fill();
    app.sends(100);
    stack.sends({.length = 100});
    EXPECT_TRUE(app.socket().has_unacknowledged());
    peer.sends({});
    EXPECT_FALSE(app.socket().has_unacknowledged());
}

TEST_F(ReceiveWindow, a_reset_counts_while_it_is_closed_rfc9293_3_10_7_4_must_66) {
    accept_small();
    fill();
    peer.sends({.rst = true});
    state_is(State::closed);
}

TEST_F(ReceiveWindow, reading_opens_it_and_says_so_rfc9293_3_8_6_2_2) {
    accept_small();
    fill();
    app.reads(2920);
    stack.sends({.ack = 5841, .win = 2920});
}

TEST_F(ReceiveWindow, reading_a_little_is_not_worth_an_update_rfc9293_3_8_6_2_2_must_39) {
    accept_small();
    fill();
    app.reads(100);
    stack.sends_nothing();
    app.reads(1000);
    stack.sends_nothing();
    app.reads(360);  // now a whole segment fits
    stack.sends({.win = 1460});
}

TEST_F(ReceiveWindow, silly_windows_are_not_offered_on_acks_either_rfc9293_3_8_6_2_2_must_39) {
    accept_small();
    fill();
    app.reads(100);
    peer.sends({.length = 1});  // a probe
    stack.sends({.ack = 5841, .win = 0});
}

TEST_F(ReceiveWindow, a_small_buffer_opens_by_half_rfc9293_3_8_6_2_2) {
    config.receive_buffer_bytes = 1000;
    accept_connection();
    peer.sends({.length = 1000});
    script.settle({});
    advance(config.delayed_ack);
    script.heard().clear();
    app.reads(499);
    stack.sends_nothing();
    app.reads(1);
    stack.sends({.ack = 1001, .win = 500});
}

TEST_F(ReceiveWindow, its_right_edge_never_moves_back_rfc9293_3_8_6_shld_14) {
    // Peer::overhear() checks the edge on every segment; this makes it matter: tiny segments, whose
    // cost in memory exceeds their size, and a buffer that is made smaller.
    config.receive_buffer_bytes = 10'000;
    accept_connection();
    for (int i = 0; i < 200 && script.goes_on(); ++i) {
        peer.sends({.length = 7});
        if (i == 100) app.sets(socket::Option::receive_buffer, 3000);
        advance(config.delayed_ack);
        script.heard().clear();
    }
    app.reads(1400);
    script.heard().clear();
    EXPECT_TRUE(script.goes_on());
}

TEST_F(ReceiveWindow, all_that_was_offered_is_taken_rfc9293_3_8_6) {
    config.receive_buffer_bytes = 10'000;
    accept_connection();
    // In pieces of any size, to the last byte of the window.
    std::uint32_t seq = 1;
    for (std::size_t size = 1; seq <= 10'000; ++size) {
        const std::size_t length = std::min<std::size_t>(size, 10'001 - seq);
        peer.sends({.seq = seq, .length = length});
        delivered();
        script.heard().clear();
        seq += static_cast<std::uint32_t>(length);
    }
    app.reads(10'000);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
