// RFC 9293 §3.7.1 and §3.7.3: the maximum segment size, said and heard.
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, MUST_14_mss_is_sent_and_obeyed_by_both_sides) {
    app.connects();
    stack.sends({.syn = true, .mss = 1460});
    peer.sends({.syn = true, .mss = 700});
    stack.sends({});
    app.sends(1400);
    next_carries(700);
    next_carries(700);
    Peer client(script, {peer.endpoint.address, 40'001}, "client");
    App server(script, client);
    client.stack_endpoint.port = 81;
    server.listens_at({{}, 81});
    client.sends({.syn = true, .mss = 800});
    stack.sends_to(client, {.syn = true, .mss = 1460});
    client.sends({});
    server.accepts();
    server.sends(1600);
    stack.sends_to(client, {.length = 800});
    stack.sends_to(client, {.length = 800});
}

TEST_F(Rfc9293, SHLD_5_every_syn_says_the_mss_unless_it_is_536) {
    script.mtu = 1400;
    app.connects();
    stack.loses({.syn = true, .mss = 1360});
    within(seconds(2), {.syn = true, .mss = 1360});
    app.aborts();
    Peer client(script, {peer.endpoint.address, 40'001}, "client");
    app.listens();
    client.sends({.syn = true});
    stack.sends_to(client, {.syn = true, .mss = 1360});
    advance(seconds(1));
    stack.sends_to(client, {.syn = true, .mss = 1360});  // again
}

TEST_F(Rfc9293, MAY_3_it_is_said_even_where_it_is_536) {
    script.mtu = 576;
    app.connects();
    stack.sends({.syn = true, .mss = 536});
}

TEST_F(Rfc9293, MUST_15_without_the_option_536_is_assumed) {
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    app.sends(1608);
    next_carries(536);
    next_carries(536);
    next_carries(536);
    Peer server(script, {peer.endpoint.address, 40'001}, "server");
    server.stack_endpoint.port = 81;
    App client(script, server);
    client.connects();
    stack.sends_to(server, {.syn = true});
    server.sends({.syn = true});
    stack.sends_to(server, {});
    client.sends(1072);
    stack.sends_to(server, {.length = 536});
    stack.sends_to(server, {.length = 536});
}

// Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize.
TEST_F(Rfc9293, MUST_16_a_segment_is_the_smaller_of_what_the_peer_and_the_path_take) {
    struct Case {
        std::uint16_t mtu, peer_mss;
        bool timestamps;
        std::size_t segment;
    };
    for (const Case& each : {Case{1500, 9000, false, 1460}, Case{1500, 1000, false, 1000},
                             Case{1500, 1460, true, 1448}, Case{1500, 1000, true, 988},
                             Case{9000, 1460, false, 1460}, Case{600, 1460, true, 548}}) {
        Script stage;
        stage.mtu = each.mtu;
        Peer client(stage);
        StackSide side(stage, client);
        App server(stage, client);
        server.listens();
        Segment syn{.syn = true, .mss = each.peer_mss};
        if (each.timestamps) syn.ts = Timestamps{1, 0};
        client.sends(syn);
        side.sends({.syn = true});
        client.sends({});
        server.accepts();
        server.sends(2 * each.segment);
        side.sends({.length = each.segment});
        side.sends({.length = each.segment});
        EXPECT_TRUE(stage.goes_on()) << each.mtu << " " << each.peer_mss;
    }
}

TEST_F(Rfc9293, SHLD_6_where_the_mtu_varies_the_smallest_counts) {
    // An interface's MTU is the smaller of what the link takes and what the host was told of it
    // (RFC 2132 §5.1), whichever changes.
    link::Interface& interface = script.core().ip().interface_at(0);
    const auto announced = [&](std::uint32_t new_isn) {
        peer.starts_over(new_isn);
        app.connects();
        const Heard syn = stack.sends({.syn = true});
        app.aborts();
        return syn.header.options.mss.value_or(0);
    };
    EXPECT_EQ(announced(1), 1460);
    interface.limit_mtu(1300);
    EXPECT_EQ(announced(2), 1260);
    script.device().mutable_properties().mtu = 1200;
    EXPECT_EQ(announced(3), 1160);
    script.device().mutable_properties().mtu = 9000;
    EXPECT_EQ(announced(4), 1260);
}

TEST_F(Rfc9293, MUST_67_the_announced_mss_is_never_more_than_can_be_received) {
    for (const std::uint32_t mtu : {68U, 576U, 1280U, 1500U, 9000U, 65'535U}) {
        Script stage;
        stage.mtu = static_cast<std::uint16_t>(mtu);
        Peer server(stage);
        StackSide side(stage, server);
        App client(stage, server);
        client.connects();
        const Heard syn = side.sends({.syn = true});
        ASSERT_TRUE(syn.header.options.mss);
        // MMS_R - 20, and MMS_R is what the IP layer takes (also in pieces) less its own header.
        EXPECT_LE(*syn.header.options.mss, mtu - 40) << mtu;
        // A segment of that size is taken.
        server.sends({.syn = true});
        side.sends({});
        server.sends({.length = *syn.header.options.mss});
        EXPECT_EQ(stage.last_fate().kind, FateKind::delivered) << mtu;
        client.reads(*syn.header.options.mss);
        stage.settle({});
        stage.heard().clear();
    }
}

}  // namespace berth::harness
