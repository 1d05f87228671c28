#include "harness/script_fixture.hpp"

namespace berth::harness {

void ScriptTest::accept_connection(Segment syn, Where where) {
    syn.syn = true;
    if (!app.has_listener()) app.listens(128, where);
    peer.sends(syn, where);
    stack.sends({.syn = true}, where);
    peer.sends({}, where);
    app.accepts(where);
    state_is(State::established, where);
}

void ScriptTest::open_connection(Segment syn_ack, Where where) {
    syn_ack.syn = true;
    app.connects(where);
    stack.sends({.syn = true}, where);
    peer.sends(syn_ack, where);
    stack.sends({}, where);
    state_is(State::established, where);
}

void ScriptTest::reach(State state, Where where) {
    if (state == State::closed) {
        script.core();
        return;
    }
    if (state == State::listen) return app.listens(128, where);
    if (state == State::syn_sent) {
        app.connects(where);
        stack.sends({.syn = true}, where);
        return state_is(State::syn_sent, where);
    }
    if (state == State::syn_received) {
        app.listens(128, where);
        peer.sends({.syn = true, .mss = 1460}, where);
        stack.sends({.syn = true}, where);
        return state_is(State::syn_received, where);
    }
    accept_connection({.mss = 1460}, where);
    const bool peer_closes_first = state == State::close_wait || state == State::last_ack;
    if (state == State::established) return;
    if (peer_closes_first) {
        peer.sends({.fin = true}, where);
        stack.sends({}, where);
    }
    if (state == State::close_wait) return state_is(state, where);
    app.shuts_down(Shutdown::write, where);
    stack.sends({.fin = true}, where);
    if (state == State::fin_wait_1 || state == State::last_ack) return state_is(state, where);
    if (state == State::closing) {
        peer.sends({.ack = 1, .fin = true}, where);  // the FINs cross
        stack.sends({}, where);
        return state_is(state, where);
    }
    peer.sends({}, where);
    if (state == State::fin_wait_2) return state_is(state, where);
    peer.sends({.fin = true}, where);
    stack.sends({}, where);
    state_is(State::time_wait, where);
}

}  // namespace berth::harness
