// Blind data (RFC 5961 §5): text is only taken with an acknowledgment that its sender could have
// sent, so that both numbers must be guessed.
#include "blind.hpp"

namespace berth::harness {
namespace {

class BlindData : public BlindAttack {
  protected:
    std::uint32_t taken() { return victim().receiver().rcv().nxt.value; }
};

// SEG.ACK half a circle away: as far from acceptable as it can be.
TEST_P(BlindData, a_sweep_of_the_sequence_space_injects_nothing_rfc5961_5_2) {
    reach_with_open_window(GetParam());
    const std::uint32_t nxt = taken();
    const std::uint32_t ack = victim().sender().snd().nxt.value + 0x8000'0000;
    sweep([&](std::uint32_t seq) {
        forge({.ack = true}, seq, ack, 100);
        script.heard().clear();
    });
    EXPECT_EQ(taken(), nxt);
    goes_on();
}

TEST_P(BlindData, a_fin_ends_nothing_rfc5961_5_2) {
    reach_with_open_window(GetParam());
    const std::uint32_t nxt = taken();
    const std::uint32_t ack = victim().sender().snd().nxt.value + 0x8000'0000;
    forge({.fin = true, .ack = true}, nxt, ack);
    forge({.fin = true}, nxt, 0);
    EXPECT_EQ(taken(), nxt);
    sweep([&](std::uint32_t seq) {
        forge({.fin = true, .ack = true}, seq, ack);
        script.heard().clear();
    });
    EXPECT_EQ(taken(), nxt);
    goes_on();
}

// The sequence number is right; of the acknowledgments only those of the last window would do.
TEST_P(BlindData, acknowledgments_outside_the_last_window_are_refused_rfc5961_5_2_may_12) {
    reach_with_open_window(GetParam());
    const std::uint32_t nxt = taken();
    const auto snd = victim().sender().snd();
    const std::uint32_t oldest = (snd.una - snd.max_wnd).value;
    for (const std::uint32_t ack : {snd.nxt.value + 1, snd.nxt.value + 1000,
                                    snd.nxt.value + 0x7fff'ffff, oldest - 1, oldest - 1000}) {
        forge({.ack = true}, nxt, ack, 100);
        EXPECT_EQ(script.last_fate().kind, FateKind::dropped);
        const DropReason reason = script.last_fate().reason;
        EXPECT_TRUE(reason == DropReason::tcp_ack_of_unsent ||
                    reason == DropReason::tcp_ack_too_old);
        EXPECT_LE(answers(), 1U);
        EXPECT_EQ(taken(), nxt);
        script.advance(seconds(1));
        script.heard().clear();
    }
    goes_on();
}

// An empty ACK from nowhere moves neither SND.UNA nor the window.
TEST_P(BlindData, a_forged_ack_moves_nothing_rfc5961_5_2) {
    reach_with_open_window(GetParam());
    const auto before_attack = victim().sender().snd();
    sweep([&](std::uint32_t seq) {
        forge({.ack = true}, seq, before_attack.nxt.value + 0x4000'0000);
        script.heard().clear();
    });
    const auto after_attack = victim().sender().snd();
    EXPECT_EQ(after_attack.una, before_attack.una);
    EXPECT_EQ(after_attack.wnd, before_attack.wnd);
    EXPECT_EQ(after_attack.max_wnd, before_attack.max_wnd);
    goes_on();
}

INSTANTIATE_TEST_SUITE_P(State, BlindData, ::testing::ValuesIn(synchronized_states),
                         name_of_parameter);

class BlindTimestamps : public ScriptTest {};

// A guess that misses by its ACK may not move TS.Recent either: everything that the peer says
// afterwards would be refused as old.
TEST_F(BlindTimestamps, ts_recent_is_taken_with_a_good_ack_only_rfc7323_4_3) {
    accept_connection({.mss = 1460, .ts = Timestamps{1000, 0}});
    const auto& connection =
        static_cast<const tcp::Connection&>(*script.core().tcp().table().find(peer.four_tuple()));
    wire::TcpHeader header;
    header.source_port = peer.endpoint.port;
    header.destination_port = script.local.port;
    header.flags.ack = true;
    header.seq = connection.receiver().rcv().nxt.value;
    header.ack = connection.sender().snd().nxt.value + 0x1000'0000;
    header.window = 1000;
    header.options.timestamps = wire::TcpTimestamps{1000 + 0x4000'0000, 0};
    script.put(tcp_packet(header, peer.endpoint.address, script.local.address, {}), {});
    dropped(DropReason::tcp_ack_of_unsent);
    script.heard().clear();
    peer.sends({.length = 100});
    delivered();
    app.reads(100);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
