// An outgoing packet that the stack owns until a device takes it: an answer without a connection
// (RST, ICMP, ARP), a datagram, or a segment that waits for its neighbour's address.
#pragma once

#include <cstdint>

#include "base/buffer.hpp"
#include "base/fate.hpp"
#include "berth/address.hpp"

namespace berth::link {

struct OwnedPacket {
    Buffer buffer;
    std::uint32_t offset = 0;  // where it begins; the bytes before are room for headers
    std::uint32_t length = 0;
    Ipv4Address next_hop{};  // whose link address the frame needs
    bool is_frame = false;   // the link header is there already (ARP)
    // As in OutFrame, counted from the packet's first byte: a segment that waits keeps its
    // offloads.
    bool needs_checksum = false;
    std::uint16_t checksum_start = 0;
    std::uint16_t checksum_offset = 0;
    std::uint16_t segment_size = 0;
    Fate fate = Fate::sent("");

    MutableBytes bytes() { return buffer.bytes().subspan(offset, length); }
    Bytes bytes() const { return buffer.bytes().subspan(offset, length); }
};

}  // namespace berth::link
