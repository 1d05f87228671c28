// An attacker who knows the four-tuple of a connection and hears nothing of it (RFC 5961 §1): he
// forges segments, and the connection must not notice.
#pragma once

#include <cstdint>

#include "harness/script_fixture.hpp"

namespace berth::harness {

inline const State synchronized_states[] = {State::established, State::fin_wait_1,
                                            State::fin_wait_2,  State::close_wait,
                                            State::closing,     State::last_ack};

inline std::string name_of_parameter(const ::testing::TestParamInfo<State>& information) {
    std::string name(tcp::name_of(information.param));
    for (char& c : name)
        if (c == '-') c = '_';
    return name;
}

class BlindAttack : public ScriptTest, public ::testing::WithParamInterface<State> {
  protected:
    BlindAttack() {
        // A large window is an easy target: the fewer guesses are needed to hit it.
        config.receive_buffer_bytes = 1 << 20;
    }

    // The victim in that state, with the whole window offered.
    void reach_with_open_window(State state) {
        accept_connection({.mss = 1460, .wscale = 7});
        if (state == State::close_wait || state == State::last_ack) {
            peer.sends({.fin = true});
            stack.sends({});
        }
        if (state != State::established && state != State::close_wait) {
            app.shuts_down(Shutdown::write);
            stack.sends({.fin = true});
        }
        if (state == State::closing) {
            peer.sends({.ack = 1, .fin = true});  // the FINs cross
            stack.sends({});
        }
        if (state == State::fin_wait_2) peer.sends({});
        state_is(state);
        forge({.ack = true}, victim().receiver().rcv().nxt.value - 1000, 0, 10);
        script.heard().clear();
        script.advance(seconds(1));
        script.heard().clear();
    }

    tcp::Connection& victim() {
        return static_cast<tcp::Connection&>(*script.core().tcp().table().find(peer.four_tuple()));
    }
    void forge(wire::TcpFlags flags, std::uint32_t seq, std::uint32_t ack, std::size_t bytes = 0) {
        wire::TcpHeader header;
        header.source_port = peer.endpoint.port;
        header.destination_port = script.local.port;
        header.flags = flags;
        header.seq = seq;
        header.ack = ack;
        header.window = 1000;
        const std::vector<std::uint8_t> text(bytes, 0xee);
        script.put(tcp_packet(header, peer.endpoint.address, script.local.address, text), {});
    }

    // Visits the whole sequence space in steps of a window, so that one guess lies in the window:
    // all that a blind attacker has to try. RCV.NXT itself is left out.
    template <class Visitor>
    void sweep(const Visitor& visit) {
        const std::uint32_t step = victim().receiver().wnd();
        ASSERT_GE(step, 10'000U);
        const std::uint32_t first = victim().receiver().rcv().nxt.value + 1;
        for (std::uint64_t offset = 0; offset < std::uint64_t{1} << 32; offset += step) {
            visit(first + static_cast<std::uint32_t>(offset));
            ASSERT_EQ(script.state_of(peer.four_tuple()), GetParam());
        }
    }

    // The connection does what it would have done all the same.
    void goes_on() {
        script.heard().clear();
        const State state = GetParam();
        state_is(state);
        if (tcp::may_send(state)) {
            app.sends(100);
            stack.sends({.length = 100});
        }
        if (tcp::may_receive(state)) {
            peer.sends({.length = 100});
            app.reads(100);
            script.heard().clear();
        }
        peer.sends({});
        static constexpr State after_ack[] = {State::established, State::fin_wait_2,
                                              State::fin_wait_2,  State::close_wait,
                                              State::time_wait,   State::closed};
        for (std::size_t i = 0; i < std::size(synchronized_states); ++i)
            if (synchronized_states[i] == state) state_is(after_ack[i]);
        script.heard().clear();
    }

    // What the stack has said in answer, all of it.
    std::size_t answers() {
        const std::size_t count = script.heard().size();
        script.heard().clear();
        return count;
    }
};

}  // namespace berth::harness
