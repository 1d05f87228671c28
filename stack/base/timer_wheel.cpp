// A slot's level is the highest 6-bit digit in which its tick differs from the current tick. So all
// of a level lies before all of the level above it, every occupied slot lies at or after the
// current tick, and a slot above the lowest level is emptied into lower ones at the moment it comes
// up.
#include "base/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace berth {

void TimerEntry::unlink() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    next_ = nullptr;
    link_ = nullptr;
}

void TimerWheel::push(TimerEntry*& list, TimerEntry& entry) {
    entry.next_ = list;
    entry.link_ = &list;
    if (list != nullptr) list->link_ = &entry.next_;
    list = &entry;
}

TimerWheel::~TimerWheel() {
    const auto disarm_all = [](TimerEntry*& list) {
        while (list != nullptr) {
            list->deadline_ = Time::never();
            list->unlink();
        }
    };
    for (auto& level : slot_) {
        for (TimerEntry*& list : level)
            disarm_all(list);
    }
    disarm_all(expired_);
}

void TimerWheel::arm(TimerEntry& entry, Time deadline) {
    entry.deadline_ = deadline;
    if (deadline.is_never()) {
        entry.unlink();
        return;
    }
    // Lazy: its slot comes up in time, and whoever empties it looks at the deadline again.
    if (entry.link_ != nullptr && comes_up_by(entry, deadline)) return;
    entry.unlink();
    insert(entry);
}

// When its slot comes up follows from the slot alone: nothing stays in a slot that lies behind.
bool TimerWheel::comes_up_by(const TimerEntry& entry, Time deadline) const {
    if (entry.place_ == in_expired_list) return true;
    const std::size_t level = entry.place_ >> level_bits;
    return time_of(slot_tick(level, entry.place_ & (slots - 1))) <= deadline;
}

void TimerWheel::insert(TimerEntry& entry) {
    const std::uint64_t tick = std::max(tick_of(entry.deadline_), current_tick_);
    const std::uint64_t difference = tick ^ current_tick_;
    const std::size_t level =
        difference == 0 ? 0
                        : (static_cast<std::size_t>(std::bit_width(difference)) - 1) / level_bits;
    const std::uint64_t slot = tick >> (level * level_bits) & (slots - 1);
    entry.place_ = static_cast<std::uint16_t>(level << level_bits | slot);
    push(slot_[level][slot], entry);
    occupied_[level] |= std::uint64_t{1} << slot;
}

// The digits above the slot's own are those of the current tick.
std::uint64_t TimerWheel::slot_tick(std::size_t level, std::uint64_t slot) const {
    const std::size_t shift = level * level_bits;
    return ((current_tick_ >> shift & ~std::uint64_t{slots - 1}) | slot) << shift;
}

// Empties the slot of `level` that holds the current tick: what is due goes to the expired list,
// the rest to where its deadline belongs by now.
void TimerWheel::empty_current_slot(std::size_t level, Time now) {
    const std::uint64_t slot = current_tick_ >> (level * level_bits) & (slots - 1);
    occupied_[level] &= ~(std::uint64_t{1} << slot);
    // Entries may go back to the very slot that they came from, so they change lists first.
    TimerEntry* later = nullptr;
    while (slot_[level][slot] != nullptr) {
        TimerEntry& entry = *slot_[level][slot];
        entry.unlink();
        entry.place_ = in_expired_list;  // for a moment the later ones are in no slot either
        push(entry.deadline_ <= now ? expired_ : later, entry);
    }
    while (later != nullptr) {
        TimerEntry& entry = *later;
        entry.unlink();
        insert(entry);
    }
}

// Moves the current tick to the next slot after it that holds something, at most to `target`; true
// if there was one. Nothing is due in between, however far the jump.
bool TimerWheel::advance(std::uint64_t target) {
    for (std::size_t level = 0; level < levels; ++level) {
        std::uint64_t& bits = occupied_[level];
        for (; bits != 0; bits &= bits - 1) {
            const auto slot = static_cast<std::uint64_t>(std::countr_zero(bits));
            if (slot_[level][slot] != nullptr) break;
        }
        if (bits == 0) continue;
        // The first occupied slot of the lowest occupied level: all others come later. It is the
        // current one only if that is the target's own and holds what is due later in this tick.
        const std::uint64_t tick =
            slot_tick(level, static_cast<std::uint64_t>(std::countr_zero(bits)));
        if (tick == current_tick_ || tick > target) break;
        current_tick_ = tick;
        return true;
    }
    current_tick_ = target;
    return false;
}

TimerEntry* TimerWheel::pop_expired(Time now) {
    const std::uint64_t target = std::max(tick_of(now), current_tick_);
    for (bool more = true;;) {
        while (expired_ != nullptr) {
            TimerEntry& entry = *expired_;
            entry.unlink();
            if (entry.deadline_ <= now) {
                entry.deadline_ = Time::never();
                return &entry;
            }
            insert(entry);  // re-armed for later since its slot came up
        }
        if (!more) return nullptr;
        for (std::size_t level = levels; level-- > 0;) {
            if (occupied_[level] != 0) empty_current_slot(level, now);
        }
        if (expired_ == nullptr) more = advance(target);
    }
}

Time TimerWheel::next_deadline() const {
    Time earliest = Time::never();
    const auto look_at = [&earliest](const TimerEntry* list) {
        for (; list != nullptr; list = list->next_)
            earliest = earlier(earliest, list->deadline_);
    };
    look_at(expired_);
    for (std::size_t level = 0; level < levels; ++level) {
        for (std::uint64_t bits = occupied_[level]; bits != 0; bits &= bits - 1) {
            const auto slot = static_cast<std::uint64_t>(std::countr_zero(bits));
            if (slot_[level][slot] == nullptr) continue;
            const std::uint64_t tick = slot_tick(level, slot);
            // The current slot also holds what is overdue, so it is always looked at.
            if (tick > current_tick_ && earliest < time_of(tick)) return earliest;
            if (level > 0) return time_of(tick);
            look_at(slot_[level][slot]);  // its entries may all have been re-armed for later: go on
        }
    }
    return earliest;
}

}  // namespace berth
