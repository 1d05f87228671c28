// Both sides open at once (RFC 9293 §3.5, figure 7; MUST-10).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class SimultaneousOpen : public ScriptTest {};

TEST_F(SimultaneousOpen, crossing_syns_lead_to_syn_received_and_a_syn_ack_rfc9293_must_10) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .no_ack = true});
    stack.sends({.seq = 0, .ack = 1, .syn = true});
    state_is(State::syn_received);
}

TEST_F(SimultaneousOpen, the_peers_syn_ack_establishes_rfc9293_3_5_figure_7) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .no_ack = true});
    stack.sends({.syn = true});
    peer.sends({.seq = 0, .ack = 1, .syn = true});
    state_is(State::established);
    app.is_writable();
    script.heard().clear();  // an ACK for the repeated SYN is allowed, not demanded
    app.sends(10);
    stack.sends({.length = 10});
    peer.sends({.length = 20});
    app.reads(20);
    advance(config.delayed_ack);
    stack.sends({.ack = 21});
}

TEST_F(SimultaneousOpen, a_plain_ack_establishes_too_rfc9293_3_10_7_4_fifth) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .no_ack = true});
    stack.sends({.syn = true});
    peer.sends({});
    state_is(State::established);
}

TEST_F(SimultaneousOpen, the_syn_ack_is_retransmitted_rfc6298_5) {
    app.connects();
    stack.loses({.syn = true});
    peer.sends({.syn = true, .no_ack = true});
    stack.loses({.syn = true});
    stack.sends_within(seconds(2), {.syn = true});
    peer.sends({});
    state_is(State::established);
}

TEST_F(SimultaneousOpen, reset_in_syn_received_refuses_the_opener_rfc9293_3_10_7_4_second) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.syn = true, .no_ack = true});
    stack.sends({.syn = true});
    peer.sends({.rst = true});
    state_is(State::closed);
    app.error_is(std::errc::connection_refused);
}

}  // namespace
}  // namespace berth::harness
