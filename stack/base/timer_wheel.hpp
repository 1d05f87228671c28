// A hierarchical timer wheel: arming, re-arming and cancelling cost O(1), whatever is armed.
//
// Ticks of 2^16 ns (about 66 µs, fine enough to pace by), 8 levels of 64 slots: every deadline of a
// lifetime fits. An entry whose deadline is moved later stays where it is and moves when its old
// slot comes up (lazy re-arming): a busy connection's timer costs a store. Entries are intrusive
// and unlink themselves when destroyed. Single-threaded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace berth {

class TimerWheel;

class TimerEntry {
  public:
    TimerEntry() = default;
    TimerEntry(const TimerEntry&) = delete;
    TimerEntry& operator=(const TimerEntry&) = delete;
    ~TimerEntry() { unlink(); }

    Time deadline() const { return deadline_; }
    bool is_armed() const { return !deadline_.is_never(); }

  private:
    friend class TimerWheel;
    void unlink();

    TimerEntry* next_ = nullptr;
    TimerEntry** link_ = nullptr;  // what points at this entry; null when in no slot
    Time deadline_ = Time::never();
    std::uint16_t place_ = 0;  // the slot that holds it, or TimerWheel::in_expired_list
    // The rest of its last eight bytes is a derived record's to use.
};

class TimerWheel {
  public:
    explicit TimerWheel(Time start) : current_tick_(tick_of(start)) {}
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;
    // Entries that are still armed are unlinked.
    ~TimerWheel();

    // Arms the entry for `deadline`, replacing what it was armed for. never() cancels.
    void arm(TimerEntry&, Time deadline);
    void cancel(TimerEntry& entry) { arm(entry, Time::never()); }

    // Takes one entry whose deadline has passed (deadline() <= now); it is disarmed. nullptr when
    // there is none. Within one tick the order is unspecified; the handler may arm and destroy any
    // entry.
    TimerEntry* pop_expired(Time now);

    // No later than the earliest deadline: exact for entries in the lowest level, the start of the
    // slot above it. never() when nothing is armed.
    Time next_deadline() const;

  private:
    static constexpr int tick_shift = 16;
    static constexpr std::size_t level_bits = 6;
    static constexpr std::size_t levels = 8;
    static constexpr std::size_t slots = std::size_t{1} << level_bits;
    // An entry's place: its level and, in the low level_bits, its slot; or the expired list.
    static constexpr std::uint16_t in_expired_list = 0xffff;

    static constexpr std::uint64_t tick_of(Time t) {
        return static_cast<std::uint64_t>(t.ns < 0 ? 0 : t.ns) >> tick_shift;
    }
    static constexpr Time time_of(std::uint64_t tick) {
        return {static_cast<std::int64_t>(tick << tick_shift)};
    }
    static void push(TimerEntry*& list, TimerEntry& entry);
    // The tick at which an occupied slot comes up.
    std::uint64_t slot_tick(std::size_t level, std::uint64_t slot) const;
    bool comes_up_by(const TimerEntry& entry, Time deadline) const;
    void insert(TimerEntry&);
    void empty_current_slot(std::size_t level, Time now);
    bool advance(std::uint64_t target);

    std::array<std::array<TimerEntry*, slots>, levels> slot_{};
    // One bit a slot; may be set for an emptied slot.
    std::array<std::uint64_t, levels> occupied_{};
    std::uint64_t current_tick_;
    TimerEntry* expired_ = nullptr;  // due now, not yet popped
};

}  // namespace berth
