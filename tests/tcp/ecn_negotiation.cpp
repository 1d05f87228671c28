// Who may use ECN (RFC 3168 §6.1.1).
#include "harness/script_fixture.hpp"
#include "tcp/connection.hpp"

namespace berth::harness {
namespace {

class EcnNegotiation : public ScriptTest {};

TEST_F(EcnNegotiation, a_syn_asks_with_both_flags_rfc3168_6_1_1) {
    config.ecn = 1;
    app.connects();
    stack.sends({.syn = true, .ece = true, .cwr = true});
}

TEST_F(EcnNegotiation, by_default_a_syn_does_not_ask_linux_tcp_ecn) {
    app.connects();
    stack.sends({.syn = true, .ece = false, .cwr = false});
}

TEST_F(EcnNegotiation, a_syn_sent_again_does_not_ask_rfc3168_6_1_1_1) {
    config.ecn = 1;
    app.connects();
    stack.loses({.syn = true, .ece = true, .cwr = true});
    stack.sends_within(seconds(1), {.seq = 0, .syn = true, .ece = false, .cwr = false});
}

TEST_F(EcnNegotiation, by_default_it_is_granted_rfc3168_6_1_1) {
    app.listens();
    peer.sends({.syn = true, .ece = true, .cwr = true});
    stack.sends({.syn = true, .ece = true, .cwr = false});
    peer.sends({});
    app.accepts();
}

TEST_F(EcnNegotiation, not_asked_not_granted_rfc3168_6_1_1) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true, .ece = false, .cwr = false});
}

TEST_F(EcnNegotiation, one_flag_alone_is_no_question_rfc3168_6_1_1) {
    app.listens();
    peer.sends({.syn = true, .ece = true});
    stack.sends({.syn = true, .ece = false, .cwr = false});
    peer.starts_over(1);
    peer.endpoint.port = 40001;
    peer.sends({.syn = true, .cwr = true});
    stack.sends({.syn = true, .ece = false, .cwr = false});
}

TEST_F(EcnNegotiation, zero_grants_nothing_linux_tcp_ecn) {
    config.ecn = 0;
    app.listens();
    peer.sends({.syn = true, .ece = true, .cwr = true});
    stack.sends({.syn = true, .ece = false, .cwr = false});
}

TEST_F(EcnNegotiation, a_syn_ack_sent_again_grants_it_again_rfc3168_6_1_1) {
    app.listens();
    peer.sends({.syn = true, .ece = true, .cwr = true});
    stack.loses({.syn = true, .ece = true});
    stack.sends_within(seconds(1), {.seq = 0, .syn = true, .ece = true, .cwr = false});
}

TEST_F(EcnNegotiation, a_syn_that_comes_again_without_the_question_takes_it_back_rfc3168_6_1_1) {
    app.listens();
    peer.sends({.syn = true, .ece = true, .cwr = true});
    stack.loses({.syn = true, .ece = true});
    peer.sends({.seq = 0, .syn = true, .no_ack = true});
    stack.sends({.seq = 0, .syn = true, .ece = false, .cwr = false});
}

TEST_F(EcnNegotiation, the_flags_of_a_syn_are_on_no_later_segment_rfc3168_6_1_2) {
    config.ecn = 1;
    app.connects();
    stack.sends({.syn = true, .ece = true, .cwr = true});
    peer.sends({.syn = true, .mss = 1460, .ece = true});
    stack.sends({.ece = false, .cwr = false});
    app.sends(10);
    stack.sends({.length = 10, .ece = false, .cwr = false});
}

TEST_F(EcnNegotiation, a_syn_ack_with_both_flags_grants_nothing_rfc3168_6_1_1) {
    // A peer that reflects the reserved bits of our SYN.
    config.ecn = 1;
    app.connects();
    stack.sends({.syn = true, .ece = true, .cwr = true});
    peer.sends({.syn = true, .mss = 1460, .ece = true, .cwr = true});
    stack.sends({.ece = false, .cwr = false});
    state_is(State::established);
}

}  // namespace
}  // namespace berth::harness
