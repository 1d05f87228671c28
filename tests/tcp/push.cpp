// The PSH bit without a PUSH flag on SEND (RFC 9293 §3.9.1.2), and how data is packed.
#include "harness/sending_fixture.hpp"

namespace berth::harness {
namespace {

class Push : public SendingTest {};

TEST_F(Push, the_last_of_what_was_buffered_has_it_rfc9293_3_9_1_2_must_61) {
    accept_connection();
    writes(3000);
    stack.sends({.length = 1460, .psh = false});
    stack.sends({.length = 1460, .psh = false});
    peer.sends({});
    stack.sends({.length = 80, .psh = true});
}

TEST_F(Push, a_single_segment_has_it_rfc9293_3_9_1_2_must_61) {
    accept_connection();
    writes(1);
    stack.sends({.length = 1, .psh = true});
}

TEST_F(Push, what_waited_goes_as_one_large_segment_with_one_bit_rfc9293_3_9_1_2_shld_27_may_16) {
    accept_connection();
    writes(10);
    stack.sends({.length = 10, .psh = true});
    writes(100);
    writes(200);
    writes(300);
    stack.sends_nothing();
    peer.sends({});
    stack.sends({.length = 600, .psh = true});
}

TEST_F(Push, a_full_segment_goes_whenever_there_is_one_rfc9293_3_9_1_2_shld_28) {
    accept_connection();
    writes(10);
    stack.sends({.length = 10});
    for (int i = 0; i < 4; ++i)
        writes(400);
    stack.sends({.length = 1460, .psh = false});
    stack.sends_nothing();
    peer.sends({});
    stack.sends({.length = 140, .psh = true});
}

TEST_F(Push, nothing_is_buffered_without_end_rfc9293_3_9_1_2_must_60) {
    accept_connection();
    chooses([](tcp::Options& options) { options.cork = true; });
    writes(10);
    stack.sends_within(milliseconds(500), {.length = 10, .psh = true});
}

TEST_F(Push, a_segment_cut_by_the_window_has_none_rfc9293_3_9_1_2_must_61) {
    accept_connection();
    peer.sends({.win = 40'000});
    peer.sends({.win = 1460});
    writes(2000);
    stack.sends({.length = 1460, .psh = false});
    peer.sends({});
    stack.sends({.length = 540, .psh = true});
}

TEST_F(Push, a_fin_alone_has_none_rfc9293_3_9_1_2) {
    accept_connection();
    app.shuts_down();
    stack.sends({.fin = true, .psh = false});
}

}  // namespace
}  // namespace berth::harness
