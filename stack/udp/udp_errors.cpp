// What ICMP says about datagrams that we sent (RFC 1122 §4.1.3.3), and whom it is told.
#include <algorithm>
#include <utility>

#include "udp/udp.hpp"

namespace berth::udp {

namespace {

// For the queue that IP_RECVERR asks for.
ip::QueuedError queued(std::errc error, const ip::ErrorReport& report) {
    ip::QueuedError entry;
    entry.error = error;
    entry.type = static_cast<std::uint8_t>(report.type);
    entry.code = report.code;
    if (report.is_fragmentation_needed()) entry.info = report.rest & 0xffffU;
    entry.reporter = report.reporter;
    entry.destination = report.four_tuple.remote;
    const Bytes payload = report.quoted_transport.subspan(wire::udp_header_bytes);
    const Bytes kept = payload.first(std::min(payload.size(), Udp::limit_quoted_bytes));
    entry.payload.assign(kept.begin(), kept.end());
    return entry;
}

}  // namespace

// RFC 1191 §3, and RFC 5927 §7.2: nobody has to refuse a packet that is no larger than what he says
// he takes; such a report is forged.
bool Udp::lower_path_mtu(const UdpPort& port, const ip::ErrorReport& report, Time now) {
    const auto next_hop_mtu = static_cast<std::uint16_t>(report.rest);
    if (report.quoted_total_length <= next_hop_mtu) return false;
    const Ipv4Address peer = report.four_tuple.remote.address;
    const auto path = path_for(port, peer, report.four_tuple.local.address, {});
    if (!path) return false;
    ip_.path_mtus().lower(peer, next_hop_mtu, report.quoted_total_length, path->mtu, now);
    return true;
}

Fate Udp::on_icmp_error(const ip::ErrorReport& report, Time now) {
    const Match found = find(report.four_tuple, std::nullopt);
    if (found.port == nullptr) return Fate::dropped(DropReason::icmp_error_no_match);
    UdpPort& port = *found.port;
    if (report.is_fragmentation_needed()) {
        if (port.mtu_discover == ip::MtuDiscover::never)
            return Fate::consumed("packet too big for a udp port that sends without DF");
        if (!lower_path_mtu(port, report, now))
            return Fate::dropped(DropReason::icmp_error_bad_quote);
    }
    // One port, many peers: the error alone could not say whom it is about, so it is told only to
    // who asked for the queue of errors, which names the peer (as POSIX systems do).
    if (found.match != DemuxMatch::four_tuple && !port.receive_errors)
        return Fate::consumed("icmp error about an unconnected udp port");

    const std::errc error = ip::errc_of(report);
    port.inbox.set_error(error);
    if (port.receive_errors) port.inbox.push_error(queued(error, report));
    port.tell();
    Fate fate;
    fate.kind = FateKind::delivered;
    fate.match = found.match;
    fate.has_association = true;
    fate.association = {Protocol::udp, report.four_tuple};
    fate.note = "icmp error";
    return fate;
}

}  // namespace berth::udp
