#include "harness/packetdrill_calls.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "harness/pattern.hpp"

namespace berth::harness::packetdrill {
namespace {

using socket::Option;

std::int64_t number_in(std::string_view text) {
    // "[1]", "4", "{onoff=1, linger=0}" is read elsewhere.
    while (!text.empty() && (text.front() == '[' || text.front() == ' '))
        text.remove_prefix(1);
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string name_of(std::errc error) {
    static const std::map<std::errc, std::string> names = {
        {std::errc::operation_would_block, "EAGAIN"},
        {std::errc::operation_in_progress, "EINPROGRESS"},
        {std::errc::connection_already_in_progress, "EALREADY"},
        {std::errc::already_connected, "EISCONN"},
        {std::errc::not_connected, "ENOTCONN"},
        {std::errc::connection_refused, "ECONNREFUSED"},
        {std::errc::connection_reset, "ECONNRESET"},
        {std::errc::connection_aborted, "ECONNABORTED"},
        {std::errc::broken_pipe, "EPIPE"},
        {std::errc::timed_out, "ETIMEDOUT"},
        {std::errc::invalid_argument, "EINVAL"},
        {std::errc::host_unreachable, "EHOSTUNREACH"},
        {std::errc::network_unreachable, "ENETUNREACH"},
        {std::errc::address_in_use, "EADDRINUSE"},
        {std::errc::address_not_available, "EADDRNOTAVAIL"},
        {std::errc::no_protocol_option, "ENOPROTOOPT"},
        {std::errc::operation_not_supported, "EOPNOTSUPP"},
        {std::errc::no_buffer_space, "ENOBUFS"},
        {std::errc::bad_file_descriptor, "EBADF"},
    };
    const auto found = names.find(error);
    return found == names.end() ? "errno " + std::to_string(static_cast<int>(error))
                                : found->second;
}

Calls::Outcome outcome_of(std::errc error) {
    if (error == std::errc{}) return {};
    return {-1, name_of(error)};
}

const std::map<std::string_view, Option>& options_by_name() {
    static const std::map<std::string_view, Option> names = {
        {"SO_REUSEADDR", Option::reuse_address},
        {"SO_SNDBUF", Option::send_buffer},
        {"SO_RCVBUF", Option::receive_buffer},
        {"SO_ERROR", Option::error},
        {"TCP_NODELAY", Option::no_delay},
        {"TCP_MAXSEG", Option::maximum_segment},
        {"IP_TOS", Option::tos},
        {"IP_TTL", Option::ttl},
    };
    return names;
}

}  // namespace

bool apply(const Sysctl& sysctl, tcp::Config& config) {
    const std::string_view name = sysctl.name;
    const std::int64_t value = sysctl.value;
    const auto is = [name](std::string_view what) { return name == what; };
    if (is("net.ipv4.tcp_sack"))
        config.sack = value != 0;
    else if (is("net.ipv4.tcp_dsack"))
        config.dsack = value != 0;
    else if (is("net.ipv4.tcp_timestamps"))
        config.timestamps = value != 0;
    else if (is("net.ipv4.tcp_window_scaling"))
        config.window_scaling = value != 0;
    else if (is("net.ipv4.tcp_ecn"))
        config.ecn = static_cast<std::uint8_t>(value);
    else if (is("net.ipv4.tcp_fastopen"))
        config.fast_open = static_cast<std::uint8_t>(value);
    else if (is("net.ipv4.tcp_syn_retries"))
        config.syn_retries = static_cast<std::uint8_t>(value);
    else if (is("net.ipv4.tcp_synack_retries"))
        config.synack_retries = static_cast<std::uint8_t>(value);
    else if (is("net.ipv4.tcp_retries2"))
        config.data_retries = static_cast<std::uint8_t>(value);
    else if (is("net.ipv4.tcp_fin_timeout"))
        config.fin_wait_2 = seconds(value);
    else if (is("net.ipv4.tcp_keepalive_time"))
        config.keep_idle = seconds(value);
    else if (is("net.ipv4.tcp_keepalive_intvl"))
        config.keep_interval = seconds(value);
    else if (is("net.ipv4.tcp_keepalive_probes"))
        config.keep_probes = static_cast<std::uint8_t>(value);
    else if (is("net.ipv4.tcp_syncookies"))
        config.syn_cookies = static_cast<std::uint8_t>(value);
    else if (is("net.ipv4.tcp_slow_start_after_idle"))
        config.slow_start_after_idle = value != 0;
    else if (is("net.ipv4.tcp_moderate_rcvbuf"))
        config.moderate_receive_buffer = value != 0;
    else if (is("net.ipv4.tcp_rfc1337"))
        config.rfc1337 = value != 0;
    else
        return false;
    return true;
}

Calls::Outcome Calls::make(const Call& call) {
    if (call.name == "socket") {
        const int number = static_cast<int>(call.result);
        descriptors_[number].socket = socket::open(script_.core(), socket::Type::stream);
        return {number, ""};
    }
    if (call.arguments.empty()) return {0, call.name, false};
    const auto found = descriptors_.find(static_cast<int>(number_in(call.arguments[0])));
    if (found == descriptors_.end()) return {-1, "EBADF"};
    if (call.name == "close") {
        descriptors_.erase(found);
        return {};
    }
    return on_socket(call, found->second);
}

Calls::Outcome Calls::on_socket(const Call& call, Descriptor& descriptor) {
    socket::Socket& socket = *descriptor.socket;
    const std::string& name = call.name;
    if (name == "fcntl" || name == "ioctl") return {call.result, call.error};  // never blocks here
    if (name == "bind") return outcome_of(socket.bind({{}, local_.port}));
    if (name == "listen")
        return outcome_of(socket.listen(static_cast<int>(number_in(call.arguments.at(1)))));
    if (name == "accept" || name == "accept4") return accept(call, descriptor);
    if (name == "connect") return connect(descriptor);
    if (name == "write" || name == "send" || name == "sendto") return write(call, descriptor);
    if (name == "read" || name == "recv" || name == "recvfrom") return read(call, descriptor);
    if (name == "setsockopt" || name == "getsockopt") return option(call, descriptor);
    if (name == "shutdown") {
        const std::string& how = call.arguments.at(1);
        return outcome_of(socket.shutdown(how == "SHUT_RD"   ? socket::Shutdown::read
                                          : how == "SHUT_WR" ? socket::Shutdown::write
                                                             : socket::Shutdown::both));
    }
    return {0, name, false};
}

Calls::Outcome Calls::accept(const Call& call, Descriptor& descriptor) {
    auto accepted = descriptor.socket->accept();
    if (!accepted) return outcome_of(accepted.error());
    const int number = static_cast<int>(call.result);
    descriptors_[number] = {std::move(*accepted), 0, 0};
    return {number, ""};
}

Calls::Outcome Calls::connect(Descriptor& descriptor) {
    const Outcome outcome = outcome_of(descriptor.socket->connect(remote_));
    local_ = descriptor.socket->local();
    return outcome;
}

Calls::Outcome Calls::write(const Call& call, Descriptor& descriptor) {
    const auto size = static_cast<std::size_t>(number_in(call.arguments.at(2)));
    const auto data = pattern(Source::app, descriptor.written, size);
    const std::array<Bytes, 1> parts{Bytes(data)};
    const auto taken = descriptor.socket->send(parts, std::nullopt);
    if (!taken) return outcome_of(taken.error());
    descriptor.written += *taken;
    return {static_cast<std::int64_t>(*taken), ""};
}

Calls::Outcome Calls::read(const Call& call, Descriptor& descriptor) {
    std::vector<std::uint8_t> data(static_cast<std::size_t>(number_in(call.arguments.at(2))));
    const std::array<MutableBytes, 1> parts{MutableBytes(data)};
    const auto received = descriptor.socket->receive(parts, {});
    if (!received) return outcome_of(received.error());
    data.resize(received->bytes);
    if (data != pattern(Source::peer, descriptor.read, data.size()))
        return {static_cast<std::int64_t>(data.size()), "bytes that the remote did not send there"};
    descriptor.read += data.size();
    return {static_cast<std::int64_t>(data.size()), ""};
}

Calls::Outcome Calls::option(const Call& call, Descriptor& descriptor) {
    const std::string& name = call.arguments.at(2);
    socket::Socket& socket = *descriptor.socket;
    if (name == "SO_LINGER") {
        const std::string& value = call.arguments.at(3);
        const bool on = value.find("onoff=1") != std::string::npos;
        const std::size_t seconds_at = value.find("linger=");
        const std::int64_t seconds =
            seconds_at == std::string::npos ? 0 : number_in(value.substr(seconds_at + 7));
        return outcome_of(socket.set_option(Option::linger, on ? seconds : -1));
    }
    const auto option = options_by_name().find(name);
    if (option == options_by_name().end()) return {0, name, false};
    if (call.name == "setsockopt")
        return outcome_of(socket.set_option(option->second, number_in(call.arguments.at(3))));
    const auto value = socket.get_option(option->second);
    if (!value) return outcome_of(value.error());
    const std::int64_t wanted = number_in(call.arguments.at(3));
    if (*value != wanted) return {*value, name + " is " + std::to_string(*value)};
    return {};
}

}  // namespace berth::harness::packetdrill
