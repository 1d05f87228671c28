// The application goes without having heard everything (RFC 9293 §3.6.1 MUST-17; RFC 2525 §2.17).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class Abort : public ScriptTest {};

TEST_F(Abort, closing_with_unread_data_resets_rfc2525_2_17) {
    accept_connection();
    peer.sends({.length = 100});
    app.closes();
    stack.sends({.ack = 101, .rst = true});
    state_is(State::closed);
}

TEST_F(Abort, closing_after_everything_was_read_does_not_reset_rfc2525_2_17) {
    accept_connection();
    peer.sends({.length = 100});
    app.reads(100);
    app.closes();
    stack.sends({.ack = 101, .fin = true});
}

TEST_F(Abort, data_after_close_resets_rfc9293_3_6_1_must_17) {
    accept_connection();
    app.closes();
    stack.sends({.fin = true});
    peer.sends({});
    peer.sends({.length = 100});
    dropped(DropReason::tcp_data_after_close);
    stack.sends_something();
    EXPECT_TRUE(script.heard().empty());
    state_is(State::closed);
}

TEST_F(Abort, data_after_a_half_close_is_taken_rfc9293_3_6) {
    accept_connection();
    app.shuts_down();
    stack.sends({.fin = true});
    peer.sends({.length = 100});
    delivered();
    app.reads(100);
    advance(config.delayed_ack);
    stack.sends({.ack = 101});
}

TEST_F(Abort, linger_zero_resets_posix) {
    accept_connection();
    app.sends(1000);
    stack.sends({.length = 1000});
    app.aborts();
    const Heard reset = stack.sends({.ack = 1, .rst = true});
    EXPECT_EQ(reset.header.seq - peer.stack_isn(), 1001U);
    state_is(State::closed);
}

TEST_F(Abort, after_an_abort_the_four_tuple_is_free_rfc9293_3_10_5) {
    accept_connection();
    app.aborts();
    stack.sends({.ack = 1, .rst = true});
    peer.starts_over(4711);
    accept_connection();
}

TEST_F(Abort, disconnect_resets_posix_connect_af_unspec) {
    accept_connection();
    EXPECT_EQ(app.socket().disconnect(), std::errc{});
    script.settle({});
    stack.sends({.ack = 1, .rst = true});
    state_is(State::closed);
}

TEST_F(Abort, shutting_down_reading_throws_away_what_comes_posix) {
    accept_connection();
    peer.sends({.length = 100});
    app.shuts_down(Shutdown::read);
    app.reads_end();
    peer.sends({.length = 100});
    script.heard().clear();
    advance(config.delayed_ack);
    script.heard().clear();
    app.sends(10);
    stack.sends({.length = 10, .ack = 201});
    state_is(State::established);
}

TEST_F(Abort, orphans_are_bounded_design_8) {
    config.max_orphans = 1;
    app.listens();
    std::vector<std::unique_ptr<Peer>> clients;
    for (Port port = 40001; port <= 40002; ++port) {
        Peer& client = *clients.emplace_back(std::make_unique<Peer>(
            script, Endpoint{Peer::default_endpoint.address, port}, "client"));
        client.sends({.syn = true});
        stack.sends_to(client, {.syn = true});
        client.sends({});
        auto accepted = app.listener().accept();
        ASSERT_TRUE(accepted);
        accepted->reset();
        script.settle({});
        if (port == 40001) stack.sends_to(client, {.fin = true});
    }
    stack.sends_to(*clients[1], {.ack = 1, .rst = true});
    EXPECT_EQ(script.state_of(clients[0]->four_tuple()), State::fin_wait_1);
}

}  // namespace
}  // namespace berth::harness
