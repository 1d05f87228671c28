#include "tcp/connection.hpp"

#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

Connection::Connection(Tcp& tcp, const FourTuple& tuple, const ip::Path& path, State state,
                       SequenceNumber iss)
    : TimedEntry(tuple, demux::EntryKind::connection),
      state_(state),
      tcp_(tcp),
      path_(path),
      send_limit_bytes_(tcp.config().send_buffer_bytes),
      sender_(tcp.config(), iss),
      receiver_(tcp.config()),
      timestamp_offset_(
          timestamp_offset(tuple.local.address, tuple.remote.address, tcp.timestamp_secret())),
      last_heard_ms_(millis_of(tcp.now())),
      path_mtu_generation_(tcp.path_mtus().generation()),
      may_be_fragmented_(tcp.path_mtus().is_locked(tuple.remote.address)) {}

Connection::~Connection() = default;

void Connection::transition(Event event) {
    const auto next = next_state(state_, event);
    if (!next) return;
    if (*next == State::closed) {
        // RFC 4022 counts these direct transitions.
        if (state_ == State::established || state_ == State::close_wait)
            tcp_.count(Count::estab_resets);
        if (state_ == State::syn_sent || state_ == State::syn_received)
            tcp_.count(Count::attempt_fails);
    }
    state_ = *next;
}

void Connection::end_with(std::errc error, Event event) {
    transition(event);
    if (error != std::errc{}) error_ = error;
    state_ = State::closed;
    tcp_.retire(*this);
    tcp_.forget_route(four_tuple);
    notify();
}

void Connection::notify() {
    if (user_ != nullptr) user_->on_connection_event(*this);
}

void Connection::mark_ready() {
    if (!retired_) tcp_.mark_ready(*this);
}

}  // namespace berth::tcp
