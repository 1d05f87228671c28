// Segments that come early, twice or overlapping (RFC 9293 §3.10.7.4, first and seventh step).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class OutOfOrder : public ScriptTest {};

TEST_F(OutOfOrder, an_early_segment_is_held_and_acknowledged_at_once_rfc5681_4_2) {
    accept_connection();
    peer.sends({.seq = 1001, .length = 1000});
    delivered();
    stack.sends({.ack = 1});
    app.read_fails(std::errc::operation_would_block);
    peer.sends({.seq = 1, .length = 1000});
    stack.sends({.ack = 2001});  // it fills a gap: at once (RFC 5681 §4.2)
    app.reads(2000);
}

TEST_F(OutOfOrder, each_early_segment_owes_its_own_duplicate_ack_rfc5681_4_2) {
    accept_connection();
    for (std::uint32_t i = 1; i <= 5; ++i) {
        peer.sends({.seq = 1 + 100 * i, .length = 100});
        stack.sends({.ack = 1});
    }
    peer.sends({.seq = 1, .length = 100});
    stack.sends({.ack = 601});
    app.reads(600);
}

TEST_F(OutOfOrder, several_gaps_are_filled_one_by_one_rfc9293_3_10_7_4_seventh) {
    accept_connection();
    peer.sends({.seq = 401, .length = 100});
    stack.sends({.ack = 1});
    peer.sends({.seq = 201, .length = 100});
    stack.sends({.ack = 1});
    peer.sends({.seq = 1, .length = 200});
    stack.sends({.ack = 301});
    peer.sends({.seq = 301, .length = 100});
    stack.sends({.ack = 501});
    app.reads(500);
}

TEST_F(OutOfOrder, any_order_of_arrival_gives_the_same_stream_rfc9293_3_4) {
    accept_connection();
    std::uint32_t expected = 1;
    std::array<bool, 7> there{};
    for (const std::uint32_t piece : {6U, 2U, 0U, 4U, 1U, 3U, 5U}) {
        peer.sends({.seq = 1 + 50 * piece, .length = 50});
        there[piece] = true;
        expected = 1;
        for (const bool arrived : there) {
            if (!arrived) break;
            expected += 50;
        }
        stack.sends({.ack = expected});
    }
    app.reads(350);
}

TEST_F(OutOfOrder, a_duplicate_is_dropped_and_acknowledged_rfc9293_3_10_7_4_first) {
    accept_connection();
    peer.sends({.length = 100});
    peer.sends({.seq = 1, .length = 100});
    dropped(DropReason::tcp_duplicate);
    stack.sends({.ack = 101});
    app.reads(100);
    app.read_fails(std::errc::operation_would_block);
}

TEST_F(OutOfOrder, a_partial_duplicate_is_trimmed_on_the_left_rfc9293_3_10_7_4_seventh) {
    accept_connection();
    peer.sends({.length = 100});
    peer.sends({.seq = 51, .length = 100});
    delivered();
    app.reads(150);
    advance(config.delayed_ack);
    script.heard().clear();
}

TEST_F(OutOfOrder, an_overlap_with_held_data_is_delivered_once_rfc9293_3_10_7_4_seventh) {
    accept_connection();
    peer.sends({.seq = 101, .length = 100});
    stack.sends({.ack = 1});
    peer.sends({.seq = 1, .length = 150});
    stack.sends({.ack = 201});
    app.reads(200);
}

TEST_F(OutOfOrder, a_segment_that_covers_held_ones_is_delivered_once_rfc9293_3_10_7_4_seventh) {
    accept_connection();
    peer.sends({.seq = 51, .length = 10});
    stack.sends({.ack = 1});
    peer.sends({.seq = 81, .length = 10});
    stack.sends({.ack = 1});
    peer.sends({.seq = 21, .length = 100});
    stack.sends({.ack = 1});
    peer.sends({.seq = 1, .length = 20});
    stack.sends({.ack = 121});
    app.reads(120);
}

TEST_F(OutOfOrder, a_segment_beyond_the_window_is_dropped_and_acknowledged_rfc9293_3_10_7_4_first) {
    accept_connection();
    peer.sends({.seq = 200'001, .length = 100});
    dropped(DropReason::tcp_out_of_window);
    stack.sends({.ack = 1});
}

TEST_F(OutOfOrder, a_segment_is_cut_at_the_right_edge_of_the_window_rfc9293_3_10_7_4_seventh) {
    config.receive_buffer_bytes = 1000;
    accept_connection();
    peer.sends({.length = 1200});
    app.reads(1000);
    stack.sends({.ack = 1001, .win = 1000});
    app.read_fails(std::errc::operation_would_block);
    peer.sends({.seq = 1001, .length = 200});
    app.reads(200);
    advance(config.delayed_ack);
    stack.sends({.ack = 1201});
}

TEST_F(OutOfOrder, a_fin_ahead_of_a_gap_waits_rfc9293_3_10_7_4_eighth) {
    accept_connection();
    peer.sends({.seq = 101, .length = 100, .fin = true});
    stack.sends({.ack = 1});
    state_is(State::established);
    peer.sends({.seq = 1, .length = 100});
    stack.sends({.ack = 202});
    state_is(State::close_wait);
    app.reads(200);
    app.reads_end();
}

TEST_F(OutOfOrder, a_bare_fin_ahead_of_a_gap_waits_rfc9293_3_10_7_4_eighth) {
    accept_connection();
    peer.sends({.seq = 101, .fin = true});
    stack.sends({.ack = 1});
    state_is(State::established);
    peer.sends({.seq = 1, .length = 100});
    stack.sends({.ack = 102});
    state_is(State::close_wait);
    app.reads(100);
    app.reads_end();
}

TEST_F(OutOfOrder, a_repeated_fin_is_acknowledged_again_rfc9293_3_10_7_4_first) {
    accept_connection();
    peer.sends({.fin = true});
    stack.sends({.ack = 2});
    peer.sends({.seq = 1, .fin = true});
    dropped(DropReason::tcp_duplicate);
    stack.sends({.ack = 2});
    state_is(State::close_wait);
}

TEST_F(OutOfOrder, data_beyond_the_fin_is_dropped_rfc9293_3_10_7_4_seventh) {
    accept_connection();
    peer.sends({.fin = true});
    stack.sends({.ack = 2});
    peer.sends({.seq = 2, .length = 10});
    dropped(DropReason::tcp_data_after_fin);
    app.reads_end();
    script.heard().clear();
}

TEST_F(OutOfOrder, many_tiny_early_segments_cost_bounded_memory_design_3) {
    config.receive_buffer_bytes = 64 * 1024;
    accept_connection();
    for (std::uint32_t i = 0; i < 2000 && script.goes_on(); ++i) {
        peer.sends({.seq = 3 + 2 * i, .length = 1});
        stack.sends({.ack = 1});
    }
    // Blocks of 2 KB for a byte each would be 4 MB; packed and bounded it is at most twice the
    // buffer.
    EXPECT_LE(script.core().buffers().outstanding() * BufferPool::small_block_bytes,
              2 * config.receive_buffer_bytes + 16 * BufferPool::small_block_bytes);
}

}  // namespace
}  // namespace berth::harness
