// IPv4 datagrams (RFC 791, RFC 1122 §3.2.1): a view that cannot be wrong, and a writer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

struct Ipv4Header {
    std::uint8_t dscp = 0;  // 6 bits (RFC 2474)
    std::uint8_t ecn = 0;   // 2 bits (RFC 3168)
    std::uint16_t total_length = 0;
    std::uint16_t identification = 0;
    bool dont_fragment = false;
    bool more_fragments = false;
    std::uint16_t fragment_offset_bytes = 0;  // a multiple of 8
    std::uint8_t ttl = 64;
    std::uint8_t protocol = 0;
    Ipv4Address source;
    Ipv4Address destination;

    constexpr bool operator==(const Ipv4Header&) const = default;
};

inline constexpr std::size_t ipv4_header_bytes = 20;      // without options
inline constexpr std::size_t ipv4_max_header_bytes = 60;  // with all the options that fit

class Ipv4View {
  public:
    // Checks version, header length, total length against `packet` (what follows is link padding
    // and is cut off), the header checksum, and that the options' lengths fit.
    static Result<Ipv4View, DropReason> parse(Bytes packet);

    Ipv4Address source() const;
    Ipv4Address destination() const;
    std::uint8_t protocol() const;
    std::uint8_t ttl() const;
    std::uint8_t ecn() const;
    bool is_fragment() const;   // more fragments follow, or this is not the first
    Ipv4Header header() const;  // all fields as values
    Bytes options() const;
    bool has_source_route() const;  // a loose or strict source route option (RFC 791)
    Bytes payload() const;
    Bytes packet() const { return packet_; }  // header and payload, without link padding
    std::size_t header_bytes() const { return std::size_t{4} * (packet_[0] & 0x0fU); }

  private:
    explicit Ipv4View(Bytes packet) : packet_(packet) {}
    Bytes packet_;
};

// Writes ipv4_header_bytes at the start of `to`, checksum included.
void write(const Ipv4Header& header, MutableBytes to);

}  // namespace berth::wire
