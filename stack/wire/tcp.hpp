// TCP segments (RFC 9293 §3.1) and their options (§3.2; RFC 7323, RFC 2018, RFC 7413).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

struct TcpFlags {
    bool fin = false;
    bool syn = false;
    bool rst = false;
    bool psh = false;
    bool ack = false;
    bool urg = false;
    bool ece = false;
    bool cwr = false;

    static constexpr TcpFlags from_byte(std::uint8_t b) {
        return {(b & 1) != 0,  (b & 2) != 0,  (b & 4) != 0,  (b & 8) != 0,
                (b & 16) != 0, (b & 32) != 0, (b & 64) != 0, (b & 128) != 0};
    }
    constexpr std::uint8_t to_byte() const {
        return static_cast<std::uint8_t>(fin | syn << 1 | rst << 2 | psh << 3 | ack << 4 |
                                         urg << 5 | ece << 6 | cwr << 7);
    }
    constexpr bool operator==(const TcpFlags&) const = default;
};

struct TcpTimestamps {
    std::uint32_t value = 0;  // TSval
    std::uint32_t echo = 0;   // TSecr
    constexpr bool operator==(const TcpTimestamps&) const = default;
};

struct TcpSackBlock {
    std::uint32_t left = 0;   // first sequence number of the block
    std::uint32_t right = 0;  // the one after its last
    constexpr bool operator==(const TcpSackBlock&) const = default;
};

// A Fast Open cookie (RFC 7413 §4.1.1): 4 to 16 bytes, an even number of them; without any it is a
// request for one. Bytes beyond `size` are zero.
struct TcpFastOpen {
    static constexpr std::size_t least_cookie_bytes = 4;
    static constexpr std::size_t max_cookie_bytes = 16;
    std::array<std::uint8_t, max_cookie_bytes> bytes{};
    std::uint8_t size = 0;

    constexpr bool is_request() const { return size == 0; }
    constexpr bool operator==(const TcpFastOpen&) const = default;
};

// What the options said. Unknown options are skipped (RFC 9293 §3.1 MUST-6), and so is a known one
// whose length is not its own; an option whose length does not fit the header ends the list there,
// and what came before counts (MUST-7: no length may hurt us). Of an option that comes twice, the
// last counts.
struct TcpOptions {
    std::optional<std::uint16_t> mss;
    std::optional<std::uint8_t>
        window_scale;  // as on the wire: up to 255; RFC 7323 §2.3 caps its use at 14
    bool sack_permitted = false;
    std::optional<TcpTimestamps> timestamps;
    std::array<TcpSackBlock, 4> sack_blocks{};
    std::uint8_t sack_block_count = 0;
    bool malformed = false;  // the list ended early
    std::optional<TcpFastOpen> fast_open;

    constexpr bool operator==(const TcpOptions&) const = default;
};

struct TcpHeader {
    Port source_port = 0;
    Port destination_port = 0;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    TcpFlags flags;
    std::uint16_t window = 0;  // as on the wire, unscaled
    std::uint16_t urgent_pointer = 0;
    TcpOptions options;

    constexpr bool operator==(const TcpHeader&) const = default;
};

inline constexpr std::size_t tcp_header_bytes = 20;
inline constexpr std::size_t tcp_max_header_bytes = 60;

class TcpView {
  public:
    // `segment` is the IP payload. Checks the data offset and, unless vouched for, the checksum.
    static Result<TcpView, DropReason> parse(Bytes segment, Ipv4Address source,
                                             Ipv4Address destination, bool checksum_vouched);

    Port source_port() const;
    Port destination_port() const;
    std::uint32_t seq() const;
    std::uint32_t ack() const;
    TcpFlags flags() const;
    std::uint16_t window() const;
    std::uint16_t urgent_pointer() const;
    TcpOptions options() const;  // parses them anew at each call
    Bytes payload() const;
    TcpHeader header() const;

  private:
    explicit TcpView(Bytes segment) : segment_(segment) {}
    Bytes segment_;
};

// How many bytes write_tcp will write: 20 … 60, a multiple of 4.
std::size_t tcp_header_size(const TcpOptions& options);

// Writes the header at the start of `to` (at least tcp_header_size(header.options) bytes). Options
// go out in Linux's order (MSS, SACK permitted, timestamps, NOP + window scale, Fast Open; on
// segments without SYN: NOP NOP timestamps, NOP NOP SACK), padded with NOP; SACK blocks that no
// longer fit are left out, the last first. The checksum covers pseudo-header, header and `payload`.
// `malformed` is ignored. Returns the bytes written.
std::size_t write_tcp(const TcpHeader& header, Ipv4Address source, Ipv4Address destination,
                      std::span<const Bytes> payload, MutableBytes to);

}  // namespace berth::wire
