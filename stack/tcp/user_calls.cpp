// What the user asks of a connection: RFC 9293 §3.9.1 and §3.10.1 to §3.10.6.
#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

// SEND (§3.10.2).
Result<std::size_t, std::errc> Connection::send(std::span<const Bytes> parts, SendFlags flags) {
    if (sender_.fin_queued() || is_over()) return Failure{std::errc::broken_pipe};
    if (!may_send(state_) && !opens_with_data())
        return std::size_t{0};  // not yet: the handshake goes on
    const std::size_t taken = sender_.append(parts, send_room(), {flags.more, flags.urgent});
    if (taken > 0) mark_ready();
    return taken;
}

// RECEIVE (§3.10.3).
std::size_t Connection::receive(std::span<const MutableBytes> parts, bool peek) {
    const std::size_t queued = receiver_.queued_bytes();
    const std::size_t count = receiver_.read(parts, peek, options());
    // Not the count: an urgent byte that was left out has made room as well.
    const std::size_t taken = queued - receiver_.queued_bytes();
    if (taken == 0 || is_over()) return count;
    receiver_.tune(taken, options(), tcp_.config(), tcp_.now());
    if (receiver_.owes_window_update(options())) {
        receiver_.ack.now = true;
        mark_ready();
    }
    return count;
}

// CLOSE (§3.10.4): the FIN goes after everything that was sent.
void Connection::close_send() {
    const auto next = next_state(state_, Event::close);
    if (!next || sender_.fin_queued()) return;
    if (*next ==
        State::closed) {  // SYN-SENT: nothing has been agreed on, so there is nothing to end
        end_with({}, Event::close);
        return;
    }
    sender_.queue_fin();
    transition(Event::close);
    mark_ready();
}

void Connection::discard_received() {
    receiver_.discard();
    if (!is_over() && receiver_.owes_window_update(options())) {
        receiver_.ack.now = true;
        mark_ready();
    }
}

// ABORT (§3.10.5): <SEQ=SND.NXT><CTL=RST>, where there is somebody who could be confused without
// it.
void Connection::abort() {
    if (is_over()) return;
    if (state_ != State::syn_sent)
        tcp_.send_reset(four_tuple, sender_.snd().nxt, receiver_.rcv().nxt);
    end_with(std::errc::connection_aborted, Event::abort);
}

std::errc Connection::take_error() {
    const std::errc error = error_ == std::errc{} ? soft_error_ : error_;
    error_ = soft_error_ = {};
    return error;
}

void Connection::set_quick_ack(bool on) {
    AckDebt& ack = receiver_.ack;
    ack.interactive = !on;
    ack.quick = on ? AckDebt::max_quick : 0;
    if (on && !is_over() && !ack.delayed.is_never()) {
        ack.now = true;
        mark_ready();
    }
}
bool Connection::quick_ack() const {
    return receiver_.ack.quick > 0 && !receiver_.ack.interactive;
}

void Connection::set_options(const Options& options) {
    const bool nagle_ends = options.no_delay && !this->options().no_delay;
    if (options == default_options)
        options_.reset();
    else
        options_ = std::make_unique<Options>(options);
    sender_.set_no_delay(options.no_delay);
    sender_.set_cork(options.cork);
    if (nagle_ends) sender_.flush();  // tcp(7): "even if TCP_CORK is currently set"
    receiver_.follow_options(options, tcp_.config());
    if (options.send_buffer_bytes != 0) send_limit_bytes_ = options.send_buffer_bytes;
    if (is_over()) return;
    arm_keep_alive(tcp_.now());
    rearm();
    // What Nagle or a cork held back may go.
    if (sender_.unsent() > 0) mark_ready();
}

}  // namespace berth::tcp
