#include "icmp/icmp.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "ip/options.hpp"
#include "wire/ipv4_options.hpp"

namespace berth::icmp {

namespace {

// RFC 1812 §4.3.2.3: an error is at most 576 bytes long, its IP header included.
constexpr std::size_t max_error_bytes = 576;
constexpr std::size_t max_quote_bytes =
    max_error_bytes - wire::ipv4_header_bytes - wire::icmp_header_bytes;

// RFC 1812 §4.3.2.5: a router's errors have precedence 6, internetwork control. RFC 1122 §3.2.2: a
// host's are ordinary traffic.
constexpr std::uint8_t router_dscp = 6 << 3;

constexpr Duration echo_interval = seconds(1) / Icmp::echo_replies_per_second;

constexpr std::uint8_t icmp_number = static_cast<std::uint8_t>(Protocol::icmp);

// The options that an echo reply brings back (§3.2.2.6): record route and timestamp, with this host
// entered in them. Any other stays here, source routes too (RFC 7126 §4.3).
class ReflectedOptions {
  public:
    ReflectedOptions(const wire::Ipv4View& request, Time now) {
        if (request.options().empty()) return;
        std::array<std::uint8_t, wire::ipv4_max_header_bytes> copy{};
        const MutableBytes header = MutableBytes(copy).first(request.header_bytes());
        std::copy_n(request.packet().begin(), header.size(), header.begin());
        fault_ = ip::record_passage(header, request.destination(), now);
        wire::walk_options(Bytes(header).subspan(wire::ipv4_header_bytes), [&](Bytes option) {
            if (option[0] != wire::ipv4_option::record_route &&
                option[0] != wire::ipv4_option::timestamp)
                return;
            std::copy(option.begin(), option.end(),
                      bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
            size_ += option.size();
        });
        size_ = (size_ + 3) / 4 * 4;  // the rest is zero: the end of the list
    }

    // The octet of the header that is wrong.
    std::optional<std::uint8_t> fault() const { return fault_; }
    Bytes bytes() const { return Bytes(bytes_).first(size_); }

  private:
    std::array<std::uint8_t, wire::ipv4_max_header_bytes - wire::ipv4_header_bytes> bytes_{};
    std::size_t size_ = 0;
    std::optional<std::uint8_t> fault_;
};

}  // namespace

Icmp::Icmp(ip::Ipv4& ip, link::LinkContext context, Random random)
    : ip_(ip), ping_ports_(ip, context, random.fork(1)), limiter_(random.fork(2)) {}

std::variant<Fate, ip::ErrorReport> Icmp::receive(link::Frame& frame, const wire::Ipv4View& packet,
                                                  link::InterfaceIndex interface_index, Time now) {
    const auto message = wire::IcmpView::parse(packet.payload());
    if (!message) return Fate::dropped(message.error());
    switch (message->type()) {
        case wire::IcmpType::echo_request: return answer_echo(packet, *message, now);
        case wire::IcmpType::echo_reply:
            return ping_ports_.receive(frame, packet, *message, interface_index);
        // §3.2.2.8: a host may leave timestamps alone; they tell strangers its clock. §3.2.2.7 and
        // §3.2.2.9: it should not implement the others (RFC 6918 has buried them since).
        case wire::IcmpType::timestamp_request:
        case wire::IcmpType::information_request:
        case wire::IcmpType::address_mask_request:
            return Fate::dropped(DropReason::icmp_not_answered);
        case wire::IcmpType::timestamp_reply:
        case wire::IcmpType::information_reply:
        case wire::IcmpType::address_mask_reply: return Fate::dropped(DropReason::icmp_not_wanted);
        // RFC 6633 retired source quench.
        case wire::IcmpType::source_quench: return Fate::dropped(DropReason::icmp_error_ignored);
        case wire::IcmpType::redirect:
            return receive_redirect(packet, *message, interface_index, now);
        case wire::IcmpType::destination_unreachable:
        case wire::IcmpType::time_exceeded:
        case wire::IcmpType::parameter_problem: return receive_error(packet, *message);
    }
    return Fate::dropped(DropReason::icmp_unknown_type);
}

// §3.2.2.6: every host has an echo server; the reply comes from the address that was asked and
// brings all the data back, with the type of service of the request (RFC 1812 §4.3.2.5).
Fate Icmp::answer_echo(const wire::Ipv4View& packet, const wire::IcmpView& request, Time now) {
    if (ip_.is_group(packet.destination())) return Fate::dropped(DropReason::icmp_echo_to_group);
    if (!echo_.has(echo_interval, echo_interval * echo_burst, now))
        return Fate::dropped(DropReason::icmp_echo_limit);
    echo_.take(echo_interval, now);
    const ReflectedOptions options(packet, now);
    if (options.fault()) {
        send_error(wire::IcmpType::parameter_problem, wire::icmp_code::see_pointer, packet, false,
                   now, wire::icmp_pointer(*options.fault()));
        return Fate::dropped(DropReason::ip_bad_option);
    }

    std::array<std::uint8_t, wire::icmp_header_bytes> header{};
    wire::write({wire::IcmpType::echo_reply, 0, request.rest()}, request.payload(), header);
    ip::SendFields fields;
    fields.source = packet.destination();
    fields.destination = packet.source();
    fields.protocol = Protocol::icmp;
    fields.dscp = packet.header().dscp;
    fields.options = options.bytes();
    const std::array<Bytes, 2> parts{Bytes(header), request.payload()};
    const DropReason reason = ip_.send(fields, parts, now, Fate::sent("echo reply"));
    if (reason != DropReason::none) return Fate::consumed("echo request; its reply was dropped");
    ++counters_.echo_replies;
    return Fate::consumed("echo reply sent");
}

Fate Icmp::receive_redirect(const wire::Ipv4View& packet, const wire::IcmpView& redirect,
                            link::InterfaceIndex interface_index, Time now) {
    // Off unless asked for: anybody on the way can forge one, and doing without costs a detour
    // only.
    if (!ip_.config().accept_redirects) return Fate::dropped(DropReason::icmp_error_ignored);
    const auto quoted = quote_of_ours(packet, redirect);
    if (!quoted) return Fate::dropped(quoted.error());
    const DropReason reason = ip_.redirect(quoted->destination(), Ipv4Address(redirect.rest()),
                                           packet.source(), interface_index, now);
    if (reason != DropReason::none) return Fate::dropped(reason);
    return Fate::consumed("redirect to a better first hop");
}

// An error goes to the source of what it is about (§3.2.2), which is one of us.
Result<QuotedPacket, DropReason> Icmp::quote_of_ours(const wire::Ipv4View& packet,
                                                     const wire::IcmpView& error) const {
    auto quoted = QuotedPacket::parse(error.payload());
    if (quoted && (quoted->source() != packet.destination() || !ip_.is_own(quoted->source())))
        return Failure{DropReason::icmp_error_bad_quote};
    return quoted;
}

std::variant<Fate, ip::ErrorReport> Icmp::receive_error(const wire::Ipv4View& packet,
                                                        const wire::IcmpView& error) const {
    const auto quoted = quote_of_ours(packet, error);
    if (!quoted) return Fate::dropped(quoted.error());
    // It quotes the ports, which only a first fragment has.
    if (!quoted->is_first_fragment()) return Fate::dropped(DropReason::icmp_error_bad_quote);
    return report_of(error.header(), packet.source(), *quoted);
}

// §3.2.2's list of what no error is ever sent about, as far as the datagram shows it; nullptr: one
// may be sent.
std::uint64_t* Icmp::reason_against(const wire::Ipv4View& offending, bool to_link_group) {
    if (offending.header().fragment_offset_bytes != 0) return &counters_.about_fragment;
    if (offending.protocol() == icmp_number) {
        const Bytes message = offending.payload();
        if (message.empty() || wire::is_icmp_error(wire::IcmpType{message[0]}))
            return &counters_.about_error;
    }
    if (to_link_group || ip_.is_group(offending.destination())) return &counters_.about_group;
    // 127/8 comes from nowhere but ourselves.
    if (!ip_.is_single_host(offending.source()) && !offending.source().is_loopback())
        return &counters_.to_bad_source;
    return nullptr;
}

std::uint64_t* Icmp::limit_reached(Ipv4Address peer, Time now) {
    switch (limiter_.ask(peer, now)) {
        case ErrorLimiter::Verdict::peer_limit: return &counters_.peer_limit;
        case ErrorLimiter::Verdict::total_limit: return &counters_.total_limit;
        case ErrorLimiter::Verdict::allowed: break;
    }
    return nullptr;
}

void Icmp::send_error(wire::IcmpType type, std::uint8_t code, const wire::Ipv4View& offending,
                      bool to_link_group, Time now, std::uint32_t rest) {
    std::uint64_t* against = reason_against(offending, to_link_group);
    if (against == nullptr) against = limit_reached(offending.source(), now);
    if (against != nullptr) {
        ++*against;
        return;
    }
    const Bytes quote =
        offending.packet().first(std::min(offending.packet().size(), max_quote_bytes));
    std::array<std::uint8_t, wire::icmp_header_bytes> header{};
    wire::write({type, code, rest}, quote, header);
    ip::SendFields fields;
    if (ip_.is_own(offending.destination())) {
        fields.source = offending.destination();
    } else {
        fields.dscp = router_dscp;
    }
    fields.destination = offending.source();
    fields.protocol = Protocol::icmp;
    const std::array<Bytes, 2> parts{Bytes(header), quote};
    const DropReason reason = ip_.send(fields, parts, now, Fate::sent("icmp error"));
    ++(reason == DropReason::none ? counters_.errors_sent : counters_.unsendable);
}

}  // namespace berth::icmp
