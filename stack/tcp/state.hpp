// The states of a connection (RFC 9293 §3.3.2), in the RFC's order, and the names that people know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace berth::tcp {

enum class State : std::uint8_t {
    closed,
    listen,
    syn_sent,
    syn_received,
    established,
    fin_wait_1,
    fin_wait_2,
    close_wait,
    closing,
    last_ack,
    time_wait,
};
inline constexpr std::size_t state_count = 11;

// As the RFC writes it: "FIN-WAIT-1".
constexpr std::string_view name_of(State state) {
    constexpr std::string_view names[] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                          "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                          "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
    return names[static_cast<std::size_t>(state)];
}
// As `ss` writes it: "FIN-WAIT-1", but "ESTAB" and "SYN-RECV".
constexpr std::string_view ss_name_of(State state) {
    constexpr std::string_view names[] = {"UNCONN",  "LISTEN",     "SYN-SENT",   "SYN-RECV",
                                          "ESTAB",   "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                          "CLOSING", "LAST-ACK",   "TIME-WAIT"};
    return names[static_cast<std::size_t>(state)];
}

// Both sides have agreed on the sequence numbers (RFC 9293 §3.10: "synchronized").
constexpr bool is_synchronized(State state) {
    return state >= State::established;
}
// The peer's FIN has not been taken yet: data may still arrive.
constexpr bool may_receive(State state) {
    return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
}
// The user has not closed: data may still be queued.
constexpr bool may_send(State state) {
    return state == State::established || state == State::close_wait;
}

}  // namespace berth::tcp
