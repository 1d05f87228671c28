// Pieces of datagrams, and a reassembly that takes them, for tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "harness/packets.hpp"
#include "ip/reassembly.hpp"
#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"

namespace berth::harness {

inline constexpr Ipv4Address fragments_from{198, 51, 100, 1};
inline constexpr Ipv4Address fragments_to{192, 0, 2, 2};
inline constexpr std::uint8_t fragments_protocol = 17;

// The header of every piece, but for what makes it a piece.
inline wire::Ipv4Header fragment_header(std::uint16_t identification = 1) {
    wire::Ipv4Header header;
    header.identification = identification;
    header.protocol = fragments_protocol;
    header.source = fragments_from;
    header.destination = fragments_to;
    return header;
}

// One piece; `options` a multiple of four bytes.
inline Packet fragment(wire::Ipv4Header header, std::size_t offset, Bytes bytes, bool more,
                       Bytes options = {}) {
    const std::size_t header_bytes = wire::ipv4_header_bytes + options.size();
    Packet packet(header_bytes);
    header.fragment_offset_bytes = static_cast<std::uint16_t>(offset);
    header.more_fragments = more;
    header.total_length = static_cast<std::uint16_t>(header_bytes + bytes.size());
    wire::write(header, packet);
    if (!options.empty()) {
        packet[0] = static_cast<std::uint8_t>(0x40U | header_bytes / 4);
        std::copy(options.begin(), options.end(), packet.begin() + wire::ipv4_header_bytes);
        store_be16(packet, 10, 0);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(header_bytes)));
    }
    packet.insert(packet.end(), bytes.begin(), bytes.end());
    return packet;
}

struct FragmentResult {
    std::optional<Packet> whole;
    Fate fate;
};

// A reassembly with what it needs.
class Fragments {
  public:
    BufferPool pool;
    DropCounters drops;
    ip::Reassembly reassembly;
    Time now = Time{} + seconds(1000);

    explicit Fragments(const ip::Reassembly::Limits& limits = {})
        : reassembly(pool, drops, limits, SipHashKey{1, 2}) {}

    // As it comes from a link: in a buffer of the pool that holds `room` bytes at least.
    FragmentResult add(Bytes packet, std::size_t room = 0) {
        link::Frame frame;
        frame.buffer = pool.take(std::max(packet.size(), room));
        std::copy(packet.begin(), packet.end(), frame.buffer.data());
        frame.length = static_cast<std::uint32_t>(packet.size());
        frame.arrival = now;
        const auto piece = wire::Ipv4View::parse(std::as_const(frame).bytes());
        if (!piece) return {{}, Fate::dropped(piece.error())};
        auto result = reassembly.add(frame, *piece, now);
        if (const Fate* fate = std::get_if<Fate>(&result)) {
            if (fate->kind == FateKind::dropped) drops.add(fate->reason);
            return {{}, *fate};
        }
        const Bytes whole = std::as_const(std::get<link::Frame>(result)).bytes();
        return {Packet(whole.begin(), whole.end()), Fate::consumed("whole")};
    }
};

}  // namespace berth::harness
