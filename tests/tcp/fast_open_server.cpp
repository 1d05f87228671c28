// Fast Open, the server's side (RFC 7413 §4.2.2).
#include "harness/script_fixture.hpp"
#include "harness/tcp_calls.hpp"

namespace berth::harness {
namespace {

using tcp::Count;

class FastOpenServer : public ScriptTest {
  protected:
    TcpCalls calls{script};

    void SetUp() override { config.fast_open = 3; }

    void listens(std::uint32_t queue = 16) {
        tcp::Options options;
        options.fast_open_queue = queue;
        calls.listens(options);
    }
    // What the server gives the peer's address.
    wire::TcpFastOpen cookie() {
        Peer asker(script, {Peer::default_endpoint.address, 39999}, "asker");
        asker.sends({.syn = true, .fast_open = wire::TcpFastOpen{}});
        const Heard heard = stack.sends_to(asker, {.syn = true});
        asker.sends({.rst = true});
        return heard.header.options.fast_open.value_or(wire::TcpFastOpen{});
    }
};

TEST_F(FastOpenServer, a_request_is_answered_with_a_cookie_rfc7413_4_2_2) {
    listens();
    peer.sends({.syn = true, .mss = 1460, .fast_open = wire::TcpFastOpen{}});
    const Heard heard = stack.sends({.syn = true});
    ASSERT_TRUE(heard.header.options.fast_open);
    EXPECT_EQ(heard.header.options.fast_open->size, 8U);
    EXPECT_EQ(calls.counted(Count::fast_open_cookies_requested), 1U);
    state_is(State::syn_received);
    peer.sends({});
    EXPECT_TRUE(calls.accepts());
    calls.forgets();
}

TEST_F(FastOpenServer, off_by_default_rfc7413_4_2_2) {
    config.fast_open = 1;
    listens();
    peer.sends({.syn = true, .fast_open = wire::TcpFastOpen{}});
    stack.sends({.syn = true, .no_fast_open = true});
}

TEST_F(FastOpenServer, only_a_listener_that_asked_for_it_linux_tcp_fastopen) {
    listens(0);
    peer.sends({.syn = true, .fast_open = wire::TcpFastOpen{}});
    stack.sends({.syn = true, .no_fast_open = true});
}

TEST_F(FastOpenServer, a_syn_without_the_option_gets_no_cookie_rfc7413_4_2_2) {
    listens();
    peer.sends({.length = 10, .syn = true});
    stack.sends({.ack = 1, .syn = true, .no_fast_open = true});
    EXPECT_EQ(calls.acceptable, 0);
}

TEST_F(FastOpenServer, data_with_a_cookie_is_there_at_once_rfc7413_4_2_2) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .mss = 1460, .fast_open = good});
    delivered();
    stack.sends({.ack = 101, .syn = true, .no_fast_open = true});
    state_is(State::syn_received);
    ASSERT_TRUE(calls.accepts());
    calls.reads(100);
    EXPECT_EQ(calls.counted(Count::fast_open_passive), 1U);
    peer.sends({});
    state_is(State::established);
    calls.forgets();
}

TEST_F(FastOpenServer, the_answer_may_go_before_the_handshake_is_complete_rfc7413_4_2_2) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .mss = 1460, .fast_open = good});
    stack.sends({.syn = true});
    ASSERT_TRUE(calls.accepts());
    calls.sends(2 * 1460);
    stack.sends_run(2, 1460);
    peer.sends({});
    state_is(State::established);
    calls.sends(10);
    stack.sends({.length = 10});
    calls.forgets();
}

TEST_F(FastOpenServer, the_answer_keeps_to_the_window_of_the_syn_rfc7413_4_2_2) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 10, .win = 500, .syn = true, .mss = 1460, .fast_open = good});
    stack.sends({.syn = true});
    ASSERT_TRUE(calls.accepts());
    calls.sends(2000);
    EXPECT_LE(stack.sends_something().payload.size(), 500U);
    stack.sends_nothing();
    calls.forgets();
}

TEST_F(FastOpenServer, the_answer_keeps_to_the_initial_window_rfc7413_4_2_2) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 10, .syn = true, .mss = 1000, .fast_open = good});
    stack.sends({.syn = true});
    ASSERT_TRUE(calls.accepts());
    calls.sends(30000);
    stack.sends_run(10, 1000);
    stack.sends_nothing();
    calls.forgets();
}

TEST_F(FastOpenServer, a_syn_without_data_opens_too_rfc7413_4_2_2) {
    listens();
    const auto good = cookie();
    peer.sends({.syn = true, .mss = 1460, .fast_open = good});
    stack.sends({.ack = 1, .syn = true});
    ASSERT_TRUE(calls.accepts());
    calls.sends(5);
    stack.sends({.length = 5});
    calls.forgets();
}

TEST_F(FastOpenServer,
       a_wrong_cookie_is_answered_with_a_right_one_and_takes_no_data_rfc7413_4_2_2) {
    listens();
    const auto good = cookie();
    auto wrong = good;
    wrong.bytes[7] ^= 1;
    peer.sends({.length = 100, .syn = true, .mss = 1460, .fast_open = wrong});
    stack.sends({.ack = 1, .syn = true, .fast_open = good});
    EXPECT_EQ(calls.acceptable, 0);
    EXPECT_EQ(calls.counted(Count::fast_open_passive_failed), 1U);
    peer.sends({.seq = 1, .length = 100});
    ASSERT_TRUE(calls.accepts());
    calls.reads(100);
    calls.forgets();
}

TEST_F(FastOpenServer, a_cookie_is_its_addresss_own_rfc7413_4_1_2) {
    listens();
    const auto good = cookie();
    Peer thief(script, {Ipv4Address(192, 0, 2, 77), 40000}, "thief");
    thief.sends({.length = 10, .syn = true, .fast_open = good});
    stack.sends_to(thief, {.ack = 1, .syn = true});
    EXPECT_EQ(calls.acceptable, 0);
}

TEST_F(FastOpenServer, another_port_may_use_it_rfc7413_4_1_2) {
    listens();
    const auto good = cookie();
    for (Port port = 40001; port <= 40002; ++port) {
        Peer client(script, {Peer::default_endpoint.address, port}, "client");
        client.sends({.length = 10, .syn = true, .fast_open = good});
        stack.sends_to(client, {.ack = 11, .syn = true});
        client.sends({});
    }
    EXPECT_EQ(calls.counted(Count::fast_open_passive), 2U);
}

TEST_F(FastOpenServer, a_cookie_expires_rfc7413_4_1_2) {
    listens();
    const auto good = cookie();
    advance(tcp::FastOpenKeys::period);
    peer.sends({.length = 10, .syn = true, .fast_open = good});
    stack.sends({.ack = 11, .syn = true});  // the key before the present one is good as well
    peer.sends({});
    advance(tcp::FastOpenKeys::period);
    Peer late(script, {Peer::default_endpoint.address, 40001}, "late");
    late.sends({.length = 10, .syn = true, .fast_open = good});
    const Heard heard = stack.sends_to(late, {.ack = 1, .syn = true});
    ASSERT_TRUE(heard.header.options.fast_open);
    EXPECT_NE(heard.header.options.fast_open, good);
}

TEST_F(FastOpenServer, only_so_many_are_unproven_at_a_time_rfc7413_5_1) {
    listens(2);
    const auto good = cookie();
    std::vector<std::unique_ptr<Peer>> clients;
    for (Port port = 40001; port <= 40003; ++port) {
        clients.push_back(std::make_unique<Peer>(
            script, Endpoint{Peer::default_endpoint.address, port}, "client"));
        clients.back()->sends({.length = 10, .syn = true, .fast_open = good});
        const std::uint32_t acked = port == 40003 ? 1 : 11;
        stack.sends_to(*clients.back(), {.ack = acked, .syn = true, .no_fast_open = true});
    }
    EXPECT_EQ(calls.counted(Count::fast_open_listen_overflow), 1U);
    // One is proven: a place is free.
    clients[0]->sends({});
    Peer next(script, {Peer::default_endpoint.address, 40004}, "next");
    next.sends({.length = 10, .syn = true, .fast_open = good});
    stack.sends_to(next, {.ack = 11, .syn = true});
}

TEST_F(FastOpenServer, a_reset_frees_the_place_only_after_a_while_rfc7413_5_1) {
    listens(1);
    const auto good = cookie();
    peer.sends({.length = 10, .syn = true, .fast_open = good});
    stack.sends({.ack = 11, .syn = true});
    peer.sends({.rst = true});
    state_is(State::closed);
    EXPECT_EQ(calls.listener->accept_queue.size(), 0U);
    advance(seconds(59));
    Peer second(script, {Peer::default_endpoint.address, 40001}, "second");
    second.sends({.length = 10, .syn = true, .fast_open = good});
    stack.sends_to(second, {.ack = 1, .syn = true});
    advance(seconds(1));
    script.heard().clear();
    Peer third(script, {Peer::default_endpoint.address, 40002}, "third");
    third.sends({.length = 10, .syn = true, .fast_open = good});
    stack.sends_to(third, {.ack = 11, .syn = true});
}

TEST_F(FastOpenServer, a_lost_syn_ack_goes_again_without_data_rfc7413_4_2_2) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .mss = 1460, .fast_open = good});
    stack.loses({.syn = true});
    ASSERT_TRUE(calls.accepts());
    calls.sends(50);
    stack.loses({.length = 50});
    stack.sends_within(seconds(1), {.seq = 0, .ack = 101, .syn = true});
    stack.sends_nothing();
    peer.sends({});
    state_is(State::established);
    stack.sends({.seq = 1, .length = 50});
    calls.forgets();
}

TEST_F(FastOpenServer, the_syn_again_is_answered_with_the_syn_ack_rfc9293_3_8_1) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .mss = 1460, .fast_open = good});
    stack.loses({.syn = true});
    peer.sends({.seq = 0, .syn = true, .no_ack = true});  // as the client's timer does: plain
    stack.sends({.seq = 0, .ack = 101, .syn = true});
    peer.sends({});
    state_is(State::established);
}

TEST_F(FastOpenServer, a_reset_reaches_the_program_that_has_accepted_rfc9293_3_10_7_4_second) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .fast_open = good});
    stack.sends({.syn = true});
    ASSERT_TRUE(calls.accepts());
    peer.sends({.rst = true});
    state_is(State::closed);
    EXPECT_EQ(calls.connection->error(), std::errc::connection_reset);
    EXPECT_EQ(calls.connection->readable_bytes(), 100U);
    calls.forgets();
}

TEST_F(FastOpenServer, answered_and_closed_before_the_handshake_is_complete_rfc9293_3_10_4) {
    listens(1);
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .mss = 1460, .fast_open = good});
    stack.sends({.syn = true});
    ASSERT_TRUE(calls.accepts());
    calls.reads(100);
    calls.sends(50);
    stack.sends({.length = 50});
    calls.connection->close_send();
    script.settle({});
    stack.sends({.fin = true});
    state_is(State::fin_wait_1);
    peer.sends({.seq = 0, .syn = true, .no_ack = true});  // our SYN,ACK was slow
    stack.sends({.seq = 0, .ack = 101, .syn = true});
    peer.sends({.ack = 1});
    EXPECT_EQ(calls.listener->unproven, 0U);
    peer.sends({.ack = 52});
    state_is(State::fin_wait_2);
    calls.forgets();
}

TEST_F(FastOpenServer, a_client_that_is_not_there_is_given_up_rfc9293_3_8_3) {
    config.synack_retries = 1;
    listens(1);
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .fast_open = good});
    stack.loses({.syn = true});
    advance(seconds(10));
    script.heard().clear();
    state_is(State::closed);
    EXPECT_EQ(calls.listener->unproven, 0U);
    EXPECT_EQ(calls.listener->accept_queue.size(), 0U);
}

TEST_F(FastOpenServer, closing_the_listener_ends_those_nobody_accepted_rfc9293_3_10_4) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .fast_open = good});
    stack.sends({.syn = true});
    calls.tcp().close(*calls.listener);
    calls.listener = nullptr;
    script.settle({});
    stack.sends({.ack = 101, .rst = true});
    state_is(State::closed);
}

TEST_F(FastOpenServer, one_that_was_accepted_outlives_its_listener_rfc9293_3_10_4) {
    listens();
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .fast_open = good});
    stack.sends({.syn = true});
    ASSERT_TRUE(calls.accepts());
    calls.tcp().close(*calls.listener);
    calls.listener = nullptr;
    peer.sends({});
    state_is(State::established);
    calls.reads(100);
    calls.forgets();
}

TEST_F(FastOpenServer, a_full_accept_queue_comes_first_posix_listen) {
    tcp::Options options;
    options.fast_open_queue = 16;
    calls.listens(options, 0);
    const auto good = cookie();
    peer.sends({.length = 100, .syn = true, .fast_open = good});
    stack.sends({.syn = true});
    Peer second(script, {Peer::default_endpoint.address, 40001}, "second");
    second.sends({.length = 10, .syn = true, .fast_open = good});
    dropped(DropReason::tcp_accept_queue_full);
}

TEST_F(FastOpenServer, the_option_on_another_segment_means_nothing_rfc7413_4_1_1) {
    listens();
    const auto good = cookie();
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({.syn = true, .no_fast_open = true});
    peer.sends({.length = 10, .fast_open = good});
    ASSERT_TRUE(calls.accepts());
    calls.reads(10);
    EXPECT_EQ(calls.counted(Count::fast_open_passive), 0U);
    calls.forgets();
}

}  // namespace
}  // namespace berth::harness
