// What ICMP says about our segments (RFC 1122 §4.2.3.9, RFC 9293 §3.9.2.2, RFC 5927).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class IcmpErrors : public ScriptTest {};

TEST_F(IcmpErrors, port_unreachable_refuses_an_opener_rfc9293_3_9_2_2_must_56) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable);
    EXPECT_NE(script.last_fate().kind, FateKind::dropped);
    state_is(State::closed);
    app.error_is(std::errc::connection_refused);
}

TEST_F(IcmpErrors, protocol_unreachable_ends_an_opener_rfc9293_3_9_2_2) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::protocol_unreachable);
    state_is(State::closed);
}

TEST_F(IcmpErrors, host_unreachable_does_not_end_an_opener_rfc9293_3_9_2_2_must_56) {
    app.connects();
    stack.loses({.syn = true});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    state_is(State::syn_sent);
    advance(seconds(1));
    stack.sends({.syn = true});
    peer.sends({.syn = true});
    stack.sends({});
    state_is(State::established);
}

TEST_F(IcmpErrors, a_soft_error_explains_the_timeout_rfc9293_3_9_2_2_shld_25) {
    config.syn_retries = 1;
    app.connects();
    stack.loses({.syn = true});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    advance(seconds(1));
    stack.loses({.syn = true});
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::host_unreachable);
    advance(seconds(2));
    state_is(State::closed);
    app.error_is(std::errc::host_unreachable);
}

TEST_F(IcmpErrors, an_established_connection_survives_them_all_rfc5927_5_2) {
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    for (std::uint8_t code = 0; code <= 5; ++code) {
        if (code == wire::icmp_code::fragmentation_needed) continue;  // it speaks of the MTU
        peer.sends_icmp(IcmpType::destination_unreachable, code);
        state_is(State::established);
    }
    peer.sends_icmp(IcmpType::time_exceeded, 0);
    peer.sends_icmp(IcmpType::parameter_problem, 0);
    peer.sends({});
    app.sends(1);
    stack.sends({.length = 1});
}

TEST_F(IcmpErrors, a_quote_of_what_is_not_in_flight_is_ignored_rfc5927_4_1) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true});
    stack.sends({});
    peer.sends_icmp_about(0, IcmpType::destination_unreachable, wire::icmp_code::port_unreachable);
    dropped(DropReason::icmp_error_no_match);
    state_is(State::established);
}

TEST_F(IcmpErrors, a_quote_of_another_four_tuple_is_ignored_rfc5927_4_1) {
    app.connects();
    stack.sends({.syn = true});
    // The neighbour's connection, whose four-tuple differs in the remote port only.
    Peer other(script, {peer.endpoint.address, 40001}, "other");
    wire::TcpHeader forged;
    forged.source_port = script.local.port;
    forged.destination_port = other.endpoint.port;
    const Packet quoted = tcp_packet(forged, script.local.address, other.endpoint.address, {});
    script.put(
        icmp_packet(peer.endpoint.address, script.local.address,
                    {IcmpType::destination_unreachable, wire::icmp_code::port_unreachable, 0},
                    Bytes(quoted).first(28)),
        {});
    dropped(DropReason::icmp_error_no_match);
    state_is(State::syn_sent);
}

TEST_F(IcmpErrors, source_quench_is_ignored_rfc9293_3_9_2_2_must_55) {
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends_icmp(IcmpType::source_quench, 0);
    dropped(DropReason::icmp_error_ignored);
    state_is(State::established);
}

}  // namespace
}  // namespace berth::harness
