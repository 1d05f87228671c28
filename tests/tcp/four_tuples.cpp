// Who a segment is for (RFC 9293 §3.3.1 and §4: a connection is its pair of endpoints; DESIGN §5).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class FourTuples : public ScriptTest {};

TEST_F(FourTuples, two_clients_of_one_port_do_not_hear_each_other_rfc9293_3_3_1) {
    app.listens();
    Peer a(script, {Ipv4Address(192, 0, 2, 1), 40001}, "a");
    Peer b(script, {Ipv4Address(192, 0, 2, 1), 40002}, "b");
    App app_a(script, a);
    App app_b(script, b);
    for (Peer* who : {&a, &b}) {
        who->sends({.syn = true});
        stack.sends_to(*who, {.syn = true});
        who->sends({});
    }
    auto socket_a = app.listener().accept();
    auto socket_b = app.listener().accept();
    ASSERT_TRUE(socket_a && socket_b);
    EXPECT_EQ((*socket_a)->local(), (*socket_b)->local());
    b.sends({.length = 10});
    EXPECT_FALSE((*socket_a)->readiness().readable);
    EXPECT_TRUE((*socket_b)->readiness().readable);
    a.sends({.fin = true});
    stack.sends_to(a, {});
    EXPECT_EQ(script.state_of(a.four_tuple()), State::close_wait);
    EXPECT_EQ(script.state_of(b.four_tuple()), State::established);
    socket_a->reset();
    socket_b->reset();
    script.settle({});
    script.heard().clear();
}

TEST_F(FourTuples, the_same_remote_port_of_another_host_is_another_connection_rfc9293_3_3_1) {
    app.listens();
    Peer a(script, {Ipv4Address(192, 0, 2, 1), 40001}, "a");
    Peer b(script, {Ipv4Address(192, 0, 2, 9), 40001}, "b");
    for (Peer* who : {&a, &b}) {
        who->sends({.syn = true});
        stack.sends_to(*who, {.syn = true});
        who->sends({});
        EXPECT_EQ(script.state_of(who->four_tuple()), State::established);
    }
    a.sends({.rst = true});
    EXPECT_EQ(script.state_of(a.four_tuple()), State::closed);
    EXPECT_EQ(script.state_of(b.four_tuple()), State::established);
}

TEST_F(FourTuples, our_address_is_part_of_it_rfc9293_3_3_1) {
    app.listens();
    constexpr Endpoint client{Ipv4Address(192, 0, 2, 1), 40010};
    Peer a(script, client, "a");
    Peer b(script, client, "b");
    b.stack_endpoint.address = Script::second_address;
    a.sends({.syn = true});
    stack.sends_to(a, {.syn = true});
    b.sends({.syn = true});
    stack.sends_to(b, {.syn = true});
    EXPECT_EQ(script.state_of(a.four_tuple()), State::syn_received);
    EXPECT_EQ(script.state_of(b.four_tuple()), State::syn_received);
}

TEST_F(FourTuples, a_segment_from_another_port_is_nobodys_rfc9293_3_10_7_1) {
    accept_connection();
    Peer stranger(script, {peer.endpoint.address, static_cast<Port>(peer.endpoint.port + 1)},
                  "stranger");
    stranger.sends({.seq = 1, .length = 10, .ack = 1});
    dropped(DropReason::tcp_ack_in_listen);
    stack.sends_to(stranger, {.seq = 1, .rst = true});
    state_is(State::established);
}

TEST_F(FourTuples, a_second_listener_on_an_endpoint_is_refused_posix_eaddrinuse) {
    app.listens();
    auto second = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(second->bind({{}, script.local.port}), std::errc::address_in_use);
}

TEST_F(FourTuples, an_unbound_second_bind_is_einval_posix) {
    auto one = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(one->bind({{}, 81}), std::errc{});
    EXPECT_EQ(one->bind({{}, 82}), std::errc::invalid_argument);
}

TEST_F(FourTuples, a_foreign_address_cannot_be_bound_posix_eaddrnotavail) {
    auto one = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(one->bind({Ipv4Address(192, 0, 2, 77), 81}), std::errc::address_not_available);
}

TEST_F(FourTuples, the_listener_at_the_address_wins_over_the_wildcard_design_5) {
    app.shares_port = true;
    app.listens();
    App specific(script, peer);
    specific.shares_port = true;
    specific.listens_at(script.local);
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    peer.sends({});
    EXPECT_EQ(app.listener().accept().error(), std::errc::operation_would_block);
    specific.accepts();
    Peer other(script, {peer.endpoint.address, 40009}, "other");
    other.stack_endpoint.address = Script::second_address;
    other.sends({.syn = true});
    stack.sends_to(other, {.syn = true});
    other.sends({});
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    EXPECT_EQ((*accepted)->local(), (Endpoint{Script::second_address, script.local.port}));
    accepted->reset();
    script.settle({});
    script.heard().clear();
}

TEST_F(FourTuples, the_same_four_tuple_cannot_be_opened_twice_rfc9293_3_10_1) {
    open_connection();
    auto second = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(second->set_option(socket::Option::reuse_address, 1), std::errc{});
    const std::errc bound = second->bind(script.local);
    if (bound == std::errc{}) {
        EXPECT_EQ(second->connect(peer.endpoint), std::errc::address_not_available);
    } else {
        EXPECT_EQ(bound, std::errc::address_in_use);
    }
    stack.sends_nothing();
}

}  // namespace
}  // namespace berth::harness
