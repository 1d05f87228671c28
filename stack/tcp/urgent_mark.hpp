// Where the peer's urgent data ends (RFC 9293 §3.8.5), as the sockets interface knows it: the mark
// is the last urgent byte, the one before the urgent pointer.
//
// The urgent pointer points to the byte that follows the urgent data (MUST-62, RFC 6093 §4), as
// Linux (tcp_stdurg 0) and the BSDs read it. There is one mark: a later one takes its place, and
// the byte at the earlier one stays in the stream. The user may be told of any number of urgent
// bytes (MUST-31); RFC 6093 §3.4 says why only the last is special. Constant in size whatever a
// peer points at.
#pragma once

#include <cstdint>

#include "tcp/sequence.hpp"

namespace berth::tcp {

class UrgentMark {
  public:
    bool is_set() const { return set_; }
    SequenceNumber at() const { return at_; }
    // The user has taken the byte out of band.
    bool was_taken() const { return taken_; }
    void set_taken() { taken_ = true; }

    // True: it is new, so the user must hear of it (MUST-32). Pointers to what has been received,
    // and pointers that recede, say nothing.
    bool advance(SequenceNumber mark, SequenceNumber rcv_nxt) {
        if (before(mark, rcv_nxt) || (set_ && at_or_before(mark, at_))) return false;
        at_ = mark;
        set_ = true;
        taken_ = false;
        return true;
    }
    void clear() { set_ = taken_ = false; }

  private:
    SequenceNumber at_;
    bool set_ = false;
    bool taken_ = false;
};

}  // namespace berth::tcp
