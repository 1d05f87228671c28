// The shifts are those of the two SYNs, whatever happens between them (RFC 7323 §2.2).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class WindowScaleAgreed : public ScriptTest {};

TEST_F(WindowScaleAgreed, a_choice_after_the_syn_changes_no_shift_rfc7323_2_2) {
    app.connects();
    const Heard syn = stack.sends({.syn = true});
    ASSERT_TRUE(syn.header.options.window_scale.has_value());
    auto* entry = script.core().tcp().table().find(peer.four_tuple());
    ASSERT_NE(entry, nullptr);
    auto& connection = static_cast<tcp::Connection&>(*entry);
    tcp::Options options = connection.options();
    options.window_clamp = 4096;
    connection.set_options(options);
    advance(seconds(1));
    const Heard again = stack.sends({.syn = true});
    EXPECT_EQ(again.header.options.window_scale, syn.header.options.window_scale);
    peer.sends({.syn = true, .mss = 1460, .wscale = 0});
    const Heard ack = stack.sends({});
    // What was promised, rounded up to what the field can say, and not a multiple of it.
    EXPECT_LE(std::uint32_t{ack.header.window} << *syn.header.options.window_scale, 65536U);
}

TEST_F(WindowScaleAgreed, the_syn_ack_of_a_simultaneous_open_is_not_scaled_rfc7323_2_2) {
    app.connects();
    stack.sends({.syn = true});
    peer.sends({.win = 2048, .syn = true, .no_ack = true, .mss = 1460, .wscale = 4});
    stack.sends({.syn = true});
    peer.sends({.seq = 0, .win = 2048, .syn = true, .mss = 1460, .wscale = 4});
    state_is(State::established);
    const auto& connection =
        static_cast<const tcp::Connection&>(*script.core().tcp().table().find(peer.four_tuple()));
    EXPECT_EQ(connection.sender().snd().wnd, 2048U);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
