// What the sender of datagrams may choose about the packets they become (RFC 1122 §3.4).
#pragma once

#include <cstdint>
#include <optional>

#include "berth/address.hpp"
#include "link/interface.hpp"

namespace berth::ip {

// Linux ip(7) IP_PMTUDISC_*: whether datagrams may be fragmented, and what is done about the path.
enum class MtuDiscover : std::uint8_t {
    never,   // fragmented wherever needed, here and by routers
    want,    // DF while they fit the path MTU, fragmented here beyond it
    always,  // DF; too large for the path MTU: message_size
    probe,   // DF; the path MTU is not looked at, only the link's
};

// For one datagram alone (cmsg IP_PKTINFO, IP_TTL, IP_TOS).
struct SendControl {
    Ipv4Address source{};  // unspecified: the socket's, or the path's
    std::optional<link::InterfaceIndex> interface_index{};
    std::optional<std::uint8_t> ttl{};
    std::optional<std::uint8_t> tos{};  // DSCP and ECN
};

}  // namespace berth::ip
