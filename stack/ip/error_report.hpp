// An ICMP error about a packet of ours, as far as the quote shows it: what the transports and the
// raw and ping sockets are told.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "berth/address.hpp"
#include "wire/icmp.hpp"

namespace berth::ip {

struct ErrorReport {
    wire::IcmpType type = wire::IcmpType::destination_unreachable;
    std::uint8_t code = 0;
    std::uint32_t rest = 0;     // fragmentation needed: the next hop's MTU in the low half
    Ipv4Address reporter;       // who sent the error
    std::uint8_t protocol = 0;  // of the quoted packet
    // Of the quoted packet, seen from here: local is us. The ports are zero where the protocol has
    // none; for an echo request the local port is its identifier.
    FourTuple four_tuple;
    // Of the quoted packet as its header says, not of the quote; zero where we speak to ourselves.
    std::uint16_t quoted_total_length = 0;
    Bytes quoted_transport;  // at least 8 bytes of the quoted packet's transport header

    bool is_fragmentation_needed() const {
        return type == wire::IcmpType::destination_unreachable &&
               code == wire::icmp_code::fragmentation_needed;
    }
};

}  // namespace berth::ip
