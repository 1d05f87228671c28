// Blind resets (RFC 5961 §3): only the one that hits RCV.NXT exactly is believed.
#include "blind.hpp"

namespace berth::harness {
namespace {

class BlindReset : public BlindAttack {};

TEST_P(BlindReset, a_sweep_of_the_sequence_space_does_nothing_rfc5961_3_2) {
    reach_with_open_window(GetParam());
    sweep([&](std::uint32_t seq) { forge({.rst = true}, seq, 0); });
    // One guess lay in the window and was challenged.
    EXPECT_LE(answers(), 2U);
    goes_on();
}

TEST_P(BlindReset, nor_does_one_with_an_ack_rfc5961_3_2) {
    reach_with_open_window(GetParam());
    const std::uint32_t ack = victim().sender().snd().nxt.value;
    sweep([&](std::uint32_t seq) { forge({.rst = true, .ack = true}, seq, ack); });
    EXPECT_LE(answers(), 2U);
    goes_on();
}

TEST_P(BlindReset, beside_the_exact_number_it_is_only_challenged_rfc5961_3_2) {
    reach_with_open_window(GetParam());
    const std::uint32_t exact = victim().receiver().rcv().nxt.value;
    const std::uint32_t window = victim().receiver().wnd();
    for (const std::uint32_t seq : {exact + 1, exact + 2, exact + window / 2, exact + window - 1}) {
        forge({.rst = true}, seq, 0);
        dropped(DropReason::tcp_reset_not_exact);
        EXPECT_EQ(answers(), 1U);
        script.advance(seconds(1));
        script.heard().clear();
    }
    for (const std::uint32_t seq : {exact - 1, exact - 2, exact + window, exact + window + 1}) {
        forge({.rst = true}, seq, 0);
        EXPECT_EQ(script.last_fate().kind, FateKind::dropped);
        EXPECT_EQ(answers(), 0U) << "outside the window: silently";
    }
    EXPECT_NE(script.state_of(peer.four_tuple()), State::closed);
    forge({.rst = true}, exact, 0);
    state_is(State::closed);
}

TEST_P(BlindReset, without_the_checks_any_in_the_window_ends_it_rfc793) {
    config.blind_attack_checks = false;
    reach_with_open_window(GetParam());
    const std::uint32_t exact = victim().receiver().rcv().nxt.value;
    forge({.rst = true}, exact + victim().receiver().wnd(), 0);
    EXPECT_NE(script.state_of(peer.four_tuple()), State::closed);
    forge({.rst = true}, exact + 100, 0);
    EXPECT_EQ(answers(), 0U);
    state_is(State::closed);
}

INSTANTIATE_TEST_SUITE_P(State, BlindReset, ::testing::ValuesIn(synchronized_states),
                         name_of_parameter);

}  // namespace
}  // namespace berth::harness
