// RFC 9293 §3.9.2.2: what ICMP says about a connection's segments.
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, MUST_54_an_icmp_error_reaches_the_connection_that_caused_it) {
    app.listens();
    Peer a(script, {peer.endpoint.address, 40'001}, "a");
    Peer b(script, {peer.endpoint.address, 40'002}, "b");
    std::vector<std::unique_ptr<socket::Socket>> sockets;
    for (Peer* who : {&a, &b}) {
        who->sends({.syn = true, .mss = 1460});
        stack.sends_to(*who, {.syn = true});
        who->sends({});
        auto accepted = app.listener().accept();
        ASSERT_TRUE(accepted);
        sockets.push_back(std::move(*accepted));
        const auto data = pattern(Source::app, 0, 10);
        const std::array<Bytes, 1> parts{Bytes(data)};
        ASSERT_TRUE(sockets.back()->send(parts, std::nullopt));
        script.settle({});
        stack.sends_to(*who, {.length = 10});
    }
    b.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    EXPECT_NE(script.last_fate().kind, FateKind::dropped);
    EXPECT_EQ(*sockets[0]->get_option(socket::Option::error), 0);
    EXPECT_EQ(*sockets[1]->get_option(socket::Option::error),
              static_cast<std::int64_t>(std::errc::host_unreachable));
    // An opener is refused by it.
    Peer server(script, {peer.endpoint.address, 40'003}, "server");
    App client(script, server);
    server.stack_endpoint.port = 81;
    client.connects();
    stack.sends_to(server, {.syn = true});
    server.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable);
    client.error_is(std::errc::connection_refused);
}

TEST_F(Rfc9293, MUST_55_source_quench_is_silently_discarded) {
    accept_connection();
    app.sends(100'000);
    const std::uint32_t window = connection().sender().congestion().cwnd();
    const std::size_t before = bytes_heard();
    EXPECT_GT(before, 0U);
    peer.sends_icmp_about(1, IcmpType::source_quench, 0);
    dropped(DropReason::icmp_error_ignored);
    EXPECT_EQ(connection().sender().congestion().cwnd(), window) << "not even slower";
    state_is(State::established);
    app.error_is({});
    app.aborts();
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_56_soft_errors_abort_nothing) {
    struct Soft {
        IcmpType type;
        std::uint8_t code;
    };
    constexpr Soft soft_errors[] = {
        {IcmpType::destination_unreachable, 0}, {IcmpType::destination_unreachable, 1},
        {IcmpType::destination_unreachable, 5}, {IcmpType::time_exceeded, 0},
        {IcmpType::time_exceeded, 1},           {IcmpType::parameter_problem, 0},
        {IcmpType::parameter_problem, 1},       {IcmpType::parameter_problem, 2}};
    for (const State state : {State::syn_sent, State::established, State::fin_wait_1,
                              State::close_wait, State::closing, State::last_ack}) {
        Script stage;
        Peer far(stage);
        StackSide side(stage, far);
        App program(stage, far);
        if (state == State::syn_sent) {
            program.connects();
            side.sends({.syn = true});
        } else {
            program.listens();
            far.sends({.syn = true, .mss = 1460});
            side.sends({.syn = true});
            far.sends({});
            program.accepts();
            if (state == State::close_wait || state == State::last_ack) {
                far.sends({.fin = true});
                side.sends({});
            }
            if (state == State::established || state == State::close_wait) {
                program.sends(100);
                side.sends({.length = 100});
            } else {
                program.shuts_down();
                side.sends({.fin = true});
            }
            if (state == State::closing) {
                far.sends({.ack = 1, .fin = true});
                side.sends({});
            }
        }
        stage.state_is(state);
        const std::uint32_t in_flight = state == State::syn_sent ? 0 : 1;
        for (const Soft& soft : soft_errors) {
            far.sends_icmp_about(in_flight, soft.type, soft.code);
            stage.state_is(state);
        }
        side.sends_nothing();
    }
}

TEST_F(Rfc9293, SHLD_25_soft_errors_are_available_to_the_application) {
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::net_unreachable);
    app.error_is(std::errc::network_unreachable);
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    app.error_is(std::errc::host_unreachable);
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::source_route_failed);
    const auto error = app.socket().get_option(socket::Option::error);
    ASSERT_TRUE(error);
    EXPECT_NE(*error, 0);
    state_is(State::established);
}

// In a synchronized state hard errors are soft (RFC 5927 §5.2, RFC 5461 §4.1): see the exception.
TEST_F(Rfc9293, SHLD_26_hard_errors_end_an_attempt_to_connect) {
    for (const std::uint8_t code :
         {wire::icmp_code::protocol_unreachable, wire::icmp_code::port_unreachable}) {
        Script stage;
        Peer server(stage);
        StackSide side(stage, server);
        App client(stage, server);
        client.connects();
        side.sends({.syn = true});
        server.sends_icmp(IcmpType::destination_unreachable, code);
        stage.state_is(State::closed);
        client.error_is(std::errc::connection_refused);
    }
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable);
    state_is(State::established);
    app.error_is(std::errc::connection_refused);  // but told
}

}  // namespace berth::harness
