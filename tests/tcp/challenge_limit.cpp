// RFC 5961 §10 without the side channel of CVE-2016-5696: a connection's challenge ACKs are limited
// by itself, so that nobody learns from the answers to his own segments what others were told.
#include <vector>

#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class ChallengeLimits : public ScriptTest {};

TEST_F(ChallengeLimits, one_answer_in_each_interval_rfc5961_10) {
    accept_connection();
    peer.sends({.seq = 6, .rst = true});
    stack.sends({});
    for (int i = 0; i < 49; ++i)
        peer.sends({.seq = 6, .rst = true});
    stack.sends_nothing();
    const auto& counters = script.core().tcp().counters();
    EXPECT_EQ(counters[tcp::Count::challenge_acks], 1U);
    EXPECT_EQ(counters[tcp::Count::ack_skipped_challenge], 49U);
    advance(config.challenge_interval - milliseconds(1));
    peer.sends({.seq = 6, .rst = true});
    stack.sends_nothing();
    advance(milliseconds(1));
    peer.sends({.seq = 6, .rst = true});
    stack.sends({});
}

TEST_F(ChallengeLimits, zero_is_no_limit) {
    config.challenge_interval = {};
    accept_connection();
    for (int i = 0; i < 5; ++i) {
        peer.sends({.seq = 6, .rst = true});
        stack.sends({});
    }
}

// Two confused ends could otherwise answer each other's empty segments without end.
TEST_F(ChallengeLimits, empty_segments_outside_the_window_share_the_limit_rfc5961_10) {
    accept_connection();
    peer.sends({.seq = 0});
    stack.sends({});
    for (int i = 0; i < 19; ++i) {
        peer.sends({.seq = 0});
        dropped(DropReason::tcp_duplicate);
    }
    stack.sends_nothing();
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::ack_skipped_seq], 19U);
}

TEST_F(ChallengeLimits, old_empty_segments_share_it_too_rfc7323_5_3) {
    accept_connection({.mss = 1460, .ts = Timestamps{1000, 0}});
    peer.sends({.ts = Timestamps{1, 0}});
    stack.sends({});
    for (int i = 0; i < 19; ++i) {
        peer.sends({.ts = Timestamps{1, 0}});
        dropped(DropReason::tcp_paws);
    }
    stack.sends_nothing();
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::ack_skipped_paws], 19U);
    EXPECT_EQ(script.core().tcp().counters()[tcp::Count::paws_rejected], 20U);
}

// A peer counts duplicates to learn of a loss: text is answered each time.
TEST_F(ChallengeLimits, text_that_came_before_is_always_answered_rfc5681_4_2) {
    accept_connection();
    peer.sends({.length = 100});
    app.reads(100);
    advance(milliseconds(100));
    script.heard().clear();
    for (int i = 0; i < 20; ++i) {
        peer.sends({.seq = 1, .length = 100});
        stack.sends({});
    }
}

// --- what an attacker with a connection of his own can see ---

enum class Guess { none, wrong, right };

// An attacker guesses once about the victim's connection, then challenges his own connection as
// often as he likes for three seconds; returns when he was answered.
class TwoConnections : public ScriptTest {
  public:
    std::vector<std::int64_t> answers_after(wire::TcpFlags flags, Guess guess) {
        config.challenge_acks_per_second = 10;
        app.listens();
        peer.sends({.syn = true, .mss = 1460});
        stack.sends({.syn = true});
        peer.sends({});
        Peer attacker(script, {Ipv4Address(192, 0, 2, 66), 6666}, "attacker");
        attacker.sends({.syn = true, .mss = 1460});
        stack.sends_to(attacker, {.syn = true});
        attacker.sends({});
        std::vector<std::int64_t> answered_ms;
        for (int probe = 0; probe < 300; ++probe) {
            if (guess != Guess::none) forge(flags, guess == Guess::right);
            script.heard().clear();
            attacker.sends({.seq = 6, .rst = true});
            for (const Heard& heard : script.heard())
                if (heard.four_tuple == attacker.four_tuple())
                    answered_ms.push_back(script.elapsed().milliseconds());
            script.heard().clear();
            script.advance(milliseconds(10));
            script.heard().clear();
        }
        return answered_ms;
    }

  private:
    void TestBody() override {}
    // Right: the sequence number lies in the victim's window (a SYN: the four-tuple is in use).
    void forge(wire::TcpFlags flags, bool right) {
        wire::TcpHeader header;
        header.source_port = right || !flags.syn ? peer.endpoint.port : Port{40'001};
        header.destination_port = script.local.port;
        header.flags = flags;
        header.seq = peer.isn + (right ? 1000 : 0x4000'0000);
        header.ack = 1;
        script.put(tcp_packet(header, peer.endpoint.address, script.local.address, {}), {});
    }
};

TEST(ChallengeSideChannel, nobody_learns_from_his_own_answers_what_others_were_told_rfc5961_10) {
    for (const wire::TcpFlags flags :
         {wire::TcpFlags{.rst = true}, wire::TcpFlags{.syn = true}, wire::TcpFlags{.ack = true}}) {
        const auto quiet = TwoConnections().answers_after(flags, Guess::none);
        ASSERT_GE(quiet.size(), 6U);
        EXPECT_EQ(TwoConnections().answers_after(flags, Guess::wrong), quiet);
        EXPECT_EQ(TwoConnections().answers_after(flags, Guess::right), quiet);
    }
}

}  // namespace
}  // namespace berth::harness
