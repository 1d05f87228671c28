// A listener hears a SYN (RFC 9293 §3.10.7.2) and the handshake goes on in SYN-RECEIVED.
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class PassiveOpen : public ScriptTest {};

TEST_F(PassiveOpen, syn_is_answered_with_syn_ack_rfc9293_3_10_7_2_third) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460});
    delivered();
    stack.sends({.seq = 0, .ack = 1, .syn = true});
    state_is(State::syn_received);
    app.accept_fails(std::errc::operation_would_block);
}

TEST_F(PassiveOpen, ack_of_the_syn_establishes_rfc9293_3_10_7_4_fifth) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    peer.sends({});
    delivered();
    stack.sends_nothing();
    state_is(State::established);
    app.accepts();
    app.is_writable();
}

TEST_F(PassiveOpen, fate_of_a_syn_names_the_listener_it_met_wildcard) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    EXPECT_EQ(script.last_fate().match, DemuxMatch::listener_wildcard);
    peer.sends({});
    EXPECT_EQ(script.last_fate().match, DemuxMatch::four_tuple);
    EXPECT_TRUE(script.last_fate().has_association);
    EXPECT_EQ(script.last_fate().association.four_tuple, peer.four_tuple());
}

TEST_F(PassiveOpen, fate_of_a_syn_names_the_listener_it_met_address) {
    app.listens_at(script.local);
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    EXPECT_EQ(script.last_fate().match, DemuxMatch::listener_address);
}

TEST_F(PassiveOpen, listener_survives_its_connections_rfc9293_3_10_7_2) {
    app.listens();
    for (Port port = 40001; port <= 40003; ++port) {
        Peer client(script, {Peer::default_endpoint.address, port}, "client");
        client.sends({.syn = true});
        stack.sends_to(client, {.syn = true});
        client.sends({});
        const auto accepted = app.listener().accept();
        ASSERT_TRUE(accepted);
        EXPECT_EQ((*accepted)->remote(), client.endpoint);
        client.sends({.rst = true});
    }
    accept_connection();
}

TEST_F(PassiveOpen, reset_to_a_listener_is_ignored_rfc9293_3_10_7_2_first) {
    app.listens();
    peer.sends({.rst = true});
    dropped(DropReason::tcp_reset_in_listen);
    stack.sends_nothing();
}

TEST_F(PassiveOpen, ack_to_a_listener_is_reset_rfc9293_3_10_7_2_second) {
    app.listens();
    peer.sends({.ack = 777});
    dropped(DropReason::tcp_ack_in_listen);
    stack.sends({.seq = 777, .rst = true});
}

TEST_F(PassiveOpen, syn_ack_to_a_listener_is_reset_rfc9293_3_10_7_2_second) {
    app.listens();
    peer.sends({.ack = 777, .syn = true});
    dropped(DropReason::tcp_ack_in_listen);
    stack.sends({.seq = 777, .rst = true});
    state_is(State::closed);
}

TEST_F(PassiveOpen, anything_but_a_syn_is_dropped_rfc9293_3_10_7_2_fourth) {
    app.listens();
    peer.sends({.seq = 1, .length = 10, .no_ack = true});
    dropped(DropReason::tcp_no_syn_in_listen);
    peer.sends({.seq = 1, .fin = true, .no_ack = true});
    dropped(DropReason::tcp_no_syn_in_listen);
    stack.sends_nothing();
}

TEST_F(PassiveOpen, syn_ack_is_retransmitted_with_doubling_rfc6298_5_5) {
    app.listens();
    peer.sends({.syn = true});
    stack.loses({.syn = true});
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.syn = true});
    }
}

TEST_F(PassiveOpen, half_open_record_ends_after_the_retries_rfc9293_3_8_3) {
    config.synack_retries = 1;
    app.listens();
    peer.sends({.syn = true});
    stack.loses({.syn = true});
    advance(seconds(1));
    stack.loses({.syn = true});
    advance(seconds(2));
    stack.sends_nothing();
    state_is(State::closed);
    EXPECT_EQ(script.core().tcp().half_open_count(), 0U);
}

TEST_F(PassiveOpen, repeated_syn_is_answered_again_rfc9293_3_10_7_4) {
    app.listens();
    peer.sends({.syn = true});
    stack.loses({.syn = true});
    peer.sends({.seq = 0, .syn = true, .no_ack = true});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    state_is(State::established);
}

TEST_F(PassiveOpen, reset_in_syn_received_returns_to_listen_rfc9293_3_10_7_4_second) {
    reach(State::syn_received);
    peer.sends({.rst = true});
    stack.sends_nothing();
    state_is(State::closed);
    app.accept_fails(std::errc::operation_would_block);
    // The listener is there as before.
    peer.starts_over(9000);
    accept_connection();
}

TEST_F(PassiveOpen, reset_outside_the_window_in_syn_received_is_dropped_rfc9293_3_10_7_4_first) {
    reach(State::syn_received);
    peer.sends({.seq = 0x4000'0000, .rst = true});
    dropped(DropReason::tcp_out_of_window);
    stack.sends_nothing();
    state_is(State::syn_received);
}

TEST_F(PassiveOpen, wrong_ack_in_syn_received_is_reset_rfc9293_3_10_7_4_fifth) {
    reach(State::syn_received);
    peer.sends({.ack = 2});
    dropped(DropReason::tcp_ack_of_unsent);
    stack.sends({.seq = 2, .rst = true});
    state_is(State::syn_received);
    peer.sends({});
    app.accepts();
}

TEST_F(PassiveOpen, segment_without_ack_in_syn_received_is_dropped_rfc9293_3_10_7_4_fifth) {
    reach(State::syn_received);
    peer.sends({.seq = 1, .length = 5, .no_ack = true});
    dropped(DropReason::tcp_no_ack);
    state_is(State::syn_received);
}

TEST_F(PassiveOpen, data_with_the_third_segment_is_delivered_rfc9293_3_10_7_4_seventh) {
    reach(State::syn_received);
    peer.sends({.length = 100});
    app.accepts();
    app.is_readable();
    app.reads(100);
    advance(config.delayed_ack);
    stack.sends({.ack = 101});
}

TEST_F(PassiveOpen, fin_with_the_third_segment_leads_to_close_wait_rfc9293_3_10_7_4_eighth) {
    reach(State::syn_received);
    peer.sends({.length = 100, .fin = true});
    stack.sends({.ack = 102});
    state_is(State::close_wait);
    app.accepts();
    app.reads(100);
    app.reads_end();
}

TEST_F(PassiveOpen, peer_may_close_before_accept_rfc9293_3_10_7_4) {
    reach(State::syn_received);
    peer.sends({});
    peer.sends({.length = 3, .fin = true});
    stack.sends({});
    app.accepts();
    app.reads(3);
    app.reads_end();
}

TEST_F(PassiveOpen, closing_the_listener_resets_connections_nobody_accepted_rfc9293_3_10_4) {
    reach(State::syn_received);
    peer.sends({});
    app.closes_listener();
    stack.sends({.ack = 1, .rst = true});
    state_is(State::closed);
}

TEST_F(PassiveOpen, bad_checksum_reaches_nobody_rfc9293_3_1_must_3) {
    app.listens();
    peer.sends({.syn = true, .bad_checksum = true});
    dropped(DropReason::tcp_bad_checksum);
    stack.sends_nothing();
    state_is(State::closed);
}

}  // namespace
}  // namespace berth::harness
