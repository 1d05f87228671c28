// RFC 9293 §3.5.3, §3.6 and §3.6.1: resets, closing, TIME-WAIT.
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, SHLD_2_a_reset_may_include_data) {
    accept_connection();
    peer.sends({.rst = true, .text = "no such service"});
    EXPECT_EQ(script.last_fate().kind, FateKind::delivered);
    state_is(State::closed);
    app.read_fails(std::errc::connection_reset);
    // One that refuses an opener may as well.
    Peer server(script, {peer.endpoint.address, 40'001}, "server");
    App client(script, server);
    server.stack_endpoint.port = 81;
    client.connects();
    stack.sends_to(server, {.syn = true});
    server.sends({.rst = true, .text = "go away"});
    client.error_is(std::errc::connection_refused);
}

TEST_F(Rfc9293, MUST_12_the_application_hears_whether_it_was_closed_or_aborted) {
    accept_connection();
    peer.sends({.length = 10});
    peer.sends({.fin = true});
    stack.sends({.ack = 12});
    app.reads(10);
    app.reads_end();  // normally: the end of the stream, no error
    app.error_is({});
    Peer rude(script, {peer.endpoint.address, 40'001}, "rude");
    App reader(script, rude);
    rude.sends({.syn = true});
    stack.sends_to(rude, {.syn = true});
    rude.sends({});
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    Bell bell;
    (*accepted)->set_watcher(&bell);
    rude.sends({.rst = true});
    EXPECT_GT(bell.rings, 0);
    EXPECT_TRUE((*accepted)->readiness().error);
    std::array<std::uint8_t, 1> byte{};
    const std::array<MutableBytes, 1> parts{MutableBytes(byte)};
    const auto received = (*accepted)->receive(parts, {});
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error(), std::errc::connection_reset);
}

TEST_F(Rfc9293, MAY_1_close_is_half_duplex_nobody_reads_afterwards) {
    accept_connection();
    app.closes();
    stack.sends({.fin = true});
    peer.sends({});
    state_is(State::fin_wait_2);
    // shutdown() is the close that goes on reading: RFC 9293 §3.9.1.4.
    Peer other(script, {peer.endpoint.address, 40'001}, "other");
    App reader(script, other);
    other.stack_endpoint.port = 81;
    reader.listens_at({{}, 81});
    other.sends({.syn = true});
    stack.sends_to(other, {.syn = true});
    other.sends({});
    reader.accepts();
    reader.shuts_down();
    stack.sends_to(other, {.fin = true});
    other.sends({.length = 10});
    reader.reads(10);
    script.settle({});
    script.heard().clear();
}

TEST_F(Rfc9293, SHLD_3_data_that_is_lost_by_close_is_answered_with_a_reset) {
    // Unread data at CLOSE.
    accept_connection();
    peer.sends({.length = 100});
    app.closes();
    stack.sends({.seq = 1, .ack = 101, .rst = true});
    state_is(State::closed);
    // Data that comes after CLOSE.
    peer.starts_over(peer.isn + 1'000'000);
    accept_connection();
    app.closes();
    stack.sends({.fin = true});
    peer.sends({});
    peer.sends({.length = 100});
    dropped(DropReason::tcp_data_after_close);
    stack.sends({.ack = 1, .rst = true});
    state_is(State::closed);
}

TEST_F(Rfc9293, MUST_13_time_wait_lasts_two_msl) {
    ASSERT_EQ(config.msl, seconds(30));
    reach(State::time_wait);
    advance(2 * config.msl - milliseconds(1));
    state_is(State::time_wait);
    // Until the very end the connection's last segments are answered for it …
    peer.sends({.seq = 1000, .length = 10});
    stack.sends({.seq = 2, .ack = 2});
    advance(milliseconds(1));
    state_is(State::closed);
    // … and whatever comes then is nobody's.
    app.closes_listener();
    peer.sends({.length = 1});
    dropped(DropReason::tcp_no_connection);
    stack.sends({.seq = 2, .rst = true});
}

TEST_F(Rfc9293, MUST_13_after_simultaneous_closing_as_well) {
    reach(State::closing);
    peer.sends({});
    state_is(State::time_wait);
    advance(2 * config.msl - milliseconds(1));
    state_is(State::time_wait);
    advance(milliseconds(1));
    state_is(State::closed);
}

TEST_F(Rfc9293, MAY_2_a_new_syn_reopens_from_time_wait) {
    reach(State::time_wait);
    const std::uint32_t old_end = peer.stack_isn() + 2;
    advance(seconds(1));
    // (a) our ISN is larger than what the old connection used; (b) the SYN is no old duplicate.
    peer.starts_over(peer.isn + 100'000);
    peer.sends({.syn = true, .mss = 1460});
    delivered();
    stack.sends({.syn = true});
    EXPECT_GT(static_cast<std::int32_t>(peer.stack_isn() - old_end), 0);
    peer.sends({});
    app.accepts();
    state_is(State::established);
}

TEST_F(Rfc9293, MAY_2_an_old_duplicate_returns_to_time_wait) {
    reach(State::time_wait);
    peer.sends({.seq = 0, .syn = true, .no_ack = true});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::time_wait);
}

// RFC 6191 §2: a SYN whose timestamp is greater than the last one seen may be taken whatever its
// sequence number is; one whose timestamp is older may not.
TEST_F(Rfc9293, SHLD_4_timestamps_shorten_time_wait) {
    accept_connection({.mss = 1460, .ts = Timestamps{500, 0}});
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({.fin = true, .ts = Timestamps{1001, 0}});
    stack.sends({});
    state_is(State::time_wait);
    const std::uint32_t isn = peer.isn;
    peer.sends({.seq = 50'000, .syn = true, .no_ack = true, .ts = Timestamps{600, 0}});
    dropped(DropReason::tcp_time_wait);
    stack.sends({.seq = 2, .ack = 2});
    state_is(State::time_wait);
    peer.starts_over(isn - 100'000);
    peer.sends({.syn = true, .mss = 1460, .ts = Timestamps{1002, 0}});
    delivered();
    stack.sends({.syn = true});
    peer.sends({.ts = Timestamps{1003, 0}});
    app.accepts();
    state_is(State::established);
}

}  // namespace berth::harness
