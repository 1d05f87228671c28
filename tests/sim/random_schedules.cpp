// Two stacks and a wire under random schedules: who opens, sends, reads and closes when, which
// segment is lost, doubled or overtaken, and when time passes, is all drawn from the seed. After
// each step una <= nxt <= una + window, no right edge moves back, nothing is sent beyond a window
// or above an MSS; at the end the bytes read are the bytes sent and nothing is left. The machine is
// that of the fuzzer (tests/fuzz/tcp).
//
// BERTH_TEST_SEED=N runs one seed of each mode; BERTH_TEST_SCALE=P runs P percent of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "fuzz/tcp/session.hpp"

namespace berth::sim {
namespace {

using namespace berth::fuzz;

constexpr std::uint64_t seeds_in_all = 2000;
constexpr std::uint32_t longest_schedule = 90;  // steps

class Schedule {
  public:
    Schedule(Mode mode, std::uint64_t seed) : random_(Seed::from(seed)) {
        bytes_.push_back(static_cast<std::uint8_t>(mode));
        for (int i = 0; i < 7; ++i)  // the hosts' options, links and backlog
            add(random_.below(256));
        open();
        for (std::uint32_t steps = 10 + random_.below(longest_schedule); steps > 0; --steps)
            step(mode);
    }
    const std::vector<std::uint8_t>& bytes() const { return bytes_; }

  private:
    void add(std::uint32_t byte) { bytes_.push_back(static_cast<std::uint8_t>(byte)); }
    void add_any(int count) {
        for (; count > 0; --count)
            add(random_.below(256));
    }
    void open() {
        const std::uint32_t side = random_.below(2);
        add(op_connect);
        add(side);
        add(op_run);
        add(op_accept);
        add(1 - side);
    }
    void step(Mode mode) {
        const std::uint32_t choice = random_.below(100);
        if (choice < 12) return add(op_run);
        if (choice < 30) return call(op_send);
        if (choice < 42) return call(op_read);
        if (choice < 52) return on_wire(op_deliver);
        if (choice < 57) return on_wire(op_drop);
        if (choice < 62) return on_wire(op_duplicate);
        if (choice < 68) return on_wire(op_hold_back);
        if (choice < 76) return on_wire(op_pass);
        if (choice < 79) return on_wire(op_hold);
        if (choice < 80) return open();
        if (choice < 82) return on_wire(op_accept);
        if (choice < 84) return call(op_shut);
        if (choice < 85) return call(op_close);
        if (choice < 87) {
            call(op_options);
            return add_any(2);
        }
        if (choice < 88) return on_wire(op_refuse);
        if (mode == Mode::lossy) return call(op_send_flagged);
        on_wire(choice < 94 ? op_change : choice < 98 ? op_forge : op_icmp);
        add_any(static_cast<int>(random_.below(9)));
    }
    void on_wire(Operation operation) {
        add(operation);
        add_any(1);
    }
    void call(Operation operation) {
        add(operation);
        add_any(2);
    }

    Random random_;
    std::vector<std::uint8_t> bytes_;
};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

void play_seeds(Mode mode) {
    const std::uint64_t only = number_from_environment("BERTH_TEST_SEED", 0);
    const std::uint64_t scale = number_from_environment("BERTH_TEST_SCALE", 100);
    const std::uint64_t count = only != 0 ? only : 1 + seeds_in_all * scale / 100;
    for (std::uint64_t seed = only != 0 ? only : 1; seed <= count; ++seed) {
        try {
            play(Schedule(mode, seed).bytes());
        } catch (const Broken& broken) {
            ADD_FAILURE() << "seed " << seed << ": " << broken.what();
        }
    }
}

TEST(RandomSchedules, streams_survive_loss_repetition_and_reordering_rfc9293_3_4) {
    play_seeds(Mode::lossy);
}

TEST(RandomSchedules, no_changed_segment_breaks_an_invariant_rfc9293_3_10_7) {
    play_seeds(Mode::hostile);
}

TEST(RandomSchedules, streams_survive_a_blind_attacker_rfc5961) {
    play_seeds(Mode::blind);
}

}  // namespace
}  // namespace berth::sim
