// PAWS at its edges (RFC 7323 §5): silence of 24 days, segments that carry no timestamp or should
// carry none, echoes of what was never said. What it does every day is in timestamps.cpp.
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class Paws : public ScriptTest {
  protected:
    void accept_with_timestamps() { accept_connection({.mss = 1460, .ts = Timestamps{1000, 0}}); }
    static constexpr Duration a_day = minutes(24 * 60);
};

TEST_F(Paws, within_24_days_an_older_timestamp_is_refused_rfc7323_5_5) {
    accept_with_timestamps();
    advance(24 * a_day - seconds(1));
    peer.sends({.length = 10, .ts = Timestamps{999, 0}});
    dropped(DropReason::tcp_paws);
    stack.sends({.ack = 1});
}

TEST_F(Paws, after_24_days_of_silence_any_timestamp_will_do_rfc7323_5_5) {
    accept_with_timestamps();
    advance(24 * a_day);
    peer.sends({.length = 10, .ts = Timestamps{999, 0}});
    delivered();
    app.reads(10);
    // It counts from now on.
    peer.sends({.length = 10, .ts = Timestamps{998, 0}});
    dropped(DropReason::tcp_paws);
    script.heard().clear();
}

TEST_F(Paws, what_was_not_agreed_is_not_looked_at_rfc7323_3_2) {
    accept_connection();
    peer.sends({.length = 10, .ts = Timestamps{5000, 0}});
    delivered();
    app.reads(10);
    peer.sends({.length = 10, .ts = Timestamps{1, 0}});
    delivered();
    stack.sends({.ack = 21});
    app.reads(10);
}

TEST_F(Paws, a_syn_without_timestamps_is_challenged_rfc5961_4_2) {
    accept_with_timestamps();
    peer.sends({.seq = 100, .syn = true, .no_ack = true, .no_ts = true});
    dropped(DropReason::tcp_unexpected_syn);
    stack.sends({});
}

TEST_F(Paws, a_syn_with_an_old_timestamp_is_challenged_all_the_same_rfc5961_4_2) {
    accept_with_timestamps();
    peer.sends({.seq = 100, .syn = true, .no_ack = true, .ts = Timestamps{1, 0}});
    dropped(DropReason::tcp_unexpected_syn);
    stack.sends({});
}

TEST_F(Paws, an_old_ack_does_not_move_ts_recent_rfc7323_4_3) {
    accept_with_timestamps();
    app.sends(100);
    stack.sends({.length = 100});
    peer.sends({.ts = Timestamps{5100, 0}});
    peer.sends({.ack = 1, .ts = Timestamps{9000, 0}});
    peer.sends({.length = 10, .ts = Timestamps{5200, 0}});
    delivered();
    app.reads(10);
    advance(config.delayed_ack);
    stack.sends({.ack = 11});
}

// An echo that lies in our future was never said: no round trip was measured.
TEST_F(Paws, an_echo_from_the_future_gives_no_sample_rfc7323_4_1) {
    open_connection({.mss = 1460, .ts = Timestamps{5000, 0}});
    advance(milliseconds(10));
    app.sends(100);
    const std::uint32_t said = stack.sends({.length = 100}).header.options.timestamps->value;
    const auto& rtt =
        static_cast<const tcp::Connection*>(script.core().tcp().table().find(peer.four_tuple()))
            ->sender()
            .rtt();
    const Duration before = rtt.srtt();
    // A partial acknowledgment: only the echo could give a sample.
    peer.sends({.ack = 51, .ts = Timestamps{5100, said + 100'000}});
    EXPECT_EQ(rtt.srtt(), before);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
