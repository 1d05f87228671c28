// The state machine as data: RFC 9293 figure 5 together with the transitions that only the text of
// §3.10 gives. Everything that changes a connection's state asks this table; the state diagram in
// the documentation is drawn from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tcp/state.hpp"

namespace berth::tcp {

enum class Event : std::uint8_t {
    active_open,     // the user opens towards a remote endpoint
    passive_open,    // the user listens
    close,           // the user closes
    abort,           // the user aborts
    syn,             // a SYN arrived (without an acceptable ACK)
    syn_ack,         // a SYN arrived that acknowledges ours
    ack_of_syn,      // our SYN was acknowledged
    fin,             // the peer's FIN was reached in sequence
    ack_of_fin,      // our FIN was acknowledged
    reset,           // an acceptable RST arrived
    give_up,         // R2: too many retransmissions, or an ICMP error ended the attempt
    time_wait_over,  // 2 MSL passed
};
inline constexpr std::size_t event_count = 12;

constexpr std::string_view name_of(Event event) {
    constexpr std::string_view names[] = {
        "active OPEN",    "passive OPEN", "CLOSE",          "ABORT",   "rcv SYN", "rcv SYN,ACK",
        "rcv ACK of SYN", "rcv FIN",      "rcv ACK of FIN", "rcv RST", "give up", "2 MSL timeout"};
    return names[static_cast<std::size_t>(event)];
}

struct Transition {
    State from;
    Event event;
    State to;
};

// clang-format off
inline constexpr Transition transitions[] = {
    {State::closed,       Event::active_open,    State::syn_sent},
    {State::closed,       Event::passive_open,   State::listen},

    {State::listen,       Event::syn,            State::syn_received},  // a new connection; the listener stays
    {State::listen,       Event::close,          State::closed},
    {State::listen,       Event::abort,          State::closed},

    {State::syn_sent,     Event::syn,            State::syn_received},  // simultaneous open
    {State::syn_sent,     Event::syn_ack,        State::established},
    {State::syn_sent,     Event::close,          State::closed},
    {State::syn_sent,     Event::abort,          State::closed},
    {State::syn_sent,     Event::reset,          State::closed},
    {State::syn_sent,     Event::give_up,        State::closed},

    {State::syn_received, Event::ack_of_syn,     State::established},
    {State::syn_received, Event::fin,            State::close_wait},
    {State::syn_received, Event::close,          State::fin_wait_1},
    {State::syn_received, Event::abort,          State::closed},
    {State::syn_received, Event::reset,          State::closed},
    {State::syn_received, Event::give_up,        State::closed},

    {State::established,  Event::fin,            State::close_wait},
    {State::established,  Event::close,          State::fin_wait_1},
    {State::established,  Event::abort,          State::closed},
    {State::established,  Event::reset,          State::closed},
    {State::established,  Event::give_up,        State::closed},

    {State::fin_wait_1,   Event::fin,            State::closing},
    {State::fin_wait_1,   Event::ack_of_fin,     State::fin_wait_2},
    {State::fin_wait_1,   Event::abort,          State::closed},
    {State::fin_wait_1,   Event::reset,          State::closed},
    {State::fin_wait_1,   Event::give_up,        State::closed},

    {State::fin_wait_2,   Event::fin,            State::time_wait},
    {State::fin_wait_2,   Event::abort,          State::closed},
    {State::fin_wait_2,   Event::reset,          State::closed},
    {State::fin_wait_2,   Event::give_up,        State::closed},

    {State::close_wait,   Event::close,          State::last_ack},
    {State::close_wait,   Event::abort,          State::closed},
    {State::close_wait,   Event::reset,          State::closed},
    {State::close_wait,   Event::give_up,        State::closed},

    {State::closing,      Event::ack_of_fin,     State::time_wait},
    {State::closing,      Event::abort,          State::closed},
    {State::closing,      Event::reset,          State::closed},
    {State::closing,      Event::give_up,        State::closed},

    {State::last_ack,     Event::ack_of_fin,     State::closed},
    {State::last_ack,     Event::abort,          State::closed},
    {State::last_ack,     Event::reset,          State::closed},
    {State::last_ack,     Event::give_up,        State::closed},

    {State::time_wait,    Event::abort,          State::closed},
    {State::time_wait,    Event::reset,          State::closed},
    {State::time_wait,    Event::time_wait_over, State::closed},
};
// clang-format on

// The next state, or nothing where the event has no meaning in that state.
constexpr std::optional<State> next_state(State from, Event event) {
    for (const Transition& transition : transitions)
        if (transition.from == from && transition.event == event) return transition.to;
    return std::nullopt;
}

}  // namespace berth::tcp
