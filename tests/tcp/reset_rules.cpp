// A reset arrives in each state (RFC 9293 §3.10.7.4 second; RFC 5961 §3.2), and SYNs where none
// belong (fourth; RFC 5961 §4.2).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

const State synchronized_states[] = {State::established, State::fin_wait_1, State::fin_wait_2,
                                     State::close_wait,  State::closing,    State::last_ack};

class InState : public ScriptTest, public ::testing::WithParamInterface<State> {};

TEST_P(InState, an_exact_reset_ends_the_connection_rfc9293_3_10_7_4_second) {
    reach(GetParam());
    peer.sends({.rst = true});
    stack.sends_nothing();
    state_is(State::closed);
}

TEST_P(InState, a_reset_elsewhere_in_the_window_is_challenged_rfc5961_3_2) {
    reach(GetParam());
    peer.sends({.seq = peer.sent_up_to() + 1, .rst = true});
    dropped(DropReason::tcp_reset_not_exact);
    stack.sends({});
    state_is(GetParam());
}

TEST_P(InState, a_reset_outside_the_window_is_dropped_silently_rfc5961_3_2) {
    reach(GetParam());
    peer.sends({.seq = peer.sent_up_to() - 1, .rst = true});
    EXPECT_EQ(script.last_fate().kind, FateKind::dropped);
    peer.sends({.seq = 0x4000'0000, .rst = true});
    EXPECT_EQ(script.last_fate().kind, FateKind::dropped);
    stack.sends_nothing();
    state_is(GetParam());
}

TEST_P(InState, a_syn_in_the_window_is_challenged_rfc5961_4_2) {
    reach(GetParam());
    peer.sends({.seq = peer.sent_up_to() + 5, .syn = true});
    dropped(DropReason::tcp_unexpected_syn);
    stack.sends({});
    state_is(GetParam());
}

TEST_P(InState, an_old_syn_is_acknowledged_rfc5961_4_2) {
    reach(GetParam());
    peer.sends({.seq = 0, .syn = true});
    EXPECT_EQ(script.last_fate().kind, FateKind::dropped);
    stack.sends({});
    state_is(GetParam());
}

TEST_P(InState, abort_sends_a_reset_rfc9293_3_10_5) {
    reach(GetParam());
    const bool owes_a_reset = GetParam() != State::closing && GetParam() != State::last_ack;
    app.aborts();
    // §3.10.5: from CLOSING and LAST-ACK on nobody is left to be confused; sending one is harmless.
    if (owes_a_reset) stack.sends({.ack = peer.sent_up_to(), .rst = true});
    script.heard().clear();
    state_is(State::closed);
}

INSTANTIATE_TEST_SUITE_P(ResetRules, InState, ::testing::ValuesIn(synchronized_states),
                         [](const auto& information) {
                             std::string name(tcp::name_of(information.param));
                             for (char& c : name)
                                 if (c == '-') c = '_';
                             return name;
                         });

class ResetRules : public ScriptTest {};

TEST_F(ResetRules, the_user_hears_connection_reset_rfc9293_3_10_7_4_second) {
    accept_connection();
    peer.sends({.rst = true});
    app.is_readable();
    app.read_fails(std::errc::connection_reset);
    app.send_fails(std::errc::broken_pipe);
    app.reads_end();
}

TEST_F(ResetRules, pending_error_is_told_once_posix_so_error) {
    accept_connection();
    peer.sends({.rst = true});
    app.error_is(std::errc::connection_reset);
    app.error_is({});
}

TEST_F(ResetRules, in_close_wait_sending_then_fails_rfc9293_3_10_7_4_second) {
    reach(State::close_wait);
    peer.sends({.rst = true});
    app.error_is(std::errc::connection_reset);
    app.send_fails(std::errc::broken_pipe);
}

TEST_F(ResetRules, a_reset_with_a_bad_checksum_does_nothing_rfc9293_3_1_must_3) {
    accept_connection();
    peer.sends({.rst = true, .bad_checksum = true});
    dropped(DropReason::tcp_bad_checksum);
    state_is(State::established);
}

TEST_F(ResetRules, the_rebooted_peer_is_reset_and_resets_rfc9293_figure_9) {
    // Half-open connection discovery: the peer has forgotten everything and opens anew.
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    const std::uint32_t old_isn = peer.isn;
    Peer rebooted(script, peer.endpoint, "rebooted");
    script.leave(peer);
    rebooted.isn = old_isn + 5000;
    rebooted.sends({.syn = true});
    dropped(DropReason::tcp_unexpected_syn);
    const Heard challenge = stack.sends_something();
    EXPECT_FALSE(challenge.header.flags.syn);
    // A host without that connection answers the ACK with <SEQ=SEG.ACK><RST>.
    rebooted.sends({.seq = challenge.header.ack - rebooted.isn, .rst = true, .no_ack = true});
    EXPECT_EQ(script.state_of(rebooted.four_tuple()), State::closed);
    app.error_is(std::errc::connection_reset);
}

}  // namespace
}  // namespace berth::harness
