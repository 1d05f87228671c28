// The state machine as a whole: every state and every event, as a table that is compared with the
// one checked in, and what must hold of any such table.
//
// BERTH_UPDATE_SNAPSHOTS=1 writes the file anew; look at the difference before you keep it.
#include "tcp/transitions.hpp"

#include <gtest/gtest.h>

#include <array>

#include "harness/snapshot.hpp"

namespace berth::tcp {
namespace {

constexpr State state_at(std::size_t i) {
    return static_cast<State>(i);
}
constexpr Event event_at(std::size_t i) {
    return static_cast<Event>(i);
}

std::string padded(std::string_view text, std::size_t width) {
    return std::string(text) + std::string(width > text.size() ? width - text.size() : 1, ' ');
}

std::string matrix() {
    std::string text =
        "State machine of RFC 9293: what each event makes of each state ('-': it has no meaning "
        "there).\n";
    for (std::size_t s = 0; s < state_count; ++s) {
        text += "\n" + std::string(name_of(state_at(s))) + "\n";
        for (std::size_t e = 0; e < event_count; ++e) {
            const auto next = next_state(state_at(s), event_at(e));
            text.append("    ")
                .append(padded(name_of(event_at(e)), 16))
                .append(next ? name_of(*next) : "-")
                .append("\n");
        }
    }
    return text;
}

// Which states can be reached from `from` by any sequence of events.
constexpr std::array<bool, state_count> reachable_from(State from) {
    std::array<bool, state_count> reached{};
    reached[static_cast<std::size_t>(from)] = true;
    for (std::size_t round = 0; round < state_count; ++round)
        for (const Transition& transition : transitions)
            if (reached[static_cast<std::size_t>(transition.from)])
                reached[static_cast<std::size_t>(transition.to)] = true;
    return reached;
}

constexpr bool every_state_is_reachable() {
    for (const bool reached : reachable_from(State::closed))
        if (!reached) return false;
    return true;
}
static_assert(every_state_is_reachable());

constexpr bool every_state_can_end() {
    for (std::size_t s = 0; s < state_count; ++s)
        if (!reachable_from(state_at(s))[static_cast<std::size_t>(State::closed)]) return false;
    return true;
}
static_assert(every_state_can_end());

constexpr bool no_event_has_two_outcomes() {
    for (const Transition& one : transitions)
        for (const Transition& other : transitions)
            if (&one != &other && one.from == other.from && one.event == other.event) return false;
    return true;
}
static_assert(no_event_has_two_outcomes());

TEST(Transitions, matrix_is_the_one_checked_in_rfc9293_figure_5) {
    harness::expect_snapshot("tests/tcp/transitions.snapshot", matrix());
}

TEST(Transitions, a_reset_ends_every_synchronized_state_rfc9293_3_10_7_4_second) {
    for (std::size_t s = 0; s < state_count; ++s) {
        if (!is_synchronized(state_at(s))) continue;
        EXPECT_EQ(next_state(state_at(s), Event::reset), State::closed) << name_of(state_at(s));
    }
}

TEST(Transitions, abort_ends_every_state_but_closed_rfc9293_3_10_5) {
    for (std::size_t s = 1; s < state_count; ++s)
        EXPECT_EQ(next_state(state_at(s), Event::abort), State::closed) << name_of(state_at(s));
}

TEST(Transitions, established_is_entered_only_by_a_completed_handshake_rfc9293_3_5) {
    for (const Transition& transition : transitions) {
        if (transition.to != State::established) continue;
        EXPECT_TRUE(transition.event == Event::syn_ack || transition.event == Event::ack_of_syn);
    }
}

TEST(Transitions, whoever_closes_first_passes_through_time_wait_rfc9293_3_6) {
    // From FIN-WAIT-1 on, without resets, aborts and timeouts, CLOSED is reached only from
    // TIME-WAIT.
    for (const Transition& transition : transitions) {
        const bool violent = transition.event == Event::reset || transition.event == Event::abort ||
                             transition.event == Event::give_up;
        if (violent || transition.to != State::closed) continue;
        EXPECT_TRUE(transition.from != State::fin_wait_1 && transition.from != State::fin_wait_2 &&
                    transition.from != State::closing);
    }
}

TEST(Transitions, every_state_and_event_has_a_name) {
    for (std::size_t s = 0; s < state_count; ++s)
        EXPECT_FALSE(name_of(state_at(s)).empty());
    for (std::size_t e = 0; e < event_count; ++e)
        EXPECT_FALSE(name_of(event_at(e)).empty());
}

}  // namespace
}  // namespace berth::tcp
