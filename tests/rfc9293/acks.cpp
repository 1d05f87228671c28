// RFC 9293 §3.8.6.3 and §3.10.7.4: when something is acknowledged.
#include "rfc9293/requirements.hpp"

namespace berth::harness {
namespace {

Packet segment_of(const Peer& peer, std::uint32_t seq, std::size_t bytes) {
    wire::TcpHeader header;
    header.source_port = peer.endpoint.port;
    header.destination_port = peer.stack_endpoint.port;
    header.seq = peer.isn + seq;
    header.ack = peer.stack_isn() + 1;
    header.flags.ack = true;
    header.window = 65'535;
    return tcp_packet(header, peer.endpoint.address, peer.stack_endpoint.address,
                      pattern(Source::peer, seq - 1, bytes));
}

}  // namespace

TEST_F(Rfc9293, MUST_58_acknowledgments_are_aggregated) {
    accept_connection();
    // An ACK travels with data that goes anyway …
    peer.sends({.length = 100});
    app.sends(50);
    stack.sends({.length = 50, .ack = 101});
    peer.sends({});
    advance(seconds(1));
    stack.sends_nothing();
    // … and one ACK stands for several segments.
    std::size_t acks = 0;
    for (int i = 0; i < 8; ++i) {
        peer.sends({.length = 200});
        acks += all_heard().size();
    }
    advance(milliseconds(500));
    acks += all_heard().size();
    EXPECT_LE(acks, 4U);
}

TEST_F(Rfc9293, MUST_59_all_queued_segments_are_processed_before_an_ack_is_sent) {
    accept_connection();
    for (const std::uint32_t seq : {1U, 1461U, 2921U, 4381U, 5841U, 7301U})
        script.device().put(segment_of(peer, seq, 1460));
    script.settle({});
    const auto acks = all_heard();
    ASSERT_EQ(acks.size(), 1U) << "one burst, one acknowledgment";
    EXPECT_EQ(acks[0].header.ack - peer.isn, 8761U);
}

TEST_F(Rfc9293, SHLD_18_acks_are_delayed) {
    accept_connection();
    // Past whatever is acknowledged at once at the beginning of a connection.
    for (int i = 0; i < 32; ++i) {
        peer.sends({.length = 100});
        all_heard();
    }
    app.reads(3200);
    advance(seconds(1));
    all_heard();
    peer.sends({.length = 100});
    app.reads(100);
    stack.sends_nothing();
    const Duration arrived = script.elapsed();
    within(milliseconds(499), {.ack = 3301});
    EXPECT_GT(script.elapsed() - arrived, milliseconds(1));
}

TEST_F(Rfc9293, MUST_40_the_delay_is_less_than_half_a_second) {
    ASSERT_LT(config.delayed_ack, milliseconds(500));
    accept_connection();
    std::uint32_t seq = 1;
    for (const std::size_t bytes : std::vector<std::size_t>{1, 10, 536, 1460, 1, 1460, 7}) {
        advance(seconds(3));
        script.heard().clear();
        peer.sends({.seq = seq, .length = bytes});
        const Duration arrived = script.elapsed();
        seq += static_cast<std::uint32_t>(bytes);
        if (script.heard().empty()) script.await(milliseconds(499), {});
        stack.sends({.ack = seq});
        EXPECT_LT(script.elapsed() - arrived, milliseconds(500));
    }
    // A knob cannot make it longer.
    Script stage;
    stage.config.delayed_ack = seconds(3);
    Peer client(stage);
    StackSide side(stage, client);
    App server(stage, client);
    server.listens();
    client.sends({.syn = true, .mss = 1460});
    side.sends({.syn = true});
    client.sends({});
    server.accepts();
    client.sends({.length = 5});
    if (stage.heard().empty()) stage.await(milliseconds(499), {});
    side.sends({.ack = 6});
}

TEST_F(Rfc9293, SHLD_19_every_second_full_segment_is_acknowledged) {
    accept_connection();
    std::uint32_t seq = 1;
    // Past whatever is acknowledged at once at the beginning of a connection.
    for (int i = 0; i < 64; ++i) {
        peer.sends({.seq = seq, .length = 1460});
        seq += 1460;
        script.heard().clear();
    }
    app.reads(std::size_t{64} * 1460);
    advance(seconds(1));
    script.heard().clear();
    for (int i = 0; i < 10; ++i) {
        peer.sends({.seq = seq, .length = 1460});
        seq += 1460;
        const bool after_first = !script.heard().empty();
        script.heard().clear();
        peer.sends({.seq = seq, .length = 1460});
        seq += 1460;
        EXPECT_TRUE(after_first || !script.heard().empty()) << "pair " << i;
        for (const Heard& heard : all_heard())
            EXPECT_EQ(heard.header.ack - peer.isn, seq);
    }
    app.reads(std::size_t{20} * 1460);
    script.heard().clear();
}

TEST_F(Rfc9293, SHLD_19_two_rmss_of_smaller_segments_are_acknowledged) {
    accept_connection();
    std::uint32_t seq = 1;
    std::uint32_t unacknowledged = 0;
    for (int i = 0; i < 60; ++i) {
        peer.sends({.seq = seq, .length = 700});
        seq += 700;
        unacknowledged += 700;
        if (!script.heard().empty()) unacknowledged = 0;
        EXPECT_LT(unacknowledged, 2U * 1460) << "segment " << i;
        all_heard();
    }
    app.reads(std::size_t{60} * 700);
    script.heard().clear();
    advance(seconds(1));
    script.heard().clear();
}

TEST_F(Rfc9293, SHLD_31_segments_beyond_a_gap_are_held) {
    accept_connection();
    for (const std::uint32_t seq : {301U, 201U, 101U}) {
        peer.sends({.seq = seq, .length = 100});
        delivered();
        stack.sends({.ack = 1});
    }
    app.read_fails(std::errc::operation_would_block);
    peer.sends({.seq = 1, .length = 100});
    stack.sends({.ack = 401});
    app.reads(400);
}

TEST_F(Rfc9293, MAY_13_a_segment_beyond_the_left_edge_is_answered_at_once) {
    accept_connection();
    // Each of them, so that the peer can count to three (RFC 5681 §3.2).
    for (std::uint32_t i = 1; i <= 5; ++i) {
        peer.sends({.seq = 1 + 1460 * i, .length = 1460});
        stack.sends({.seq = 1, .ack = 1});
    }
    peer.sends({.seq = 1, .length = 1460});
    stack.sends({.ack = 8761});
    app.reads(8760);
    script.heard().clear();
}

}  // namespace berth::harness
