// The fixture of the protocol tests: a stage, one peer, the stack's side and one program.
//
//     app.listens();
//     peer.sends({.syn = true, .mss = 1460});
//     stack.sends({.syn = true});
//     peer.sends({});
//     state_is(State::established);
//
// See tests/README.md for the whole language.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "harness/app.hpp"
#include "harness/peer.hpp"
#include "harness/script.hpp"
#include "harness/stack_side.hpp"

namespace berth::harness {

using socket::Shutdown;
using tcp::State;
using wire::IcmpType;

class ScriptTest : public ::testing::Test {
  protected:
    Script script;
    tcp::Config& config = script.config;
    Peer peer{script};
    StackSide stack{script, peer};
    App app{script, peer};

    void advance(Duration duration, Where where = {}) { script.advance(duration, where); }
    void at(Duration since_start, Where where = {}) { script.at(since_start, where); }
    void state_is(State state, Where where = {}) { script.state_is(state, where); }
    void dropped(DropReason reason, Where where = {}) { script.dropped(reason, where); }
    void delivered(Where where = {}) { script.delivered(where); }
    void consumed(Where where = {}) { script.consumed(where); }

    // The listener's side of a connection: SYN (with these options), SYN-ACK, ACK, accept.
    void accept_connection(Segment syn = {.mss = 1460}, Where where = {});
    // The opener's side: connect, SYN, SYN-ACK (with these options), ACK.
    void open_connection(Segment syn_ack = {.mss = 1460}, Where where = {});
    // Takes the conversation (a listener's, but for SYN-SENT) to a state by the shortest way; data
    // may go on where it may in that state. With LISTEN only the listener is there.
    void reach(State state, Where where = {});

    // Nobody may have said more than the script knew of.
    void TearDown() override { script.expect_quiet({__FILE__, __LINE__}); }
};

}  // namespace berth::harness
