// Urgent data, receiving: RFC 9293 §3.8.5 and §3.10.7.4 sixth, RFC 6093; the interface is that of
// the sockets (SO_OOBINLINE, MSG_OOB, SIOCATMARK).
#include <array>

#include "tcp/connection.hpp"
#include "tcp/receiver.hpp"

namespace berth::tcp {

// --- the receiver ---

// `up` is RCV.UP as the segment tells it: the byte before it is the last urgent one.
bool Receiver::take_urgent_pointer(SequenceNumber up, const Options& options) {
    const SequenceNumber mark = up - 1;
    // Beyond the FIN there is nothing.
    if (discarding_ || (fin_heard_ && !before(mark, fin_seq_))) return false;
    if (before(mark, rcv_.nxt)) return false;
    Held& all = held();
    const bool was_next = at_mark();
    if (!all.urgent.advance(mark, rcv_.nxt)) {
        release_if_empty();
        return false;
    }
    // Out of band, a byte that would have been left out next is gone with its mark.
    if (was_next && !options.out_of_band_inline && !all.queue.empty()) all.queue.consume(1);
    return true;
}

bool Receiver::mark_is_here() const {
    return held_ && held_->urgent.is_set() && before(held_->urgent.at(), rcv_.nxt) &&
           held_->urgent.at() - read_position() < held_->queue.size();
}

bool Receiver::has_urgent() const {
    return mark_is_here() && !held_->urgent.was_taken();
}

bool Receiver::at_mark() const {
    return held_ && held_->urgent.is_set() && held_->urgent.at() == read_position();
}

std::optional<std::uint8_t> Receiver::take_urgent(bool peek) {
    if (!has_urgent()) return std::nullopt;
    std::array<std::uint8_t, 1> byte{};
    const std::array<MutableBytes, 1> parts{MutableBytes(byte)};
    if (held_->queue.copy(parts, held_->urgent.at() - read_position(), 1) == 0) return std::nullopt;
    if (!peek) held_->urgent.set_taken();
    return byte[0];
}

// --- the connection ---

void Connection::sixth_check_urg(const Segment& segment) {
    // Behind a FIN it should not occur, and is ignored. Nobody is told whom there is nobody to
    // tell.
    if (!segment.flags.urg || !may_receive(state_) || is_orphan()) return;
    if (receiver_.take_urgent_pointer(segment.seq + segment.urgent_pointer, options())) notify();
}

Result<std::uint8_t, std::errc> Connection::receive_urgent(bool peek) {
    if (options().out_of_band_inline) return Failure{std::errc::invalid_argument};
    if (const auto byte = receiver_.take_urgent(peek)) return *byte;
    return Failure{receiver_.expects_urgent() ? std::errc::operation_would_block
                                              : std::errc::invalid_argument};
}

bool Connection::at_mark() const {
    return receiver_.at_mark();
}

bool Connection::has_urgent() const {
    return receiver_.has_urgent();
}

}  // namespace berth::tcp
