#include "host/measuring_socket.hpp"

#include <array>

#include "socket/sockets.hpp"

namespace berth::host {

namespace {

constexpr std::uint8_t icmp_protocol = static_cast<std::uint8_t>(Protocol::icmp);

}  // namespace

MeasuringSocket::MeasuringSocket(Core& core, socket::Type type, std::function<bool()> is_over)
    : core_(core), is_over_(std::move(is_over)), buffer_(65'535) {
    const CoreGuard guard(core_.lock());
    socket_ = socket::open(core_.stack(), type, icmp_protocol);
    if (socket_) error_ = socket_->set_option(socket::Option::receive_errors, 1);
}

MeasuringSocket::~MeasuringSocket() {
    const CoreGuard guard(core_.lock());
    socket_.reset();
}

std::errc MeasuringSocket::set(socket::Option option, std::int64_t value) {
    const CoreGuard guard(core_.lock());
    return socket_ ? socket_->set_option(option, value) : error_;
}

std::errc MeasuringSocket::send(Bytes message, Endpoint to, Time& sent_at) {
    const CoreGuard guard(core_.lock());
    if (!socket_) return error_;
    core_.begin_call();
    sent_at = core_.now();
    const auto sent = socket_->send({&message, 1}, to);
    core_.end_call();
    return sent ? std::errc{} : sent.error();
}

bool MeasuringSocket::take(Heard& heard) {
    // Beside each queued error stands a pending one that receive() reports first; it says less.
    constexpr int pending_errors = 8;
    for (int attempt = 0; attempt < pending_errors; ++attempt) {
        if (auto error = socket_->take_queued_error()) {
            heard.error = *std::move(error);
            return true;
        }
        MutableBytes whole(buffer_);
        const auto received = socket_->receive({&whole, 1}, {});
        if (received) {
            heard.received = *received;
            heard.bytes.assign(buffer_.begin(),
                               buffer_.begin() + static_cast<std::ptrdiff_t>(received->bytes));
            return true;
        }
        if (received.error() == std::errc::operation_would_block) return false;
    }
    return false;
}

std::optional<Heard> MeasuringSocket::hear(Time deadline) {
    CoreGuard guard(core_.lock());
    if (!socket_) return std::nullopt;
    Waiter waiter;
    waiter.set_every_round(true);
    const SeatVisit visit(*core_.seat(), waiter);
    for (;;) {
        Heard heard;
        core_.begin_call();
        heard.when = core_.now();
        const bool taken = take(heard);
        core_.end_call();
        if (taken) return heard;
        if (core_.now() >= deadline || is_over_() || core_.is_shut()) return std::nullopt;
        core_.seat()->wait(guard, waiter, earlier(deadline, core_.now() + look_interval));
    }
}

}  // namespace berth::host
