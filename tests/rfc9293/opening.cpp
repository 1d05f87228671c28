// RFC 9293 §3.5 and §3.9.1.1: opening a connection, from either side.
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, MUST_10_both_sides_may_open_at_once) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .no_ack = true, .mss = 1460});
    stack.sends({.seq = 0, .ack = 1, .syn = true});
    state_is(State::syn_received);
    peer.sends({.seq = 0, .ack = 1, .syn = true, .mss = 1460});
    state_is(State::established);
    script.heard().clear();  // the repeated SYN may be acknowledged
    app.sends(10);
    stack.sends({.length = 10});
    peer.sends({.length = 20});
    app.reads(20);
    within(milliseconds(500), {.ack = 21});
}

TEST_F(Rfc9293, MUST_11_syn_received_remembers_how_it_was_reached) {
    // From an active OPEN: a reset refuses the connection, and the user hears it.
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .no_ack = true});
    stack.sends({.syn = true});
    state_is(State::syn_received);
    peer.sends({.rst = true});
    state_is(State::closed);
    app.error_is(std::errc::connection_refused);
    app.closes();
    // From a passive one: back to LISTEN, and nobody hears of it.
    Peer client(script, {peer.endpoint.address, 40'001}, "client");
    app.listens();
    client.sends({.syn = true});
    stack.sends_to(client, {.syn = true});
    client.sends({.rst = true});
    EXPECT_EQ(script.state_of(client.four_tuple()), State::closed);
    app.accept_fails(std::errc::operation_would_block);
    EXPECT_FALSE(app.listener().readiness().error);
    client.starts_over(77);
    client.sends({.syn = true});
    stack.sends_to(client, {.syn = true});
}

TEST_F(Rfc9293, MUST_41_a_passive_open_touches_no_other_connection) {
    accept_connection();
    app.sends(10);
    stack.sends({.length = 10});
    Peer half(script, {peer.endpoint.address, 40'001}, "half-open");
    half.sends({.syn = true});
    stack.sends_to(half, {.syn = true});
    // A new record (another port), and an error (the same endpoint once more).
    App other(script, peer);
    other.listens_at({{}, 8080});
    auto second = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(second->bind({{}, script.local.port}), std::errc::address_in_use);
    auto third = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(third->set_option(socket::Option::reuse_address, 1), std::errc{});
    EXPECT_TRUE(third->bind({{}, script.local.port}) == std::errc::address_in_use ||
                third->listen(1) == std::errc::address_in_use);
    // Everything that was there before is as it was.
    state_is(State::established);
    EXPECT_EQ(script.state_of(half.four_tuple()), State::syn_received);
    half.sends({});
    EXPECT_EQ(script.state_of(half.four_tuple()), State::established);
    peer.sends({.length = 10});
    app.reads(10);
    within(milliseconds(500), {.ack = 11});
}

TEST_F(Rfc9293, MUST_42_a_port_may_be_listened_on_while_a_connection_of_it_opens) {
    const auto shared_socket = [&] {
        auto socket = socket::open(script.core(), socket::Type::stream);
        EXPECT_EQ(socket->set_option(socket::Option::reuse_address, 1), std::errc{});
        EXPECT_EQ(socket->bind(script.local), std::errc{});
        return socket;
    };
    auto opener = shared_socket();
    EXPECT_EQ(opener->connect(peer.endpoint), std::errc::operation_in_progress);
    script.settle({});
    stack.sends({.syn = true});
    state_is(State::syn_sent);
    auto early = shared_socket();
    EXPECT_EQ(early->listen(5), std::errc{}) << "in SYN-SENT";
    early.reset();
    peer.sends({.syn = true, .no_ack = true});
    stack.sends({.syn = true});
    state_is(State::syn_received);
    auto late = shared_socket();
    EXPECT_EQ(late->listen(5), std::errc{}) << "in SYN-RECEIVED";
    // It hears whoever else calls there.
    Peer caller(script, {peer.endpoint.address, 40'001}, "caller");
    caller.sends({.syn = true});
    stack.sends_to(caller, {.syn = true});
    state_is(State::syn_received);
}

TEST_F(Rfc9293, MUST_43_open_takes_a_local_address) {
    // Active: from the address that was asked for, although the route would choose another.
    peer.stack_endpoint = {Script::second_address, 2000};
    app.connects();
    const Heard syn = stack.sends({.syn = true});
    EXPECT_EQ(syn.four_tuple.local.address, Script::second_address);
    app.aborts();
    // Passive: a call to that address is heard, one to another of ours is not.
    app.listens_at({Script::second_address, 80});
    Peer right(script, {peer.endpoint.address, 40'001}, "right");
    right.stack_endpoint = {Script::second_address, 80};
    right.sends({.syn = true});
    stack.sends_to(right, {.syn = true});
    Peer wrong(script, {peer.endpoint.address, 40'002}, "wrong");
    wrong.sends({.syn = true});
    dropped(DropReason::tcp_no_connection);
    stack.sends_to(wrong, {.seq = 0, .ack = 1, .rst = true});
}

TEST_F(Rfc9293, MUST_43_unspecified_a_passive_open_hears_calls_to_any_address) {
    app.listens_at({{}, 80});
    for (const Ipv4Address address : {script.local.address, Script::second_address}) {
        Peer caller(script, {peer.endpoint.address, 40'001}, "caller");
        caller.stack_endpoint = {address, 80};
        caller.sends({.syn = true});
        stack.sends_to(caller, {.syn = true});
        caller.sends({});
        auto accepted = app.listener().accept();
        ASSERT_TRUE(accepted);
        EXPECT_EQ((*accepted)->local().address, address) << "bound to the one that was used";
        ASSERT_EQ((*accepted)->set_option(socket::Option::linger, 0), std::errc{});
        accepted->reset();
        script.settle({});
        script.heard().clear();
    }
}

TEST_F(Rfc9293, MUST_44_the_ip_layer_chooses_the_local_address_before_the_syn) {
    for (const auto& [remote, expected] :
         {std::pair{Ipv4Address(192, 0, 2, 1), script.local.address},
          std::pair{Ipv4Address(198, 51, 100, 7), Script::second_address}}) {
        auto socket = socket::open(script.core(), socket::Type::stream);
        ASSERT_EQ(socket->connect({remote, 7}), std::errc::operation_in_progress);
        EXPECT_EQ(socket->local().address, expected);
        script.settle({});
        const Heard syn = stack.sends_something();
        EXPECT_TRUE(syn.header.flags.syn);
        EXPECT_EQ(syn.four_tuple.local.address, expected);
    }
}

TEST_F(Rfc9293, MUST_45_afterwards_the_local_address_stays) {
    peer.endpoint = {Ipv4Address(198, 51, 100, 7), 7};
    auto socket = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(socket->connect(peer.endpoint), std::errc::operation_in_progress);
    peer.stack_endpoint = socket->local();
    script.settle({});
    EXPECT_EQ(stack.loses({.syn = true}).four_tuple.local.address, Script::second_address);
    // A closer address appears, and the best route changes: no segment of this connection minds.
    constexpr Ipv4Address newcomer{198, 51, 100, 66};
    script.core().add_address(0, Ipv4Prefix{newcomer, 28});
    script.core().add_route({{{198, 51, 100, 7}, 32}, {192, 0, 2, 9}, 0, 0});
    std::vector<Heard> sent;
    sent.push_back(within(seconds(2), {.syn = true}));
    peer.sends({.syn = true});
    sent.push_back(stack.sends({}));
    peer.sends({.length = 10});
    sent.push_back(within(milliseconds(500), {.ack = 11}));
    socket.reset();  // with unread data: a reset
    script.settle({});
    sent.push_back(stack.sends({.ack = 11, .rst = true}));
    for (const Heard& heard : sent)
        EXPECT_EQ(heard.four_tuple.local.address, Script::second_address);
}

}  // namespace berth::harness
