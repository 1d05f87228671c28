// Blind SYNs (RFC 5961 §4): wherever they lie, the peer is asked whether it is really he.
#include "blind.hpp"

namespace berth::harness {
namespace {

class BlindSyn : public BlindAttack {};

TEST_P(BlindSyn, a_sweep_of_the_sequence_space_does_nothing_rfc5961_4_2) {
    reach_with_open_window(GetParam());
    sweep([&](std::uint32_t seq) { forge({.syn = true}, seq, 0); });
    EXPECT_EQ(answers(), 1U) << "all of them came within one challenge interval";
    goes_on();
}

TEST_P(BlindSyn, nor_does_a_syn_ack_rfc5961_4_2) {
    reach_with_open_window(GetParam());
    const std::uint32_t ack = victim().sender().snd().nxt.value;
    sweep([&](std::uint32_t seq) { forge({.syn = true, .ack = true}, seq, ack); });
    EXPECT_EQ(answers(), 1U);
    goes_on();
}

TEST_P(BlindSyn, each_gets_a_challenge_ack_after_a_while_rfc5961_4_2) {
    reach_with_open_window(GetParam());
    const std::uint32_t exact = victim().receiver().rcv().nxt.value;
    const std::uint32_t window = victim().receiver().wnd();
    for (const std::uint32_t seq :
         {exact, exact + 1, exact - 1, exact + window, exact + 0x8000'0000}) {
        forge({.syn = true}, seq, 0, seq == exact ? 5 : 0);
        const Heard challenge = stack.sends_something();
        EXPECT_TRUE(challenge.header.flags.ack && !challenge.header.flags.rst);
        EXPECT_EQ(challenge.header.seq, victim().sender().snd().nxt.value);
        EXPECT_EQ(challenge.header.ack, exact);
        script.advance(config.challenge_interval);
        script.heard().clear();
    }
    goes_on();
}

TEST_P(BlindSyn, without_the_checks_one_in_the_window_ends_it_rfc793) {
    config.blind_attack_checks = false;
    reach_with_open_window(GetParam());
    const std::uint32_t exact = victim().receiver().rcv().nxt.value;
    forge({.syn = true}, exact - 1000, 0);
    EXPECT_NE(script.state_of(peer.four_tuple()), State::closed);
    script.heard().clear();
    forge({.syn = true}, exact + 5, 0);
    EXPECT_TRUE(stack.sends_something().header.flags.rst);
    state_is(State::closed);
}

INSTANTIATE_TEST_SUITE_P(State, BlindSyn, ::testing::ValuesIn(synchronized_states),
                         name_of_parameter);

}  // namespace
}  // namespace berth::harness
