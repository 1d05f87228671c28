// RFC 9293 §3.9.1.8 and §3.9.1.9: reports to the application; the DiffServ field.
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, MUST_47_soft_errors_are_reported_to_the_application) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sets(socket::Option::receive_errors, 1);  // ERROR_REPORT: IP_RECVERR
    Bell bell;
    app.socket().set_watcher(&bell);
    // An ICMP error arrived.
    app.sends(100);
    stack.loses({.length = 100});
    bell.rings = 0;
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    EXPECT_GT(bell.rings, 0) << "asynchronously";
    EXPECT_TRUE(app.socket().readiness().error);
    app.error_is(std::errc::host_unreachable);
    // Excessive retransmissions.
    for (const int wait : {1, 2, 4, 8}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 100});
    }
    app.error_is(std::errc::timed_out);
    peer.sends({.ack = 101});
    // The urgent pointer advanced.
    bell.rings = 0;
    peer.sends({.urg = 1});
    EXPECT_GT(bell.rings, 0);
    app.socket().set_watcher(nullptr);
    script.heard().clear();
    state_is(State::established);
}

TEST_F(Rfc9293, SHLD_20_an_application_that_wants_no_reports_gets_none) {
    accept_connection();
    app.sets(socket::Option::receive_errors, 1);
    app.sets(socket::Option::receive_errors, 0);  // it had asked for them, and does not any more
    Bell bell;
    app.socket().set_watcher(&bell);
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    // No call of it fails, and nothing wakes it.
    EXPECT_FALSE(app.socket().readiness().error);
    EXPECT_FALSE(app.socket().readiness().readable);
    EXPECT_EQ(bell.rings, 0);
    app.sends(100);
    app.read_fails(std::errc::operation_would_block);
    // Nor is anybody called who has taken his routine away.
    app.socket().set_watcher(nullptr);
    peer.sends_icmp_about(1, IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    EXPECT_EQ(bell.rings, 0);
    peer.sends({.ack = 101});
    stack.sends({.length = 100});
}

TEST_F(Rfc9293, MUST_48_the_application_sets_the_diffserv_field) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460});
    EXPECT_EQ(stack.sends({.syn = true}).dscp, 0);
    peer.sends({});
    app.accepts();
    app.sets(socket::Option::tos, 0xb8);  // EF
    app.sends(10);
    EXPECT_EQ(stack.sends({.length = 10}).dscp, 46);
    // An opener's holds from the SYN on; a listener's for what it accepts.
    auto opener = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(opener->set_option(socket::Option::tos, 0x28), std::errc{});
    ASSERT_EQ(opener->connect({peer.endpoint.address, 7}), std::errc::operation_in_progress);
    script.settle({});
    EXPECT_EQ(stack.sends_something().dscp, 10);
}

TEST_F(Rfc9293, SHLD_21_it_may_be_changed_during_the_connection) {
    accept_connection();
    for (const std::uint8_t dscp : {std::uint8_t{8}, std::uint8_t{46}, std::uint8_t{0}}) {
        app.sets(socket::Option::tos, dscp << 2);
        app.sends(10);
        EXPECT_EQ(stack.sends({.length = 10}).dscp, dscp);
        peer.sends({});
    }
}

TEST_F(Rfc9293, SHLD_22_it_is_handed_to_the_ip_layer_unchanged) {
    accept_connection();
    for (unsigned dscp = 0; dscp < 64; ++dscp) {
        app.sets(socket::Option::tos, dscp << 2U);
        app.sends(1);
        const Heard heard = stack.sends({.length = 1});
        EXPECT_EQ(heard.dscp, dscp);
        EXPECT_EQ(heard.packet[1] >> 2U, dscp) << "as it is on the wire";
        peer.sends({});
    }
}

TEST_F(Rfc9293, SHLD_23_nobody_changes_it_but_the_application) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sets(socket::Option::tos, 0x48);  // AF21
    std::vector<Heard> sent;
    app.sends(100);
    sent.push_back(stack.loses({.length = 100}));
    advance(seconds(1));
    sent.push_back(stack.sends({.seq = 1, .length = 100}));
    peer.sends({.length = 1400});
    sent.push_back(within(seconds(1), {.ack = 1401}));
    peer.sends({.seq = 5000, .length = 10});
    sent.push_back(stack.sends({.ack = 1401}));
    app.reads(1400);
    all_heard();
    app.shuts_down();
    sent.push_back(stack.sends({.fin = true}));
    for (const Heard& heard : sent)
        EXPECT_EQ(heard.dscp, 18) << to_text(heard.header, heard.payload.size(), {});
    app.aborts();
    script.heard().clear();
}

}  // namespace berth::harness
