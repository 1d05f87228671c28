#include "icmp/icmp.hpp"

#include <algorithm>
#include <array>

#include "icmp/quoted_packet.hpp"

namespace berth::icmp {

namespace {

// RFC 1812 §4.3.2.3: an error is at most 576 bytes long, its IP header included.
constexpr std::size_t max_error_bytes = 576;
constexpr std::size_t max_quote_bytes =
    max_error_bytes - wire::ipv4_header_bytes - wire::icmp_header_bytes;

bool is_icmp(const wire::Ipv4View& packet) {
    return packet.protocol() == static_cast<std::uint8_t>(Protocol::icmp);
}

}  // namespace

Icmp::Icmp(ip::Ipv4& ip, link::LinkContext /*context*/, Random random)
    : ip_(ip), limiter_(errors_per_second, error_burst, random) {}

std::variant<Fate, ErrorReport> Icmp::receive(const wire::Ipv4View& packet, Time now) {
    const auto message = wire::IcmpView::parse(packet.payload());
    if (!message) return Fate::dropped(message.error());
    switch (message->type()) {
        case wire::IcmpType::echo_request: return answer_echo(packet, *message, now);
        case wire::IcmpType::echo_reply:
        // §3.2.2.8: a host may leave timestamps alone.
        case wire::IcmpType::timestamp_request:
        case wire::IcmpType::timestamp_reply: return Fate::dropped(DropReason::icmp_not_wanted);
        // RFC 6633 retired source quench. Redirects (§3.2.2.2) are ignored: anybody on the way can
        // forge one, and a wrong first hop costs a detour only.
        case wire::IcmpType::source_quench:
        case wire::IcmpType::redirect: return Fate::dropped(DropReason::icmp_error_ignored);
        case wire::IcmpType::destination_unreachable:
        case wire::IcmpType::time_exceeded:
        case wire::IcmpType::parameter_problem: return receive_error(packet, *message);
    }
    return Fate::dropped(DropReason::icmp_unknown_type);
}

// §3.2.2.6: every host has an echo server; the reply comes from the address that was asked and
// brings all the data back.
Fate Icmp::answer_echo(const wire::Ipv4View& packet, const wire::IcmpView& request, Time now) {
    if (ip_.is_group(packet.destination())) return Fate::dropped(DropReason::icmp_echo_to_group);

    std::array<std::uint8_t, wire::icmp_header_bytes> header{};
    wire::write({wire::IcmpType::echo_reply, 0, request.rest()}, request.payload(), header);
    ip::SendFields fields;
    fields.source = packet.destination();
    fields.destination = packet.source();
    fields.protocol = Protocol::icmp;
    fields.dscp = packet.header().dscp;
    const std::array<Bytes, 2> parts{Bytes(header), request.payload()};
    const DropReason reason = ip_.send(fields, parts, now, Fate::sent("echo reply"));
    if (reason != DropReason::none) return Fate::consumed("echo request; its reply was dropped");
    ++echo_replies_;
    return Fate::consumed("echo reply sent");
}

std::variant<Fate, ErrorReport> Icmp::receive_error(const wire::Ipv4View& packet,
                                                    const wire::IcmpView& error) const {
    const auto quoted = QuotedPacket::parse(error.payload());
    if (!quoted) return Fate::dropped(quoted.error());
    // An error goes to the source of what it is about (§3.2.2), which is one of us, and quotes the
    // ports, which only a first fragment has.
    if (quoted->source() != packet.destination() || !ip_.is_own(quoted->source()) ||
        !quoted->is_first_fragment()) {
        return Fate::dropped(DropReason::icmp_error_bad_quote);
    }
    const bool is_tcp = quoted->protocol() == static_cast<std::uint8_t>(Protocol::tcp);
    const bool is_udp = quoted->protocol() == static_cast<std::uint8_t>(Protocol::udp);
    if (!is_tcp && !is_udp) return Fate::dropped(DropReason::icmp_error_no_match);

    const Bytes transport = quoted->transport();
    ErrorReport report;
    report.type = error.type();
    report.code = error.code();
    report.rest = error.rest();
    report.reporter = packet.source();
    report.protocol = quoted->protocol();
    report.four_tuple.local = {quoted->source(), load_be16(transport, 0)};
    report.four_tuple.remote = {quoted->destination(), load_be16(transport, 2)};
    report.quoted_transport = transport;
    return report;
}

// §3.2.2's list of what no error is ever sent about, as far as the datagram shows it.
bool Icmp::may_be_about(const wire::Ipv4View& offending) const {
    if (is_icmp(offending)) {
        const Bytes message = offending.payload();
        if (message.empty() || wire::is_icmp_error(wire::IcmpType{message[0]})) return false;
    }
    if (ip_.is_group(offending.destination())) return false;
    if (offending.header().fragment_offset_bytes != 0) return false;
    // 127/8 comes from nowhere but ourselves.
    return ip_.is_single_host(offending.source()) || offending.source().is_loopback();
}

void Icmp::send_error(wire::IcmpType type, std::uint8_t code, const wire::Ipv4View& offending,
                      bool to_link_group, Time now, std::uint32_t rest) {
    if (to_link_group || !may_be_about(offending) || !limiter_.allow(now)) {
        ++errors_suppressed_;
        return;
    }
    const Bytes quote =
        offending.packet().first(std::min(offending.packet().size(), max_quote_bytes));
    std::array<std::uint8_t, wire::icmp_header_bytes> header{};
    wire::write({type, code, rest}, quote, header);
    ip::SendFields fields;
    // RFC 1812 §4.3.2.4 for hosts: from the address that was meant, if it is ours.
    if (ip_.is_own(offending.destination())) fields.source = offending.destination();
    fields.destination = offending.source();
    fields.protocol = Protocol::icmp;
    const std::array<Bytes, 2> parts{Bytes(header), quote};
    if (ip_.send(fields, parts, now, Fate::sent("icmp error")) == DropReason::none) ++errors_sent_;
}

}  // namespace berth::icmp
