#include "icmp/quoted_packet.hpp"

#include "wire/ipv4.hpp"

namespace berth::icmp {

Result<QuotedPacket, DropReason> QuotedPacket::parse(Bytes quote) {
    constexpr auto bad = Failure{DropReason::icmp_error_bad_quote};
    if (quote.size() < wire::ipv4_header_bytes + min_transport_bytes) return bad;
    if (quote[0] >> 4 != 4) return bad;
    const std::size_t header = header_bytes(quote);
    if (header < wire::ipv4_header_bytes || quote.size() < header + min_transport_bytes) return bad;
    return QuotedPacket(quote);
}

}  // namespace berth::icmp
