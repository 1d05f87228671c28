// What an ACK says of data ahead of a gap (RFC 2018 §4) and of data that came twice (RFC 2883 §4).
// The numbers are those of the RFCs' examples, one higher: a SYN is 0 here.
#include "tcp/sack_blocks.hpp"

#include "harness/inside.hpp"
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

using wire::TcpSackBlock;

class SackBlocks : public ScriptTest {
  protected:
    using Blocks = std::vector<TcpSackBlock>;

    void accept_with_sack() { accept_connection({.mss = 1460, .sack_ok = true}); }
    // Everything before that number arrives in order.
    void receive_up_to(std::uint32_t number) {
        for (std::uint32_t at = 0; at < number; at += 500) {
            peer.sends({.seq = at + 1, .length = 500});
            advance(config.delayed_ack);
            script.heard().clear();
        }
    }
    // A segment of [begin, end), and the answer to it.
    void arrives(std::uint32_t begin, std::uint32_t end, std::uint32_t ack, const Blocks& blocks,
                 Where where = {}) {
        peer.sends({.seq = begin + 1, .length = end - begin}, where);
        if (script.heard().empty()) advance(config.delayed_ack, where);
        answer(ack, blocks, where);
    }
    void answer(std::uint32_t ack, Blocks blocks, Where where = {}) {
        for (TcpSackBlock& block : blocks)
            block = {block.left + 1, block.right + 1};
        const Heard heard = stack.sends({.ack = ack + 1, .sack = blocks}, where);
        EXPECT_EQ(heard.header.options.sack_block_count, blocks.size());
    }
    std::uint64_t counted(tcp::Count what) { return script.core().tcp().counters()[what]; }
};

TEST_F(SackBlocks, the_last_segments_are_lost_rfc2018_7_case_1) {
    accept_with_sack();
    receive_up_to(5000);
    for (std::uint32_t at = 5000; at < 7000; at += 500)
        arrives(at, at + 500, at + 500, {});
}

TEST_F(SackBlocks, the_first_segment_is_lost_rfc2018_7_case_2) {
    accept_with_sack();
    receive_up_to(5000);
    for (std::uint32_t at = 5500; at < 9000; at += 500)
        arrives(at, at + 500, 5000, {{5500, at + 500}});
    arrives(5000, 5500, 9000, {});
    app.reads(9000);
}

TEST_F(SackBlocks, every_second_segment_is_lost_rfc2018_7_case_3) {
    accept_with_sack();
    receive_up_to(5000);
    arrives(5000, 5500, 5500, {});
    arrives(6000, 6500, 5500, {{6000, 6500}});
    arrives(7000, 7500, 5500, {{7000, 7500}, {6000, 6500}});
    arrives(8000, 8500, 5500, {{8000, 8500}, {7000, 7500}, {6000, 6500}});
    arrives(6500, 7000, 5500, {{6000, 7500}, {8000, 8500}});
    arrives(5500, 6000, 7500, {{8000, 8500}});
}

TEST_F(SackBlocks, a_duplicate_segment_is_reported_rfc2883_4_1_1) {
    accept_with_sack();
    receive_up_to(4000);
    arrives(3000, 3500, 4000, {{3000, 3500}});
    EXPECT_EQ(counted(tcp::Count::dsack_old_sent), 1U);
}

TEST_F(SackBlocks, an_early_segment_and_a_duplicate_rfc2883_4_1_2) {
    accept_with_sack();
    receive_up_to(4000);
    arrives(4500, 5000, 4000, {{4500, 5000}});
    arrives(3000, 3500, 4000, {{3000, 3500}, {4500, 5000}});
}

TEST_F(SackBlocks, a_duplicate_of_an_early_segment_rfc2883_4_1_3) {
    accept_with_sack();
    receive_up_to(4000);
    arrives(4500, 5000, 4000, {{4500, 5000}});
    arrives(5000, 5500, 4000, {{4500, 5500}});
    arrives(5000, 5500, 4000, {{5000, 5500}, {4500, 5500}});
    EXPECT_EQ(counted(tcp::Count::dsack_out_of_order_sent), 1U);
    arrives(6000, 6500, 4000, {{6000, 6500}, {4500, 5500}});  // told once only
}

TEST_F(SackBlocks, part_of_a_segment_is_a_duplicate_rfc2883_4_2_1) {
    accept_with_sack();
    receive_up_to(1000);
    arrives(2000, 2500, 1000, {{2000, 2500}});
    arrives(1000, 1500, 1500, {{2000, 2500}});
    arrives(1000, 2000, 2500, {{1000, 1500}});
}

TEST_F(SackBlocks, of_two_duplicate_parts_the_first_is_reported_rfc2883_4_2_2) {
    script.mtu = 4000;
    accept_with_sack();
    receive_up_to(1000);
    arrives(3000, 3500, 1000, {{3000, 3500}});
    arrives(1000, 1500, 1500, {{3000, 3500}});
    arrives(2000, 2500, 1500, {{2000, 2500}, {3000, 3500}});
    arrives(1000, 2500, 2500, {{1000, 1500}, {3000, 3500}});
    arrives(4000, 4500, 2500, {{4000, 4500}, {3000, 3500}});  // the second is not told later
}

// The RFC's example lets 2000-2499 arrive where its first column says that 2500-2999 was delayed;
// two islands need the latter.
TEST_F(SackBlocks, of_two_duplicate_parts_ahead_of_a_gap_the_first_is_reported_rfc2883_4_2_3) {
    script.mtu = 4000;
    accept_with_sack();
    receive_up_to(1000);
    arrives(3500, 4000, 1000, {{3500, 4000}});
    arrives(1500, 2000, 1000, {{1500, 2000}, {3500, 4000}});
    arrives(2500, 3000, 1000, {{2500, 3000}, {1500, 2000}, {3500, 4000}});
    arrives(1500, 3000, 1000, {{1500, 2000}, {1500, 3000}, {3500, 4000}});
}

TEST_F(SackBlocks, held_data_that_comes_again_in_order_is_a_duplicate_rfc2883_4_2) {
    script.mtu = 4000;
    accept_with_sack();
    receive_up_to(1000);
    arrives(1500, 2000, 1000, {{1500, 2000}});
    arrives(1000, 2500, 2500, {{1500, 2000}});
}

TEST_F(SackBlocks, duplicates_of_one_burst_are_reported_one_each_rfc2883_4) {
    accept_with_sack();
    receive_up_to(4000);
    script.device().room = 0;
    peer.sends({.seq = 1001, .length = 500});
    peer.sends({.seq = 2001, .length = 500});
    stack.sends_nothing();
    script.device().room = FakeDevice::without_limit;
    answer(4000, {{1000, 1500}});
    answer(4000, {{2000, 2500}});
    arrives(5000, 5500, 4000, {{5000, 5500}});
}

TEST_F(SackBlocks, a_refused_report_is_not_lost_rfc2883_4) {
    accept_with_sack();
    receive_up_to(4000);
    script.device().room = 0;
    peer.sends({.seq = 1001, .length = 500});
    stack.sends_nothing();
    stack.sends_nothing();
    script.device().room = 1;
    answer(4000, {{1000, 1500}});
}

TEST_F(SackBlocks, a_keep_alive_probe_with_an_octet_is_a_duplicate_rfc2883_4_1) {
    accept_with_sack();
    receive_up_to(1000);
    arrives(999, 1000, 1000, {{999, 1000}});
    peer.sends({.seq = 1000});  // without one it says nothing
    answer(1000, {});
}

TEST_F(SackBlocks, four_fit_without_timestamps_rfc2018_3) {
    accept_with_sack();
    for (std::uint32_t i = 1; i <= 6; ++i) {
        peer.sends({.seq = 1 + 1000 * i, .length = 500});
        const Heard heard = stack.sends({.ack = 1});
        EXPECT_EQ(heard.header.options.sack_block_count, std::min(i, 4U));
    }
    arrives(1000, 1500, 0, {{1000, 1500}, {1000, 1500}, {6000, 6500}, {5000, 5500}});
}

TEST_F(SackBlocks, three_fit_beside_timestamps_rfc2018_3) {
    accept_connection({.mss = 1460, .sack_ok = true, .ts = Timestamps{1000, 0}});
    for (std::uint32_t i = 1; i <= 6; ++i) {
        peer.sends({.seq = 1 + 1000 * i, .length = 500});
        const Heard heard = stack.sends({.ack = 1});
        EXPECT_EQ(heard.header.options.sack_block_count, std::min(i, 3U));
        EXPECT_EQ(heard.header.options.sack_blocks[0].left, peer.isn + 1 + 1000 * i);
    }
}

TEST_F(SackBlocks, without_agreement_there_are_none_rfc2018_4) {
    accept_connection({.mss = 1460});
    peer.sends({.seq = 1001, .length = 500});
    const Heard heard = stack.sends({.ack = 1});
    EXPECT_EQ(heard.header.options.sack_block_count, 0U);
    peer.sends({.seq = 1001, .length = 500});
    EXPECT_EQ(stack.sends({.ack = 1}).header.options.sack_block_count, 0U);
}

TEST_F(SackBlocks, switched_off_there_are_none_rfc2018_2) {
    config.sack = false;
    accept_with_sack();
    peer.sends({.seq = 1001, .length = 500});
    EXPECT_EQ(stack.sends({.ack = 1}).header.options.sack_block_count, 0U);
}

TEST_F(SackBlocks, duplicates_can_be_left_unreported_net_ipv4_tcp_dsack) {
    config.dsack = false;
    accept_with_sack();
    receive_up_to(1000);
    arrives(0, 500, 1000, {});
    arrives(1500, 2000, 1000, {{1500, 2000}});
    arrives(1500, 2000, 1000, {{1500, 2000}});
}

TEST_F(SackBlocks, what_carries_text_has_them_where_there_is_room_rfc2018_4) {
    accept_with_sack();
    peer.sends({.seq = 1001, .length = 500});
    stack.sends({.ack = 1, .sack = {{1001, 1501}}});
    app.sends(100);
    stack.sends({.length = 100, .ack = 1, .sack = {{1001, 1501}}});
    peer.sends({.seq = 1501});
    app.sends(1448);  // leaves room for one
    stack.sends({.length = 1448, .ack = 1, .sack = {{1001, 1501}}});
    peer.sends({.seq = 1501});
    app.sends(1449);  // for none
    EXPECT_EQ(stack.sends({.length = 1449, .ack = 1}).header.options.sack_block_count, 0U);
}

TEST_F(SackBlocks, a_segment_of_full_size_stays_within_the_mtu_rfc9293_3_7_1_must_16) {
    accept_with_sack();
    peer.sends({.seq = 1001, .length = 500});
    stack.sends({.ack = 1, .sack = {{1001, 1501}}});
    app.sends(1460);
    const Heard heard = stack.sends({.length = 1460, .ack = 1});
    EXPECT_EQ(heard.header.options.sack_block_count, 0U);
    EXPECT_EQ(heard.packet.size(), script.mtu);
}

TEST_F(SackBlocks, what_was_pruned_is_no_longer_reported_rfc2018_8) {
    config.receive_buffer_bytes = 64 * 1024;
    config.moderate_receive_buffer = false;
    accept_with_sack();
    // One byte in a block of its own each, from far to near, until the first had to go.
    std::uint32_t at = 60'000;
    peer.sends({.seq = at, .length = 1});
    stack.sends({.ack = 1, .sack = {{at, at + 1}}});
    while (counted(tcp::Count::out_of_order_pruned) == 0 && script.goes_on() && at > 2) {
        at -= 2;
        peer.sends({.seq = at, .length = 1});
        const Heard heard = stack.sends({.ack = 1});
        EXPECT_EQ(heard.header.options.sack_blocks[0].left, peer.isn + at);
    }
    ASSERT_GT(at, 2U);
    // The furthest is gone: its byte is missing when all the rest has come.
    const auto& receiver = connection_of(script, peer).receiver();
    std::uint32_t next = 1;
    while (next < 60'000 && script.goes_on()) {
        const std::uint32_t length = std::min(1460U, 60'000 - next);
        peer.sends({.seq = next, .length = length});
        script.heard().clear();
        next += length;
    }
    EXPECT_EQ(receiver.rcv().nxt.value - peer.isn, 60'000U);
    EXPECT_EQ(receiver.out_of_order_bytes(), 0U);
}

// --- the value alone ---

TEST(SackBlocksValue, duplicates_beyond_the_bound_are_not_told) {
    tcp::SackBlocks blocks;
    for (std::uint32_t i = 0; i < tcp::SackBlocks::limit_duplicates; ++i)
        EXPECT_TRUE(blocks.note_duplicate({tcp::SequenceNumber(i), tcp::SequenceNumber(i + 1)}));
    EXPECT_FALSE(blocks.note_duplicate({tcp::SequenceNumber(9), tcp::SequenceNumber(10)}));
    const tcp::Reassembly nothing;
    for (std::uint32_t i = 0; i < tcp::SackBlocks::limit_duplicates; ++i) {
        wire::TcpOptions options;
        blocks.report(nothing, 1, 4, options);
        ASSERT_EQ(options.sack_block_count, 1U);
        EXPECT_EQ(options.sack_blocks[0].left, i);
        blocks.duplicate_was_reported();
    }
    EXPECT_EQ(blocks.duplicates(), 0U);
}

}  // namespace
}  // namespace berth::harness
