// The TIME-WAIT records in the order in which they end. All of them wait two MSL from the last
// word, so a queue is timer enough: who begins to wait, or begins anew, goes to its end.
#pragma once

#include <cstddef>

#include "tcp/time_wait.hpp"

namespace berth::tcp {

class TimeWaitQueue {
  public:
    std::size_t size() const { return size_; }
    // When the first of them ends.
    Time next_deadline() const { return first_ == nullptr ? Time::never() : first_->until; }
    TimeWait* oldest() const { return first_; }
    TimeWait* expired(Time now) const { return next_deadline() <= now ? first_ : nullptr; }

    // `until` is no earlier than that of any other.
    void push(TimeWait& record, Time until) {
        record.until = until;
        record.next = nullptr;
        record.previous = last_;
        (last_ == nullptr ? first_ : last_->next) = &record;
        last_ = &record;
        ++size_;
    }
    void remove(TimeWait& record) {
        (record.previous == nullptr ? first_ : record.previous->next) = record.next;
        (record.next == nullptr ? last_ : record.next->previous) = record.previous;
        --size_;
    }
    void restart(TimeWait& record, Time until) {
        remove(record);
        push(record, until);
    }

  private:
    TimeWait* first_ = nullptr;
    TimeWait* last_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace berth::tcp
