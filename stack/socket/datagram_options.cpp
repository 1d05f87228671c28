#include "socket/datagram_options.hpp"

#include "socket/option_range.hpp"

namespace berth::socket {

namespace {

constexpr std::errc invalid = std::errc::invalid_argument;

std::errc set_octet(std::uint8_t& octet, std::int64_t value, std::int64_t least) {
    if (value < least || value > 255) return invalid;
    octet = static_cast<std::uint8_t>(value);
    return {};
}

std::errc set_flag(bool& flag, std::int64_t value) {
    flag = value != 0;
    return {};
}

std::errc set_interface(std::optional<link::InterfaceIndex>& to, const ip::Ipv4& ip,
                        std::int64_t value) {
    if (value == -1) {
        to.reset();
        return {};
    }
    if (value < 0 || value > link::Interfaces::loopback_index ||
        !ip.interfaces().has(static_cast<link::InterfaceIndex>(value)))
        return std::errc::no_such_device;
    to = static_cast<link::InterfaceIndex>(value);
    return {};
}

std::int64_t value_of(const std::optional<link::InterfaceIndex>& index) {
    return index ? std::int64_t{*index} : -1;
}

std::errc set_mtu_discover(ip::MtuDiscover& to, std::int64_t value) {
    if (value < 0 || value > static_cast<std::int64_t>(ip::MtuDiscover::probe)) return invalid;
    to = static_cast<ip::MtuDiscover>(value);
    return {};
}

Result<std::int64_t, std::errc> path_mtu(const ip::Ipv4& ip, const ip::DatagramPort& port) {
    if (!port.is_connected()) return Failure{std::errc::not_connected};
    const auto path =
        ip.route(port.remote_address(), port.local_address(), port.settings.interface_index);
    if (!path) return Failure{std::errc::network_unreachable};
    return std::int64_t{path->mtu};
}

}  // namespace

std::optional<std::errc> DatagramOptions::set(const ip::Ipv4& ip, ip::DatagramPort& port,
                                              Option option, std::int64_t value) {
    ip::SendSettings& settings = port.settings;
    switch (option) {
        case Option::reuse_address: return set_flag(reuse_address_, value);
        case Option::broadcast: return set_flag(settings.broadcast_allowed, value);
        case Option::receive_buffer: port.queue.limit_bytes = clamp_buffer(value); return {{}};
        case Option::send_buffer: send_buffer_ = clamp_buffer(value); return {{}};
        case Option::ttl: return set_octet(settings.ttl, value, 1);
        case Option::tos: return set_octet(settings.tos, value, 0);
        case Option::bind_interface: return set_interface(settings.interface_index, ip, value);
        case Option::mtu_discover: return set_mtu_discover(settings.mtu_discover, value);
        case Option::receive_errors: return set_flag(port.receive_errors, value);
        case Option::packet_info: return set_flag(packet_info_, value);
        case Option::receive_ttl: return set_flag(receive_ttl_, value);
        case Option::receive_tos: return set_flag(receive_tos_, value);
        case Option::multicast_ttl: return set_octet(settings.multicast_ttl, value, 0);
        case Option::multicast_interface:
            return set_interface(settings.multicast_interface, ip, value);
        case Option::multicast_all: return set_flag(port.multicast_all, value);
        // What these sockets send to a group is not looped back, so that can only be confirmed.
        case Option::multicast_loop:
            return value == 0 ? std::errc{} : std::errc::operation_not_supported;
        default: return std::nullopt;
    }
}

std::optional<Result<std::int64_t, std::errc>> DatagramOptions::get(const ip::Ipv4& ip,
                                                                    ip::DatagramPort& port,
                                                                    Option option) const {
    using Value = Result<std::int64_t, std::errc>;
    const ip::SendSettings& settings = port.settings;
    switch (option) {
        case Option::reuse_address: return Value{reuse_address_};
        case Option::broadcast: return Value{settings.broadcast_allowed};
        case Option::receive_buffer:
            return Value{static_cast<std::int64_t>(port.queue.limit_bytes)};
        case Option::send_buffer: return Value{send_buffer_};
        case Option::ttl: return Value{settings.ttl == 0 ? ip.config().ttl : settings.ttl};
        case Option::tos: return Value{settings.tos};
        case Option::error: return Value{static_cast<std::int64_t>(port.queue.take_error())};
        case Option::accepting: return Value{0};
        case Option::unread_bytes: {
            const ip::Datagram* next = port.queue.front();
            return Value{next == nullptr ? 0 : static_cast<std::int64_t>(next->length)};
        }
        case Option::unacked_bytes: return Value{0};
        case Option::bind_interface: return Value{value_of(settings.interface_index)};
        case Option::mtu_discover: return Value{static_cast<std::int64_t>(settings.mtu_discover)};
        case Option::mtu: return path_mtu(ip, port);
        case Option::receive_errors: return Value{port.receive_errors};
        case Option::packet_info: return Value{packet_info_};
        case Option::receive_ttl: return Value{receive_ttl_};
        case Option::receive_tos: return Value{receive_tos_};
        case Option::multicast_ttl: return Value{settings.multicast_ttl};
        case Option::multicast_interface: return Value{value_of(settings.multicast_interface)};
        case Option::multicast_all: return Value{port.multicast_all};
        case Option::multicast_loop: return Value{0};
        default: return std::nullopt;
    }
}

}  // namespace berth::socket
