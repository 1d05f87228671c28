// The options of a stream socket: Linux's ranges and what getsockopt says (tcp(7), socket(7)).
#include <algorithm>
#include <limits>

#include "socket/option_range.hpp"
#include "socket/tcp_socket.hpp"
#include "tcp/congestion/names.hpp"

namespace berth::socket {

namespace {

constexpr std::errc invalid = std::errc::invalid_argument;
constexpr std::int64_t int_max = std::numeric_limits<std::int32_t>::max();

// Linux's bounds (include/net/tcp.h).
constexpr std::int64_t min_mss_bytes = 88;
constexpr std::int64_t max_mss_bytes = 32'767;
constexpr std::int64_t max_keep_time_s = 32'767;
constexpr std::int64_t max_keep_count = 127;
constexpr std::int64_t max_syn_count = 127;
constexpr std::int64_t max_linger2_s = 120;
constexpr std::int64_t max_defer_accept_retries = 255;
constexpr std::int64_t min_window_clamp_bytes = min_buffer_bytes / 2;
constexpr std::int64_t default_mss_bytes = 536;  // RFC 9293 §3.7.1

template <class Field>
std::errc assign(Field& to, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most) return invalid;
    to = static_cast<Field>(value);
    return {};
}

std::errc assign_flag(bool& to, std::int64_t value) {
    to = value != 0;
    return {};
}

// TCP_DEFER_ACCEPT counts in SYN,ACKs: the time is rounded up to the one after which the next would
// go.
std::uint32_t rounded_to_retries(std::int64_t value_s, const tcp::Config& config) {
    if (value_s <= 0) return 0;
    const std::int64_t longest_s = std::max<std::int64_t>(config.rto_max.seconds(), 1);
    std::int64_t step_s = std::max<std::int64_t>(config.rto_initial.seconds(), 1);
    std::int64_t sum_s = step_s;
    for (std::int64_t n = 1; n < max_defer_accept_retries && sum_s < value_s; ++n) {
        step_s = std::min(2 * step_s, longest_s);
        sum_s += step_s;
    }
    return static_cast<std::uint32_t>(sum_s);
}

// What the user chose, else what the host has.
std::int64_t seconds_of(std::uint32_t chosen_s, Duration of_host) {
    return chosen_s != 0 ? std::int64_t{chosen_s} : of_host.seconds();
}

std::int64_t number_of(std::uint32_t chosen, std::uint32_t of_host) {
    return chosen != 0 ? chosen : of_host;
}

}  // namespace

std::errc TcpSocket::set_option(Option option, std::int64_t value) {
    demux::Sharing shared = sharing();
    switch (option) {
        case Option::reuse_address:
            shared.address = value != 0;
            share(shared);
            return {};
        case Option::reuse_port:
            shared.port = value != 0;
            share(shared);
            return {};
        case Option::quick_ack:
            if (connection() != nullptr) connection_->set_quick_ack((value & 1) != 0);
            return {};
        case Option::congestion:
            return value >= 0 && value < std::ssize(tcp::congestion_names)
                       ? std::errc{}
                       : std::errc::no_such_file_or_directory;
        default: break;
    }
    tcp::Options chosen = options();
    if (const std::errc error = change(chosen, option, value); error != std::errc{}) return error;
    set_options(chosen);
    return {};
}

std::errc TcpSocket::change(tcp::Options& chosen, Option option, std::int64_t value) const {
    switch (option) {
        case Option::linger:
            chosen.linger_s =
                static_cast<std::int32_t>(std::clamp<std::int64_t>(value, -1, int_max));
            return {};
        case Option::keep_alive: return assign_flag(chosen.keep_alive, value);
        case Option::out_of_band_inline: return assign_flag(chosen.out_of_band_inline, value);
        case Option::receive_low_water: {
            // Never more than the buffer can hold; negative: as much as may be (Linux).
            const std::int64_t most = number_of(chosen.receive_buffer_bytes,
                                                stack_.tcp().config().receive_buffer_max_bytes);
            const std::int64_t wanted = value < 0 ? most : std::min(value, most);
            chosen.receive_low_water =
                static_cast<std::uint32_t>(std::max<std::int64_t>(wanted, 1));
            return {};
        }
        case Option::receive_buffer: chosen.receive_buffer_bytes = clamp_buffer(value); return {};
        case Option::send_buffer: chosen.send_buffer_bytes = clamp_buffer(value); return {};
        case Option::ttl: return assign(chosen.ttl, value, 1, 255);
        case Option::tos: return assign(chosen.tos, value, 0, 255);
        case Option::receive_errors: return assign_flag(chosen.receive_errors, value);
        default: return change_tcp(chosen, option, value);
    }
}

std::errc TcpSocket::change_tcp(tcp::Options& chosen, Option option, std::int64_t value) const {
    const tcp::Config& config = stack_.tcp().config();
    switch (option) {
        case Option::no_delay: return assign_flag(chosen.no_delay, value);
        case Option::cork: return assign_flag(chosen.cork, value);
        case Option::maximum_segment:
            if (value != 0 && value < min_mss_bytes) return invalid;
            return assign(chosen.user_mss, value, 0, max_mss_bytes);
        case Option::keep_idle: return assign(chosen.keep_idle_s, value, 1, max_keep_time_s);
        case Option::keep_interval:
            return assign(chosen.keep_interval_s, value, 1, max_keep_time_s);
        case Option::keep_count: return assign(chosen.keep_count, value, 1, max_keep_count);
        case Option::syn_count: return assign(chosen.syn_count, value, 1, max_syn_count);
        case Option::linger2:
            chosen.linger2_s =
                static_cast<std::int32_t>(std::clamp<std::int64_t>(value, -1, max_linger2_s));
            return {};
        case Option::defer_accept:
            chosen.defer_accept_s = rounded_to_retries(value, config);
            return {};
        case Option::user_timeout:
            if (value < 0 || value > int_max) return invalid;
            chosen.user_timeout = milliseconds(value);
            return {};
        case Option::window_clamp:
            if (value < 0 || (value == 0 && role_ != Role::none)) return invalid;
            chosen.window_clamp = static_cast<std::uint32_t>(
                value == 0 ? 0 : std::clamp(value, min_window_clamp_bytes, int_max));
            return {};
        case Option::notsent_low_water:
            chosen.notsent_low_water = static_cast<std::uint32_t>(value);  // -1: no bound (Linux)
            return {};
        case Option::fast_open:
            if (value < 0 || connection() != nullptr) return invalid;
            chosen.fast_open_queue =
                static_cast<std::uint32_t>(std::min<std::int64_t>(value, config.max_backlog));
            return {};
        case Option::fast_open_connect:
            if (value < 0 || value > 1) return invalid;
            if ((config.fast_open & 1) == 0) return std::errc::operation_not_supported;
            if (role_ != Role::none) return invalid;
            return assign_flag(chosen.fast_open_connect, value);
        default: return std::errc::no_protocol_option;
    }
}

Result<std::int64_t, std::errc> TcpSocket::get_option(Option option) {
    if (const auto value = chosen_value(option)) return *value;
    if (const auto value = tcp_value(option)) return *value;
    if (option == Option::mtu) {
        if (connection() == nullptr) return Failure{std::errc::not_connected};
        return std::int64_t{connection_->path().mtu};
    }
    if (listener() != nullptr && option >= Option::unread_bytes && option <= Option::unsent_bytes)
        return Failure{invalid};  // a listener has no stream (Linux, tcp_ioctl)
    if (const auto value = present_value(option)) return *value;
    return Failure{std::errc::no_protocol_option};
}

std::optional<std::int64_t> TcpSocket::chosen_value(Option option) const {
    const tcp::Config& config = stack_.tcp().config();
    const tcp::Options& chosen = options();
    switch (option) {
        case Option::reuse_address: return sharing().address;
        case Option::reuse_port: return sharing().port;
        case Option::linger: return chosen.linger_s;
        case Option::keep_alive: return chosen.keep_alive;
        case Option::out_of_band_inline: return chosen.out_of_band_inline;
        case Option::receive_low_water: return chosen.receive_low_water;
        case Option::receive_buffer:  // where it is tuned: what it has come to
            if (connection() != nullptr && chosen.receive_buffer_bytes == 0)
                return connection_->receiver().limit_bytes;
            return number_of(chosen.receive_buffer_bytes, config.receive_buffer_bytes);
        case Option::send_buffer:
            if (connection() != nullptr && chosen.send_buffer_bytes == 0)
                return connection_->send_limit_bytes();
            return number_of(chosen.send_buffer_bytes, config.send_buffer_bytes);
        case Option::ttl: return number_of(chosen.ttl, stack_.ip().config().ttl);
        case Option::tos: return chosen.tos;
        case Option::receive_errors: return chosen.receive_errors;
        default: return std::nullopt;
    }
}

std::optional<std::int64_t> TcpSocket::tcp_value(Option option) const {
    const tcp::Config& config = stack_.tcp().config();
    const tcp::Options& chosen = options();
    switch (option) {
        case Option::no_delay: return chosen.no_delay;
        case Option::cork: return chosen.cork;
        case Option::quick_ack: return connection() == nullptr || connection_->quick_ack();
        case Option::maximum_segment:
            if (connection() != nullptr) return connection_->sender().mss();
            return number_of(chosen.user_mss, default_mss_bytes);
        case Option::keep_idle: return seconds_of(chosen.keep_idle_s, config.keep_idle);
        case Option::keep_interval: return seconds_of(chosen.keep_interval_s, config.keep_interval);
        case Option::keep_count: return number_of(chosen.keep_count, config.keep_probes);
        case Option::syn_count: return number_of(chosen.syn_count, config.syn_retries);
        case Option::linger2:
            return chosen.linger2_s != 0 ? std::int64_t{chosen.linger2_s}
                                         : config.fin_wait_2.seconds();
        case Option::defer_accept: return chosen.defer_accept_s;
        case Option::user_timeout: return chosen.user_timeout.milliseconds();
        case Option::window_clamp: return chosen.window_clamp;
        case Option::notsent_low_water: return chosen.notsent_low_water;
        case Option::fast_open: return chosen.fast_open_queue;
        case Option::fast_open_connect: return chosen.fast_open_connect;
        case Option::congestion: return 0;
        default: return std::nullopt;
    }
}

// How things stand.
std::optional<std::int64_t> TcpSocket::present_value(Option option) {
    tcp::Connection* const connected = role_ == Role::connection ? connection_ : nullptr;
    const auto bytes = [](std::size_t count) {
        return std::optional(static_cast<std::int64_t>(count));
    };
    switch (option) {
        case Option::error:
            return static_cast<std::int64_t>(connected == nullptr ? std::errc{}
                                                                  : connected->take_error());
        case Option::type: return static_cast<std::int64_t>(Type::stream);
        case Option::accepting: return listener() != nullptr;
        case Option::unread_bytes: return bytes(connected ? connected->readable_bytes() : 0);
        case Option::unacked_bytes: return bytes(connected ? connected->unacknowledged_bytes() : 0);
        case Option::unsent_bytes: return bytes(connected ? connected->unsent_bytes() : 0);
        case Option::at_mark: return connected != nullptr && connected->at_mark();
        default: return std::nullopt;
    }
}

}  // namespace berth::socket
