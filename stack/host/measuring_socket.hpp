// A socket that a measurement holds: what it sends and hears, with the host's own clock.
//
// It is no descriptor, so that nobody else can close it, and it hears errors one by one
// (Option::receive_errors). Every call takes the core lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "host/core.hpp"
#include "socket/socket.hpp"

namespace berth::host {

// A datagram, or the error that came of one.
struct Heard {
    Time when{};
    std::optional<ip::QueuedError> error{};
    socket::Received received{};
    std::vector<std::uint8_t> bytes{};  // of the datagram
};

class MeasuringSocket {
  public:
    // How often is_over is looked at while nothing comes.
    static constexpr Duration look_interval = milliseconds(50);

    MeasuringSocket(Core& core, socket::Type type, std::function<bool()> is_over);
    ~MeasuringSocket();
    MeasuringSocket(const MeasuringSocket&) = delete;
    MeasuringSocket& operator=(const MeasuringSocket&) = delete;

    // Not std::errc{}: there is no such socket, and every call fails.
    std::errc error() const { return error_; }
    std::errc set(socket::Option option, std::int64_t value);
    // `sent_at`: just before the stack had it.
    std::errc send(Bytes message, Endpoint to, Time& sent_at);
    // Waits until something comes, at most until `deadline`. Nothing: it did not, or it is over.
    std::optional<Heard> hear(Time deadline);
    bool is_over() const { return is_over_(); }
    Time now() const { return core_.now(); }
    Core& core() { return core_; }

  private:
    bool take(Heard& heard);

    Core& core_;
    std::function<bool()> is_over_;
    std::unique_ptr<socket::Socket> socket_;
    std::errc error_ = std::errc::protocol_not_supported;
    std::vector<std::uint8_t> buffer_;
};

}  // namespace berth::host
