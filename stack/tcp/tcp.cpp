// Demultiplexing and ingress: exact four-tuple, then the listener at the address, then the wildcard
// listener, otherwise nobody (RFC 9293 §3.10.7).
#include "tcp/tcp.hpp"

#include <utility>

#include "tcp/isn.hpp"

namespace berth::tcp {

namespace {
SipHashKey key_from(Random& random) {
    return {random.next_u64(), random.next_u64()};
}
SipHashKey key_from(Random&& random) {
    return key_from(random);
}
}  // namespace

Tcp::Tcp(const Config& config, ip::Ipv4& ip, link::LinkContext context, Random random, Time start)
    : config_(config),
      ip_(ip),
      context_(context),
      isn_secret_(key_from(random)),
      timestamp_secret_(key_from(random)),
      syn_cookies_(key_from(random.fork(3))),
      fast_open_keys_(key_from(random.fork(4))),
      table_(key_from(random)),
      listeners_(key_from(random)),
      local_users_(key_from(random)),
      ephemeral_(random.fork(1)),
      random_(random.fork(2)),
      wheel_(start),
      now_(start),
      frames_(std::make_unique<std::array<link::OutFrame, batch_frames>>()) {}

Tcp::~Tcp() {
    std::vector<demux::Entry*> entries;
    table_.for_each([&](demux::Entry& entry) { entries.push_back(&entry); });
    for (demux::Entry* entry : entries) {
        if (entry->kind == demux::EntryKind::connection)
            connection_slab_.destroy(*static_cast<Connection*>(entry));
        else if (entry->kind == demux::EntryKind::half_open)
            half_open_slab_.destroy(*static_cast<HalfOpen*>(entry));
        else
            time_wait_slab_.destroy(*static_cast<TimeWait*>(entry));
    }
    std::vector<demux::LocalBinding*> bindings;
    listeners_.for_each([&](demux::LocalBinding& binding) { bindings.push_back(&binding); });
    for (auto* binding : bindings)
        delete static_cast<Listener*>(binding);
    reap();
}

FourTuple Tcp::four_tuple_of(const wire::Ipv4View& packet, const wire::TcpView& segment) {
    return {{packet.destination(), segment.destination_port()},
            {packet.source(), segment.source_port()}};
}

Fate Tcp::fate_for(const FourTuple& four_tuple, DropReason reason, DemuxMatch match, State before,
                   State after) {
    Fate fate;
    fate.kind = reason == DropReason::none ? FateKind::delivered : FateKind::dropped;
    fate.reason = reason;
    fate.match = match;
    fate.has_association = true;
    fate.state_before = static_cast<std::uint8_t>(before);
    fate.state_after = static_cast<std::uint8_t>(after);
    fate.association = {Protocol::tcp, four_tuple};
    return fate;
}

Fate Tcp::receive(link::Frame& frame, const wire::Ipv4View& packet, const wire::TcpView& view,
                  demux::ConnectionTable::Hash hash, Time now) {
    now_ = now;
    count(Count::in_segs);
    const FourTuple four_tuple = four_tuple_of(packet, view);
    // RFC 9293 §3.9.2.3 (MUST-57): TCP has exactly one peer. (The ip layer has checked the source.)
    if (packet.destination().is_multicast() || ip_.is_broadcast(packet.destination()))
        return Fate::dropped(DropReason::tcp_to_group);
    if (four_tuple.local.port == 0 || four_tuple.remote.port == 0)
        return Fate::dropped(DropReason::tcp_port_zero);

    Segment segment = Segment::of(view, frame);
    segment.ecn = packet.ecn();
    // Read before the frame's buffer becomes the receiver's.
    const auto way_back = ip::SourceRoute::back_from(packet);
    if (way_back) segment.way_back = &*way_back;
    const Fate fate = [&] {
        demux::Entry* entry = table_.find(four_tuple, hash);
        if (entry != nullptr && entry->kind == demux::EntryKind::connection)
            return deliver(*static_cast<Connection*>(entry), segment, DemuxMatch::four_tuple, now);
        if (entry != nullptr && entry->kind == demux::EntryKind::half_open)
            return on_half_open(*static_cast<HalfOpen*>(entry), segment, now);
        const auto match = listeners_.find(four_tuple.local, four_tuple.remote);
        if (entry != nullptr) {
            auto& record = *static_cast<TimeWait*>(entry);
            // RFC 9293 §3.6.1 MAY-2: the one exception to "the four-tuple decides".
            if (const auto passed = pass_time_wait(record, match, segment, now)) return *passed;
            return on_time_wait(record, segment, now);
        }
        if (match.binding != nullptr) return on_listen(match, four_tuple, segment, now);
        if (!segment.flags.rst) reply_with_reset(four_tuple, segment, now);
        return fate_for(four_tuple, DropReason::tcp_no_connection, DemuxMatch::nobody,
                        State::closed, State::closed);
    }();
    reap();
    return fate;
}

Fate Tcp::deliver(Connection& connection, Segment& segment, DemuxMatch match, Time now) {
    const FourTuple four_tuple = connection.four_tuple;
    const State before = connection.state();
    const DropReason reason = connection.on_segment(segment, now);
    if (segment.way_back != nullptr && reason == DropReason::none)
        change_route(connection, *segment.way_back);
    return fate_for(four_tuple, reason, match, before, connection.state());
}

Fate Tcp::on_icmp_error(const ip::ErrorReport& report, Time now) {
    now_ = now;
    demux::Entry* entry = table_.find(report.four_tuple);
    if (entry == nullptr || report.quoted_transport.size() < 8)
        return Fate::dropped(DropReason::icmp_error_no_match);
    // Source quench is history (RFC 6633 §3, MUST-55); records have their own patience.
    if (entry->kind != demux::EntryKind::connection || report.type == wire::IcmpType::source_quench)
        return Fate::dropped(DropReason::icmp_error_ignored);
    auto& connection = *static_cast<Connection*>(entry);
    const State before = connection.state();
    const DropReason reason = [&] {
        if (report.is_fragmentation_needed())
            return connection.on_fragmentation_needed(report, now);
        const bool unreachable = report.type == wire::IcmpType::destination_unreachable;
        const bool hard = unreachable && (report.code == wire::icmp_code::protocol_unreachable ||
                                          report.code == wire::icmp_code::port_unreachable);
        const std::errc error = hard ? std::errc::connection_refused
                                : unreachable && report.code == wire::icmp_code::net_unreachable
                                    ? std::errc::network_unreachable
                                    : std::errc::host_unreachable;
        return connection.on_icmp_error(hard, error,
                                        SequenceNumber(load_be32(report.quoted_transport, 4)));
    }();
    if (reason == DropReason::icmp_error_no_match) count(Count::out_of_window_icmps);
    const Fate fate =
        fate_for(report.four_tuple, reason, DemuxMatch::four_tuple, before, connection.state());
    reap();
    return fate;
}

void Tcp::on_unreachable(const FourTuple& four_tuple) {
    demux::Entry* entry = table_.find(four_tuple);
    if (entry == nullptr || entry->kind != demux::EntryKind::connection) return;
    static_cast<Connection*>(entry)->on_unreachable();
    reap();
}

// What half-open and TIME-WAIT records say to segments that they cannot use. They have nothing that
// could be guessed and taken over; that nobody can count on how many there are in a second, half of
// it at most withheld, costs nothing.
bool Tcp::may_challenge(Time now) {
    const std::int64_t second = now.ns / 1'000'000'000;
    if (second != challenge_second_) {
        challenge_second_ = second;
        const std::uint32_t half = config_.challenge_acks_per_second / 2;
        challenges_left_ = half + (half == 0 ? 0 : random_.below(half + 1));
    }
    if (challenges_left_ == 0) {
        count(Count::challenge_acks_suppressed);
        return false;
    }
    --challenges_left_;
    return true;
}

void Tcp::retire(Connection& connection) {
    if (connection.retired_) return;
    if (connection.is_orphan()) --orphan_count_;
    connection.retired_ = true;
    on_proven(connection);
    --connection_count_;
    table_.erase(connection);
    vacate(connection);
    wheel_.cancel(connection);
    unlink_ready(connection);
    if (connection.listener_ != nullptr) {
        std::erase(connection.listener_->accept_queue, &connection);
        connection.listener_ = nullptr;
    }
    if (connection.user_ == nullptr) graveyard_.push_back(&connection);
}

void Tcp::reap() {
    for (Connection* connection : graveyard_)
        connection_slab_.destroy(*connection);
    graveyard_.clear();
}

}  // namespace berth::tcp
