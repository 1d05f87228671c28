// Two hosts and the wire between them, in virtual time. Frames wait on the wire until the fuzzer
// says what becomes of them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "fuzz/tcp/side.hpp"

namespace berth::fuzz {

// What may happen to segments.
enum class Mode : std::uint8_t {
    lossy,    // lost, doubled, held back: both streams must arrive
    hostile,  // changed on the way as well: nothing may break but the streams
    blind,    // unchanged, but a third party guesses: both streams must arrive
};

class World {
  public:
    World(Mode mode, Input& input);

    Side& side(std::size_t which) { return which == 0 ? left_ : right_; }
    Mode mode() const { return mode_; }
    Time now() const { return now_; }

    // --- the wire; `to` is the side that a frame is on its way to ---
    void deliver(std::size_t to, std::size_t count);
    void drop(std::size_t to);
    void duplicate(std::size_t to);
    void hold_back(std::size_t to, std::size_t places);
    void deliver_changed(std::size_t to, Input& input);
    void deliver_forged(std::size_t to, Input& input);
    void deliver_icmp(std::size_t to, Input& input);
    // Everything arrives until both are silent.
    void run();
    // Time passes; the frames of the meantime arrive, or (held) wait on the wire.
    void advance(Duration duration, bool held);

    void settle();
    // The link is perfect from now on: every stream comes to its end where it must, and at last
    // nothing is left anywhere.
    void finish();

  private:
    bool collect(std::size_t from);
    void put(std::size_t to, const Packet& packet);
    Numbers numbers_at(std::size_t side, const Packet& arriving);
    bool finish_users();
    void check_pairs();
    bool was_patient(const End& end) const;

    Mode mode_;
    Time now_{1'000'000'000};
    Side left_;
    Side right_;
    std::array<std::deque<Packet>, 2> wire_;  // by the side that they go to
    std::array<Packet, 2> heard_;             // the latest that each side received
    std::size_t lost_ = 0;
    Duration held_{};
};

}  // namespace berth::fuzz
