// The accept queue and its backlog (RFC 9293 §3.10.1; POSIX listen and accept).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class AcceptQueue : public ScriptTest {
  protected:
    std::vector<std::unique_ptr<Peer>> clients;

    Peer& client(Port port) {
        return *clients.emplace_back(std::make_unique<Peer>(
            script, Endpoint{Peer::default_endpoint.address, port}, "client"));
    }
    void connects(Peer& who) {
        who.sends({.syn = true});
        stack.sends_to(who, {.syn = true});
        who.sends({});
    }
};

TEST_F(AcceptQueue, connections_are_accepted_in_the_order_they_were_established_posix) {
    app.listens();
    for (Port port = 40001; port <= 40003; ++port)
        connects(client(port));
    for (Port port = 40001; port <= 40003; ++port) {
        auto accepted = app.listener().accept();
        ASSERT_TRUE(accepted);
        EXPECT_EQ((*accepted)->remote()->port, port);
        script.heard().clear();
        // It goes away at the end of this round; the FIN is heard below.
        accepted->reset();
        script.settle({});
        script.heard().clear();
    }
    app.accept_fails(std::errc::operation_would_block);
}

TEST_F(AcceptQueue, the_order_is_that_of_the_last_ack_not_of_the_syn_posix) {
    app.listens();
    Peer& first = client(40001);
    Peer& second = client(40002);
    first.sends({.syn = true});
    stack.sends_to(first, {.syn = true});
    second.sends({.syn = true});
    stack.sends_to(second, {.syn = true});
    second.sends({});
    first.sends({});
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    EXPECT_EQ((*accepted)->remote(), second.endpoint);
    accepted->reset();
    script.settle({});
    script.heard().clear();
}

TEST_F(AcceptQueue, readiness_says_when_there_is_something_to_accept_posix_poll) {
    app.listens();
    EXPECT_FALSE(app.listener().readiness().readable);
    connects(client(40001));
    EXPECT_TRUE(app.listener().readiness().readable);
}

TEST_F(AcceptQueue, syns_beyond_the_backlog_are_dropped_not_reset_posix) {
    app.listens(2);
    for (Port port = 40001; port <= 40003; ++port)  // as on Linux one more than the backlog
        connects(client(port));
    Peer& late = client(40004);
    late.sends({.syn = true});
    dropped(DropReason::tcp_accept_queue_full);
    stack.sends_nothing();
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::listen_overflows], 1U);
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::listen_drops], 1U);
    // Room again: the client's next attempt succeeds.
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    late.sends({.seq = 0, .syn = true});
    stack.sends_to(late, {.syn = true});
    late.sends({});
    EXPECT_EQ(script.state_of(late.four_tuple()), State::established);
    app.listener().set_watcher(nullptr);
    accepted->reset();
    script.settle({});
    script.heard().clear();
}

TEST_F(AcceptQueue, a_last_ack_that_finds_it_full_leaves_the_connection_half_open) {
    app.listens(0);
    Peer& first = client(40001);
    Peer& second = client(40002);
    first.sends({.syn = true});
    stack.sends_to(first, {.syn = true});
    second.sends({.syn = true});
    stack.sends_to(second, {.syn = true});
    first.sends({});
    second.sends({});
    EXPECT_EQ(script.state_of(second.four_tuple()), State::syn_received);
    // The SYN-ACK goes again, and the peer's answer to it completes the handshake.
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    advance(seconds(1));
    stack.sends_to(second, {.seq = 0, .syn = true});
    second.sends({});
    EXPECT_EQ(script.state_of(second.four_tuple()), State::established);
    accepted->reset();
    script.settle({});
    script.heard().clear();
}

// The client of the last test but with something to say: its request comes again and opens the
// door, whatever became of its bare ACK.
TEST_F(AcceptQueue, a_client_gets_in_with_its_data_when_there_is_room_rfc9293_3_8_1) {
    app.listens(0);
    connects(client(40001));
    Peer& second = client(40002);
    second.sends({.syn = true});
    dropped(DropReason::tcp_accept_queue_full);
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    second.sends({.seq = 0, .syn = true, .no_ack = true});
    stack.sends_to(second, {.syn = true});
    connects(client(40003));
    second.sends({.length = 10});
    dropped(DropReason::tcp_accept_queue_full);
    stack.sends_nothing();
    accepted->reset();
    script.heard().clear();
    accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    second.sends({.seq = 1, .length = 10});
    delivered();
    EXPECT_EQ(script.state_of(second.four_tuple()), State::established);
    accepted->reset();
    script.settle({});
    script.heard().clear();
}

TEST_F(AcceptQueue, with_abort_on_overflow_the_last_ack_is_reset_linux_tcp_abort_on_overflow) {
    config.abort_on_overflow = true;
    app.listens(0);
    Peer& first = client(40001);
    Peer& second = client(40002);
    for (Peer* who : {&first, &second}) {
        who->sends({.syn = true});
        stack.sends_to(*who, {.syn = true});
    }
    first.sends({});
    second.sends({});
    dropped(DropReason::tcp_accept_queue_full);
    stack.sends_to(second, {.seq = 1, .rst = true});
    EXPECT_EQ(script.state_of(second.four_tuple()), State::closed);
    EXPECT_EQ(script.core().tcp().half_open_count(), 0U);
}

TEST_F(AcceptQueue, half_open_records_are_bounded_rfc4987_3_1) {
    config.syn_cookies = 0;
    config.max_half_open = 2;
    app.listens();
    for (Port port = 40001; port <= 40002; ++port) {
        Peer& who = client(port);
        who.sends({.syn = true});
        stack.sends_to(who, {.syn = true});
    }
    client(40003).sends({.syn = true});
    dropped(DropReason::tcp_half_open_full);
    stack.sends_nothing();
}

TEST_F(AcceptQueue, connections_are_bounded_design_8) {
    config.max_connections = 1;
    app.listens();
    connects(client(40001));
    Peer& second = client(40002);
    second.sends({.syn = true});
    script.heard().clear();
    second.sends({.ack = 1});
    script.heard().clear();
    EXPECT_NE(script.state_of(second.four_tuple()), State::established);
}

TEST_F(AcceptQueue,
       a_segment_beyond_the_listeners_small_buffer_makes_no_connection_rfc9293_3_10_7_4_first) {
    app.listens();
    ASSERT_EQ(app.listener().set_option(socket::Option::receive_buffer, 5000), std::errc{});
    Peer& who = client(40001);
    who.sends({.syn = true});
    stack.sends_to(who, {.syn = true});
    who.sends({.seq = 6001, .length = 10, .ack = 1});
    dropped(DropReason::tcp_out_of_window);
    script.heard().clear();
    app.accept_fails(std::errc::operation_would_block);
    EXPECT_EQ(script.core().tcp().half_open_count(), 1U);
}

TEST_F(AcceptQueue, a_backlog_of_zero_lets_one_wait_posix_listen) {
    app.listens(0);
    connects(client(40001));
    client(40002).sends({.syn = true});
    dropped(DropReason::tcp_accept_queue_full);
    EXPECT_TRUE(app.listener().accept());
    script.settle({});
    script.heard().clear();
}

TEST_F(AcceptQueue, a_connection_reset_before_accept_is_not_accepted_as_alive_posix) {
    app.listens();
    Peer& who = client(40001);
    connects(who);
    who.sends({.rst = true});
    auto accepted = app.listener().accept();
    // Both are known behaviour: Linux hands it out and reading says ECONNRESET, the BSDs forget it.
    if (!accepted) {
        EXPECT_EQ(accepted.error(), std::errc::operation_would_block);
    } else {
        std::array<std::uint8_t, 1> data{};
        const std::array<MutableBytes, 1> parts{MutableBytes(data)};
        const auto received = (*accepted)->receive(parts, {});
        ASSERT_FALSE(received);
        EXPECT_EQ(received.error(), std::errc::connection_reset);
    }
}

}  // namespace
}  // namespace berth::harness
