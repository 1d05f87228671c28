#include "icmp/quoted_packet.hpp"

#include "wire/ipv4.hpp"

namespace berth::icmp {

namespace {

bool has_ports(std::uint8_t protocol) {
    return protocol == static_cast<std::uint8_t>(Protocol::tcp) ||
           protocol == static_cast<std::uint8_t>(Protocol::udp);
}

}  // namespace

Result<QuotedPacket, DropReason> QuotedPacket::parse(Bytes quote) {
    constexpr auto bad = Failure{DropReason::icmp_error_bad_quote};
    if (quote.size() < wire::ipv4_header_bytes + min_transport_bytes) return bad;
    if (quote[0] >> 4 != 4) return bad;
    const std::size_t header = header_bytes(quote);
    if (header < wire::ipv4_header_bytes || quote.size() < header + min_transport_bytes) return bad;
    return QuotedPacket(quote);
}

ip::ErrorReport report_of(const wire::IcmpHeader& error, Ipv4Address reporter,
                          const QuotedPacket& quoted) {
    const Bytes transport = quoted.transport();
    ip::ErrorReport report;
    report.type = error.type;
    report.code = error.code;
    report.rest = error.rest;
    report.reporter = reporter;
    report.protocol = quoted.protocol();
    report.four_tuple = {{quoted.source(), 0}, {quoted.destination(), 0}};
    report.quoted_total_length = quoted.total_length();
    report.quoted_transport = transport;
    if (has_ports(quoted.protocol())) {
        report.four_tuple.local.port = load_be16(transport, 0);
        report.four_tuple.remote.port = load_be16(transport, 2);
    } else if (quoted.protocol() == static_cast<std::uint8_t>(Protocol::icmp) &&
               wire::IcmpType{transport[0]} == wire::IcmpType::echo_request) {
        report.four_tuple.local.port = load_be16(transport, 4);
    }
    return report;
}

}  // namespace berth::icmp
