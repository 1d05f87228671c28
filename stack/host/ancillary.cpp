#include "host/ancillary.hpp"

#include <linux/errqueue.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "host/interface_names.hpp"

namespace berth::host {

namespace {

constexpr std::size_t header_bytes = CMSG_ALIGN(sizeof(cmsghdr));

// The bytes of a structure of the system's.
template <class T>
std::array<std::uint8_t, sizeof(T)> bytes_of(const T& value) {
    std::array<std::uint8_t, sizeof(T)> bytes{};
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

template <class T>
std::optional<T> value_of(Bytes data) {
    if (data.size() != sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, data.data(), sizeof value);
    return value;
}

in_addr system_address(Ipv4Address address) {
    return {htonl(address.value)};
}

int take_packet_info(Bytes data, const Stack& stack, socket::SendControl& control) {
    const auto info = value_of<in_pktinfo>(data);
    if (!info) return EINVAL;
    if (info->ipi_ifindex != 0) {
        control.interface_index =
            interface_numbered(stack, static_cast<unsigned>(info->ipi_ifindex));
        if (!control.interface_index) return ENODEV;
    }
    control.source = Ipv4Address(ntohl(info->ipi_spec_dst.s_addr));
    return 0;
}

int take_ttl(Bytes data, socket::SendControl& control) {
    const auto ttl = value_of<int>(data);
    if (!ttl || *ttl < 1 || *ttl > 255) return EINVAL;
    control.ttl = static_cast<std::uint8_t>(*ttl);
    return 0;
}

// As ip(7): an int or a single byte.
int take_tos(Bytes data, socket::SendControl& control) {
    const int tos = data.size() == 1 ? data[0] : value_of<int>(data).value_or(-1);
    if (tos < 0 || tos > 255) return EINVAL;
    control.tos = static_cast<std::uint8_t>(tos);
    return 0;
}

int take(int type, Bytes data, const Stack& stack, socket::SendControl& control) {
    switch (type) {
        case IP_PKTINFO: return take_packet_info(data, stack, control);
        case IP_TTL: return take_ttl(data, control);
        case IP_TOS: return take_tos(data, control);
        default: return EINVAL;
    }
}

bool is_on(socket::Socket& socket, socket::Option option) {
    const auto value = socket.get_option(option);
    return value && *value != 0;
}

}  // namespace

Result<socket::SendControl, int> control_from(Bytes control, const Stack& stack) {
    socket::SendControl result;
    while (control.size() >= sizeof(cmsghdr)) {
        cmsghdr header{};
        std::memcpy(&header, control.data(), sizeof header);
        if (header.cmsg_len < header_bytes || header.cmsg_len > control.size())
            return Failure{EINVAL};
        const Bytes data = control.subspan(header_bytes, header.cmsg_len - header_bytes);
        // SOL_SOCKET's (SO_TIMESTAMPING …) ask for what is not there; file descriptors go nowhere.
        if (header.cmsg_level == SOL_SOCKET) return Failure{EINVAL};
        if (header.cmsg_level == IPPROTO_IP) {
            if (const int error = take(header.cmsg_type, data, stack, result))
                return Failure{error};
        }
        control = control.subspan(std::min(CMSG_ALIGN(header.cmsg_len), control.size()));
    }
    return result;
}

void ControlWriter::add(int level, int type, Bytes data) {
    const MutableBytes room = room_.subspan(size_);
    if (room.size() < sizeof(cmsghdr)) {
        truncated_ = true;
        return;
    }
    cmsghdr header{};
    header.cmsg_level = level;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(data.size());
    if (header.cmsg_len > room.size()) {
        truncated_ = true;
        header.cmsg_len = room.size();
    }
    std::memcpy(room.data(), &header, sizeof header);
    const std::size_t fits = header.cmsg_len - std::min(header_bytes, header.cmsg_len);
    std::copy_n(data.begin(), fits, room.data() + header_bytes);
    size_ += std::min(CMSG_SPACE(data.size()), room.size());
}

// In Linux's order.
void tell_received(ControlWriter& writer, socket::Socket& socket, const Stack& stack,
                   const socket::Received& received) {
    if (is_on(socket, socket::Option::packet_info)) {
        in_pktinfo info{};
        info.ipi_ifindex = static_cast<int>(number_of(received.interface_index));
        info.ipi_addr = system_address(received.destination);
        // The address to answer from: what was addressed, unless that names many hosts.
        const bool to_group = stack.ip().is_group(received.destination);
        info.ipi_spec_dst = system_address(
            to_group ? address_on(stack, received.interface_index, received.source.address)
                     : received.destination);
        writer.add(IPPROTO_IP, IP_PKTINFO, bytes_of(info));
    }
    if (is_on(socket, socket::Option::receive_ttl))
        writer.add(IPPROTO_IP, IP_TTL, bytes_of(int{received.ttl}));
    if (is_on(socket, socket::Option::receive_tos))
        writer.add(IPPROTO_IP, IP_TOS, bytes_of(received.tos));
}

void tell_error(ControlWriter& writer, const ip::QueuedError& error) {
    struct {
        sock_extended_err error;
        sockaddr_in offender;
    } told{};
    told.error.ee_errno = static_cast<std::uint32_t>(error.error);
    told.error.ee_origin = error.from_icmp ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_LOCAL;
    told.error.ee_type = error.type;
    told.error.ee_code = error.code;
    told.error.ee_info = error.info;
    if (!error.reporter.is_unspecified()) {
        told.offender.sin_family = AF_INET;
        told.offender.sin_addr = system_address(error.reporter);
    }
    writer.add(IPPROTO_IP, IP_RECVERR, bytes_of(told));
}

}  // namespace berth::host
