// The beginning of a packet of ours, as an ICMP error quotes it (RFC 792, RFC 1122 §3.2.2).
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"
#include "ip/error_report.hpp"
#include "wire/icmp.hpp"

namespace berth::icmp {

// Not a wire::Ipv4View: the quote is cut short, so that its total length lies beyond it, and
// routers on the way changed TTL and checksum, not always both.
class QuotedPacket {
  public:
    // What every error has to quote of the transport (RFC 792).
    static constexpr std::size_t min_transport_bytes = 8;

    // icmp_error_bad_quote, unless it holds an IPv4 header and the transport's first 8 bytes.
    static Result<QuotedPacket, DropReason> parse(Bytes quote);

    Ipv4Address source() const { return Ipv4Address(load_be32(quote_, 12)); }
    Ipv4Address destination() const { return Ipv4Address(load_be32(quote_, 16)); }
    std::uint8_t protocol() const { return quote_[9]; }
    std::uint16_t total_length() const { return load_be16(quote_, 2); }
    bool is_first_fragment() const { return (load_be16(quote_, 6) & 0x1fffU) == 0; }
    Bytes transport() const { return quote_.subspan(header_bytes(quote_)); }

  private:
    explicit QuotedPacket(Bytes quote) : quote_(quote) {}
    static std::size_t header_bytes(Bytes quote) { return std::size_t{4} * (quote[0] & 0x0fU); }

    Bytes quote_;
};

// What the error says, to whom: `reporter` unspecified where we say it to ourselves.
ip::ErrorReport report_of(const wire::IcmpHeader& error, Ipv4Address reporter,
                          const QuotedPacket& quoted);

}  // namespace berth::icmp
