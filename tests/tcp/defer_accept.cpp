// TCP_DEFER_ACCEPT (tcp(7)): a program is woken when there is something to read.
#include "harness/script_fixture.hpp"
#include "harness/tcp_calls.hpp"

namespace berth::harness {
namespace {

using tcp::Count;

class DeferAccept : public ScriptTest {
  protected:
    TcpCalls app_tcp{script};
    void listens(std::uint32_t seconds) {
        tcp::Options options;
        options.defer_accept_s = seconds;
        app_tcp.listens(options);
        peer.sends({.syn = true});
        stack.sends({.syn = true});
    }
};

TEST_F(DeferAccept, the_bare_ack_wakes_nobody_linux_tcp_7) {
    listens(10);
    peer.sends({});
    dropped(DropReason::tcp_accept_deferred);
    stack.sends_nothing();
    state_is(State::syn_received);
    EXPECT_EQ(app_tcp.acceptable, 0);
    EXPECT_FALSE(app_tcp.accepts());
    EXPECT_EQ(app_tcp.counted(Count::deferred_accepts), 1U);
}

TEST_F(DeferAccept, data_does_linux_tcp_7) {
    listens(10);
    peer.sends({});
    peer.sends({.length = 20});
    EXPECT_EQ(app_tcp.acceptable, 1);
    ASSERT_TRUE(app_tcp.accepts());
    app_tcp.reads(20);
    state_is(State::established);
    app_tcp.forgets();
}

TEST_F(DeferAccept, a_fin_is_as_good_as_data_linux_tcp_7) {
    listens(10);
    peer.sends({.fin = true});
    stack.sends({});
    EXPECT_TRUE(app_tcp.accepts());
    app_tcp.forgets();
}

// Timeouts at 1, 3 and 7 seconds: three are enough for 5 seconds. The last of them repeats the
// SYN,ACK, and the answer to that is accepted.
TEST_F(DeferAccept, after_the_time_a_bare_ack_is_accepted_linux_tcp_7) {
    listens(5);
    peer.sends({});
    dropped(DropReason::tcp_accept_deferred);
    advance(seconds(7) - milliseconds(1));
    stack.sends_nothing();
    advance(milliseconds(1));
    stack.sends({.seq = 0, .syn = true});
    peer.sends({});
    delivered();
    state_is(State::established);
    EXPECT_TRUE(app_tcp.accepts());
    app_tcp.forgets();
}

TEST_F(DeferAccept, a_client_that_has_not_answered_hears_the_syn_ack_again_rfc9293_3_8_1) {
    listens(5);
    advance(seconds(1));
    stack.sends({.seq = 0, .syn = true});
}

TEST_F(DeferAccept, a_client_that_never_speaks_is_forgotten_rfc9293_3_8_3) {
    config.synack_retries = 2;
    listens(100);
    peer.sends({});
    advance(seconds(100));
    stack.sends_nothing();
    state_is(State::closed);
    EXPECT_EQ(app_tcp.tcp().half_open_count(), 0U);
}

}  // namespace
}  // namespace berth::harness
