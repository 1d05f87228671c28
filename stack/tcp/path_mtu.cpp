// How large a segment the path takes: path MTU discovery (RFC 1191, RFC 9293 §3.7.2), with RFC
// 5927's checks of who says so, and black holes found without anybody saying anything (RFC 4821 in
// spirit).
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {

constexpr std::uint16_t timestamp_option_bytes = 12;
constexpr auto fixed_header_bytes =
    static_cast<std::uint16_t>(wire::ipv4_header_bytes + wire::tcp_header_bytes);
// Timeouts in a row of a full-sized segment that make a black hole likelier than a dead path: R1 of
// RFC 9293 §3.8.3 (Linux: net.ipv4.tcp_retries1).
constexpr unsigned black_hole_timeouts = 3;
// RFC 4821 §7.2: what all but the rarest paths take; then half of it, down to the least believed.
constexpr std::uint16_t black_hole_base_mtu = 1024;

}  // namespace

// RFC 9293 §3.7.1 (MUST-16): Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCP header - options.
std::uint16_t Connection::send_mss() const {
    constexpr std::uint16_t smallest_mss =
        64;  // below it every byte would cost a packet; Linux clamps at 48, FreeBSD at 216
    const std::uint16_t mss = std::min(std::max(handshake_.peer_mss, smallest_mss), receive_mss());
    return static_cast<std::uint16_t>(mss - (packet_header_bytes() - fixed_header_bytes));
}

// A full segment as a packet: RFC 1191 §3.1 counts everything from the IP header on.
std::uint16_t Connection::full_packet_bytes() const {
    return static_cast<std::uint16_t>(sender_.mss() + packet_header_bytes());
}
std::uint16_t Connection::packet_header_bytes() const {
    const std::size_t tcp_options = handshake_.timestamps ? timestamp_option_bytes : 0;
    return static_cast<std::uint16_t>(fixed_header_bytes + tcp_options +
                                      tcp_.ip_option_bytes(four_tuple));
}

// Takes over what is known of the path by now; true if it takes less than was thought.
bool Connection::follow_path_mtu() {
    const ip::PathMtuCache& known = tcp_.path_mtus();
    path_mtu_generation_ = known.generation();
    if (path_.is_loopback) return false;
    const Ipv4Address destination = four_tuple.remote.address;
    std::uint16_t mtu = tcp_.link_mtu(path_);
    if (const auto value = known.find(destination)) mtu = std::min(mtu, *value);
    if (suspected_mtu_ != 0) mtu = std::min(mtu, suspected_mtu_);
    const bool locked = known.is_locked(destination);
    const bool narrower = mtu < path_.mtu || (locked && !may_be_fragmented_);
    path_.mtu = mtu;
    may_be_fragmented_ = locked;
    if (state_ != State::closed && state_ != State::syn_sent) sender_.set_mss(send_mss());
    return narrower;
}

// RFC 5927 §7.2: what the quoted packet can have had at most, from what is in flight behind its
// sequence number; a quote that says more, or a claim that such a packet would have fitted, is a
// forgery. Its second check, to wait for a timeout before a claim is believed, is not made: the
// sequence number must be guessed, a smaller MTU costs speed only, and min_mtu bounds how much.
DropReason Connection::on_fragmentation_needed(const ip::ErrorReport& report, Time now) {
    const SequenceNumber quoted(load_be32(report.quoted_transport, 4));
    const auto& snd = sender_.snd();
    if (!in_window(quoted, snd.una, snd.nxt - snd.una)) return DropReason::icmp_error_no_match;
    const std::uint32_t in_flight = packet_header_bytes() + (snd.nxt - quoted);
    const std::uint32_t packet_bytes = report.quoted_total_length;
    const auto claimed = static_cast<std::uint16_t>(report.rest & 0xffff);
    if (packet_bytes > in_flight || claimed >= packet_bytes) return DropReason::icmp_mtu_refuted;

    tcp_.path_mtus().lower(four_tuple.remote.address, claimed, report.quoted_total_length,
                           path_.mtu, now);
    const bool narrower = follow_path_mtu();
    // Many packets of one flight meet the same router: only the first report, and one about what
    // was sent since, speak of something that has not gone again.
    const bool is_news = narrower || (packet_bytes > path_.mtu && sender_.is_fresh(quoted));
    if (!is_news) return DropReason::none;
    tcp_.count(Count::path_mtu_reductions);
    sender_.on_packet_too_big(quoted, now);
    rearm();
    mark_ready();
    return DropReason::none;
}

// RFC 4821 §7.7: full-sized segments vanish time after time while nobody says that they are too
// big. Perhaps the path is dead, perhaps it swallows large packets: smaller ones find out.
void Connection::suspect_black_hole() {
    const std::uint16_t bytes = full_packet_bytes();
    if (!tcp_.config().mtu_probing || path_.is_loopback || may_be_fragmented_) return;
    if (state_ == State::syn_sent || state_ == State::syn_received) return;
    if (sender_.unanswered_timeouts() < black_hole_timeouts || !sender_.next_is_full()) return;
    if (bytes <= ip::PathMtuCache::min_mtu) return;
    suspected_mtu_ = bytes > black_hole_base_mtu
                         ? black_hole_base_mtu
                         : std::max<std::uint16_t>(ip::PathMtuCache::min_mtu, bytes / 2);
    tcp_.count(Count::black_holes_suspected);
    follow_path_mtu();
}

// The smaller segments got through: what was suspected is known now, to the connections that follow
// as well, until it ages (RFC 1191 §6.3).
void Connection::confirm_black_hole(Time now) {
    const std::uint16_t link_mtu = tcp_.link_mtu(path_);
    tcp_.path_mtus().lower(four_tuple.remote.address, suspected_mtu_, link_mtu, link_mtu, now);
    suspected_mtu_ = 0;
    follow_path_mtu();
}

}  // namespace berth::tcp
