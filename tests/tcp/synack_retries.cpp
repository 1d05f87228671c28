// How often a SYN,ACK or a SYN goes: no more than anybody can make us send (RFC 9293 §3.8.3,
// RFC 4987 §3.2).
#include "harness/script_fixture.hpp"
#include "harness/tcp_calls.hpp"

namespace berth::harness {
namespace {

using tcp::Count;

class SynAckRetries : public ScriptTest {
  protected:
    std::vector<std::unique_ptr<Peer>> crowd;

    Peer& knocks(Port port) {
        Peer& who = *crowd.emplace_back(
            std::make_unique<Peer>(script, Endpoint{Peer::default_endpoint.address, port}, "one"));
        who.sends({.syn = true});
        stack.sends_to(who, {.syn = true});
        return who;
    }
    // SYN,ACKs heard in the time, whoever they go to.
    std::size_t syn_acks_in(Duration time) {
        advance(time);
        const std::size_t count = script.heard().size();
        script.heard().clear();
        return count;
    }
    std::uint64_t counted(Count what) { return script.core().tcp().counters()[what]; }
};

TEST_F(SynAckRetries, five_by_default_linux_tcp_synack_retries) {
    app.listens();
    knocks(40001);
    EXPECT_EQ(syn_acks_in(seconds(62)), 5U);
    EXPECT_EQ(script.core().tcp().half_open_count(), 1U);
    EXPECT_EQ(syn_acks_in(seconds(60)), 0U);
    EXPECT_EQ(script.core().tcp().half_open_count(), 0U);
    EXPECT_EQ(counted(Count::syn_retrans), 5U);
    EXPECT_EQ(counted(Count::retrans_segs), 5U);
    EXPECT_EQ(counted(Count::attempt_fails), 1U);
}

TEST_F(SynAckRetries, the_knob_counts_linux_tcp_synack_retries) {
    config.synack_retries = 1;
    app.listens();
    knocks(40001);
    EXPECT_EQ(syn_acks_in(seconds(100)), 1U);
}

TEST_F(SynAckRetries, tcp_syncnt_of_the_listener_counts_linux_tcp_7) {
    TcpCalls calls(script);
    tcp::Options options;
    options.syn_count = 2;
    calls.listens(options);
    knocks(40001);
    EXPECT_EQ(syn_acks_in(seconds(100)), 2U);
}

TEST_F(SynAckRetries, old_records_give_way_when_the_table_fills_rfc4987_3_2) {
    app.listens(8);
    for (Port port = 40001; port <= 40005; ++port)
        knocks(port);
    // Five old ones in eight places, and nobody young: one goes after two tries, and then there is
    // no more pressure.
    EXPECT_EQ(syn_acks_in(seconds(100)), 2U + 4U * 5U);
    EXPECT_EQ(script.core().tcp().half_open_count(), 0U);
}

TEST_F(SynAckRetries, the_stacks_own_bound_counts_as_well_rfc4987_3_2) {
    config.max_half_open = 4;
    app.listens();
    for (Port port = 40001; port <= 40003; ++port)
        knocks(port);
    EXPECT_EQ(syn_acks_in(seconds(100)), 2U + 2U * 5U);
}

TEST_F(SynAckRetries, half_full_is_no_pressure_rfc4987_3_2) {
    app.listens(8);
    for (Port port = 40001; port <= 40004; ++port)
        knocks(port);
    EXPECT_EQ(syn_acks_in(seconds(100)), 4U * 5U);
}

TEST_F(SynAckRetries, a_repeated_syn_is_answered_once_in_an_interval_linux_tcp_invalid_ratelimit) {
    app.listens();
    Peer& who = knocks(40001);
    std::size_t answers = 0;
    for (int i = 0; i < 20; ++i) {
        who.sends({.seq = 0, .syn = true, .no_ack = true});
        answers += script.heard().size();
        script.heard().clear();
    }
    EXPECT_EQ(answers, 1U);
}

TEST_F(SynAckRetries, an_answer_is_given_again_after_the_interval_linux_tcp_invalid_ratelimit) {
    app.listens();
    Peer& who = knocks(40001);
    who.sends({.seq = 0, .syn = true, .no_ack = true});
    stack.sends_to(who, {.seq = 0, .syn = true});
    who.sends({.seq = 0, .syn = true, .no_ack = true});
    dropped(DropReason::tcp_duplicate);
    stack.sends_nothing();
    EXPECT_EQ(counted(Count::acks_skipped_syn_received), 1U);
    advance(config.challenge_interval);
    who.sends({.seq = 0, .syn = true, .no_ack = true});
    stack.sends_to(who, {.seq = 0, .syn = true});
}

// A SYN makes us send its SYN,ACK and five more at most, each no longer than 60 bytes of TCP.
TEST_F(SynAckRetries, nothing_but_syn_acks_goes_to_an_unproven_address_rfc4987_2) {
    app.listens();
    Peer& who = knocks(40001);
    advance(seconds(100));
    EXPECT_EQ(script.heard().size(), 5U);
    for (const Heard& heard : script.heard()) {
        EXPECT_TRUE(heard.header.flags.syn && heard.header.flags.ack);
        EXPECT_TRUE(heard.payload.empty());
        EXPECT_EQ(heard.four_tuple.remote, who.endpoint);
    }
    script.heard().clear();
}

TEST_F(SynAckRetries, tcp_syncnt_bounds_an_active_open_linux_tcp_7) {
    TcpCalls calls(script);
    tcp::Options options;
    options.syn_count = 2;
    calls.opens(peer.endpoint, options);
    stack.sends({.syn = true});
    EXPECT_EQ(syn_acks_in(seconds(100)), 2U);
    EXPECT_EQ(calls.connection->state(), State::closed);
    EXPECT_EQ(calls.connection->error(), std::errc::timed_out);
}

}  // namespace
}  // namespace berth::harness
