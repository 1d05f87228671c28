// RFC 9293 §3.8.4: keep-alives.
#include "rfc9293/requirements.hpp"

namespace berth::harness {
namespace {

constexpr auto keeps_alive = [](tcp::Options& options) { options.keep_alive = true; };

}  // namespace

TEST_F(Rfc9293, MAY_5_keep_alives_are_sent) {
    accept_connection();
    chooses(keeps_alive);
    advance(seconds(7200));
    // SEG.SEQ = SND.NXT - 1: what was acknowledged long ago, so that it must be answered.
    stack.sends({.seq = 0, .ack = 1});
    peer.sends({});
    state_is(State::established);
    advance(seconds(7200));
    stack.sends({.seq = 0, .ack = 1});
    // A peer that has forgotten the connection says so.
    peer.sends({.rst = true});
    state_is(State::closed);
    app.read_fails(std::errc::connection_reset);
}

TEST_F(Rfc9293, MUST_24_the_application_turns_them_on_and_off_for_each_connection) {
    accept_connection();
    chooses(keeps_alive);
    Peer other(script, {peer.endpoint.address, 40'001}, "other");
    other.sends({.syn = true});
    stack.sends_to(other, {.syn = true});
    other.sends({});
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    advance(seconds(7200));
    stack.sends({.seq = 0});  // of the first connection only
    peer.sends({});
    app.sets(socket::Option::keep_alive, 0);
    advance(seconds(7 * 24 * 3600));
    stack.sends_nothing();
    app.sets(socket::Option::keep_alive, 1);
    within(seconds(7200), {.seq = 0});
    peer.sends({});
}

TEST_F(Rfc9293, MUST_25_they_are_off_by_default) {
    EXPECT_FALSE(tcp::Options{}.keep_alive);
    accept_connection();
    advance(seconds(14LL * 24 * 3600));
    stack.sends_nothing();
    state_is(State::established);
}

TEST_F(Rfc9293, MUST_26_they_are_sent_only_on_an_idle_connection) {
    config.rto_min = seconds(1);
    accept_connection();
    chooses([](tcp::Options& options) {
        options.keep_alive = true;
        options.keep_idle_s = 10;
        options.keep_interval_s = 1;
    });
    // Anything that arrives, data or a bare ACK, starts the interval over.
    advance(seconds(9));
    peer.sends({});
    advance(seconds(9));
    peer.sends({.length = 10});
    within(milliseconds(500), {.ack = 11});
    app.reads(10);
    advance(seconds(9));
    stack.sends_nothing();
    // While something sent is unacknowledged there is retransmission, and no keep-alive.
    app.sends(100);
    stack.loses({.length = 100});
    for (const int wait : {1, 2, 4, 8, 16}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.seq = 1, .length = 100});
    }
    peer.sends({.ack = 101});
    within(seconds(10), {.seq = 100, .ack = 11});
    peer.sends({.ack = 101});
}

TEST_F(Rfc9293, MUST_27_the_interval_is_configurable) {
    config.keep_idle = seconds(60);
    accept_connection();
    chooses(keeps_alive);
    advance(seconds(60) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 0});
    peer.sends({});
    chooses([](tcp::Options& options) { options.keep_idle_s = 20; });  // of this connection
    peer.sends({});
    advance(seconds(20) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 0});
    peer.sends({});
}

TEST_F(Rfc9293, MUST_28_by_default_it_is_two_hours) {
    EXPECT_GE(tcp::Config{}.keep_idle, seconds(2 * 3600));
    accept_connection();
    chooses(keeps_alive);
    advance(seconds(2 * 3600) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 0});
    peer.sends({});
}

TEST_F(Rfc9293, MUST_29_an_unanswered_probe_ends_nothing) {
    accept_connection();
    chooses(keeps_alive);
    advance(seconds(7200));
    stack.loses({.seq = 0});
    for (int lost = 0; lost < 4; ++lost) {
        advance(seconds(75));
        stack.loses({.seq = 0});
        state_is(State::established);
    }
    peer.sends({});  // at last: all is well, and the count starts over
    advance(seconds(7200));
    stack.loses({.seq = 0});
    for (int lost = 0; lost < 8; ++lost) {
        advance(seconds(75));
        stack.loses({.seq = 0});
        state_is(State::established);
    }
    // Only many in a row, all lost, end it: then the peer is gone.
    advance(seconds(75));
    stack.sends({.seq = 1, .ack = 1, .rst = true});
    state_is(State::closed);
    app.read_fails(std::errc::timed_out);
}

TEST_F(Rfc9293, SHLD_12_a_keep_alive_has_no_data) {
    accept_connection();
    chooses(keeps_alive);
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends({});
    advance(seconds(7200));
    const Heard probe = stack.sends({.seq = 100, .length = 0, .ack = 1});
    EXPECT_TRUE(probe.payload.empty());
    peer.sends({});
}

}  // namespace berth::harness
