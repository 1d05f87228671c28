// What the SYNs agree on: MSS (RFC 9293 §3.7.1), window scale and timestamps (RFC 7323).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class HandshakeOptions : public ScriptTest {};

TEST_F(HandshakeOptions, syn_offers_mss_of_the_link_rfc9293_3_7_1_must_14) {
    app.connects();
    stack.sends({.syn = true, .mss = 1460});
}

TEST_F(HandshakeOptions, mss_follows_the_mtu_rfc6691_2) {
    script.mtu = 576;
    app.connects();
    stack.sends({.syn = true, .mss = 536});
}

TEST_F(HandshakeOptions, syn_ack_offers_mss_even_if_the_syn_did_not_rfc9293_3_7_1_shld_5) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true, .mss = 1460});
}

TEST_F(HandshakeOptions, without_an_mss_536_is_assumed_rfc9293_3_7_1_must_15) {
    accept_connection({});
    app.sends(600);
    stack.sends({.length = 536});
}

TEST_F(HandshakeOptions, the_peers_mss_bounds_what_is_sent_rfc9293_3_7_1_must_16) {
    accept_connection({.mss = 700});
    app.sends(1400);
    stack.sends_run(2, 700);
}

TEST_F(HandshakeOptions, our_mtu_bounds_what_is_sent_rfc9293_3_7_1_must_16) {
    script.mtu = 1000;
    accept_connection({.mss = 1460});
    app.sends(1920);
    stack.sends_run(2, 960);
}

TEST_F(HandshakeOptions, an_mss_of_nearly_nothing_does_not_stop_the_stack_rfc9293_3_7_1) {
    accept_connection({.mss = 0});
    app.sends(300);
    const Heard heard = stack.sends_something();
    EXPECT_GE(heard.payload.size(), 1U);
    script.heard().clear();
}

TEST_F(HandshakeOptions, window_scale_is_offered_and_used_rfc7323_2_2) {
    open_connection({.mss = 1460, .wscale = 3});
    // The window field now counts in units of the shift offered: 256 KB fit 16 bits with a shift
    // of 3.
    peer.sends({.length = 1});
    advance(config.delayed_ack);
    const Heard heard = stack.sends({});
    EXPECT_GT(peer.stack_window(), 65535U);
    EXPECT_LE(peer.stack_window(), config.receive_buffer_bytes);
}

TEST_F(HandshakeOptions, the_peers_shift_scales_its_window_rfc7323_2_3) {
    peer.window = 10;
    accept_connection({.mss = 1460, .wscale = 8});
    // In the SYN 10 meant 10 bytes; in the ACK it means 2560.
    app.sends(5000);
    stack.sends({.length = 1460});
    stack.sends_nothing();  // a second full segment does not fit 2560
    peer.sends({});
    stack.sends({.length = 1460});
}

TEST_F(HandshakeOptions, syn_ack_offers_scale_only_if_the_syn_did_rfc7323_2_2) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460});
    const Heard heard = stack.sends({.syn = true});
    EXPECT_FALSE(heard.header.options.window_scale.has_value());
    EXPECT_FALSE(heard.header.options.timestamps.has_value());
}

TEST_F(HandshakeOptions, without_agreement_no_window_is_scaled_rfc7323_2_2) {
    open_connection({.mss = 1460});
    peer.window = 2000;
    peer.sends({.length = 1});
    advance(config.delayed_ack);
    const Heard heard = stack.sends({});
    EXPECT_LE(peer.stack_window(), 65535U);
    EXPECT_GT(peer.stack_window(), 60000U);
}

TEST_F(HandshakeOptions, a_shift_above_14_counts_as_14_rfc7323_2_3) {
    peer.window = 1;
    open_connection({.mss = 1460, .wscale = 255});
    peer.sends({.win = 1});  // 16384 bytes
    app.sends(40000);
    stack.sends_run(10, 1460);
    peer.sends({.win = 1});
    stack.sends_run(11, 1460);  // cwnd would let twelve go
}

TEST_F(HandshakeOptions, scaling_can_be_switched_off_rfc7323_2_2) {
    config.window_scaling = false;
    app.connects();
    const Heard heard = stack.sends({.syn = true});
    EXPECT_FALSE(heard.header.options.window_scale.has_value());
}

TEST_F(HandshakeOptions, timestamps_are_offered_and_then_on_every_segment_rfc7323_3_2) {
    app.connects();
    const Heard syn = stack.sends({.syn = true});
    ASSERT_TRUE(syn.header.options.timestamps.has_value());
    EXPECT_EQ(syn.header.options.timestamps->echo, 0U);
    peer.sends(
        {.syn = true, .mss = 1460, .ts = Timestamps{500, syn.header.options.timestamps->value}});
    const Heard ack = stack.sends({});
    ASSERT_TRUE(ack.header.options.timestamps.has_value());
    EXPECT_EQ(ack.header.options.timestamps->echo, 500U);
    app.sends(3000);
    stack.sends({.length = 1448});  // the option takes 12 bytes of each segment
    stack.sends({.length = 1448});
}

TEST_F(HandshakeOptions, timestamps_are_answered_rfc7323_3_2) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{77, 0}});
    const Heard heard = stack.sends({.syn = true});
    ASSERT_TRUE(heard.header.options.timestamps.has_value());
    EXPECT_EQ(heard.header.options.timestamps->echo, 77U);
    peer.sends({});
    app.accepts();
}

TEST_F(HandshakeOptions, without_agreement_no_segment_has_timestamps_rfc7323_3_2) {
    open_connection({.mss = 1460});
    app.sends(10);
    stack.sends({.length = 10, .no_ts = true});
}

TEST_F(HandshakeOptions, unknown_options_are_skipped_rfc9293_3_1_must_6) {
    app.listens();
    // Kind 254 with 4 bytes, then MSS 700.
    peer.sends({.syn = true, .raw_options = {254, 4, 1, 2, 2, 4, 0x02, 0xbc}});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    app.sends(1400);
    stack.sends_run(2, 700);
}

TEST_F(HandshakeOptions, an_option_of_length_zero_does_no_harm_rfc9293_3_1_must_7) {
    app.listens();
    peer.sends({.syn = true, .raw_options = {2, 0, 2, 4, 0x02, 0xbc}});
    stack.sends({.syn = true});
    state_is(State::syn_received);
}

TEST_F(HandshakeOptions, an_option_beyond_the_header_does_no_harm_rfc9293_3_1_must_7) {
    app.listens();
    peer.sends({.syn = true, .raw_options = {1, 1, 3, 200}});
    stack.sends({.syn = true});
    state_is(State::syn_received);
}

}  // namespace
}  // namespace berth::harness
