// Listeners and what becomes of a SYN: RFC 9293 §3.10.7.2 (LISTEN), and §3.10.7.4 as far as it
// speaks of a SYN-RECEIVED that came from a passive OPEN, kept as a small record until the
// handshake is complete.
#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

Result<Listener*, std::errc> Tcp::listen(Endpoint bound, demux::Sharing sharing,
                                         std::size_t backlog, const Options& options,
                                         ListenerUser* user) {
    using Use = demux::LocalUsers::Use;
    // Who was bound beside others may still not listen beside them.
    local_users_.remove(bound, Use::bound, sharing);
    const bool allowed = local_users_.allows(bound, sharing);
    local_users_.add(bound, allowed ? Use::listening : Use::bound, sharing);
    if (!allowed) return Failure{std::errc::address_in_use};
    auto listener = std::make_unique<Listener>(bound, backlog, options, user);
    listener->sharing = sharing;
    listeners_.join(*listener);
    return listener.release();
}

void Tcp::close(Listener& listener) {
    std::vector<HalfOpen*> records;
    if (listener.half_open > 0) {
        table_.for_each([&](demux::Entry& entry) {
            if (entry.kind == demux::EntryKind::half_open &&
                static_cast<HalfOpen&>(entry).listener == &listener)
                records.push_back(static_cast<HalfOpen*>(&entry));
        });
    }
    for (HalfOpen* record : records)
        destroy(*record);
    // Nobody will ever accept these: their peers must hear it.
    while (!listener.accept_queue.empty())
        listener.accept_queue.front()->abort();
    listeners_.erase(listener);
    local_users_.remove(listener.local, demux::LocalUsers::Use::listening, listener.sharing);
    delete &listener;
    reap();
}

Connection* Tcp::accept(Listener& listener, ConnectionUser* user) {
    if (listener.accept_queue.empty()) return nullptr;
    Connection* connection = listener.accept_queue.front();
    listener.accept_queue.pop_front();
    connection->listener_ = nullptr;
    connection->user_ = user;
    return connection;
}

// --- §3.10.7.2: LISTEN ---

Fate Tcp::on_listen(const demux::ListenerTable::Match& match, const FourTuple& four_tuple,
                    Segment& segment, Time now) {
    auto& listener = *static_cast<Listener*>(match.binding);
    const DropReason reason = listen_segment(listener, four_tuple, segment, now);
    return fate_for(four_tuple, reason, match.match, State::listen,
                    reason == DropReason::none ? State::syn_received : State::listen);
}

DropReason Tcp::listen_segment(Listener& listener, const FourTuple& four_tuple, Segment& segment,
                               Time now) {
    // First, a RST; second, an ACK; third, a SYN; fourth, anything else.
    if (segment.flags.rst) return DropReason::tcp_reset_in_listen;
    if (segment.flags.ack) {
        reply_with_reset(four_tuple, segment, now);
        return DropReason::tcp_ack_in_listen;
    }
    if (!segment.flags.syn) return DropReason::tcp_no_syn_in_listen;
    if (listener.is_full()) return DropReason::tcp_accept_queue_full;
    if (half_open_count_ >= config_.max_half_open) return DropReason::tcp_half_open_full;
    if (connection_count_ + half_open_count_ >= config_.max_connections)
        return DropReason::tcp_no_memory;

    HalfOpen* const record = half_open_slab_.create(four_tuple, listener);
    record->irs = segment.seq;
    record->iss = initial_sequence_number(four_tuple, isn_secret_, now);
    if (segment.passes != nullptr) {
        record->iss = segment.passes->above_it(record->iss);
        record->passed_time_wait = true;
    }
    record->window = segment.window;
    if (segment.options.mss) record->handshake.peer_mss = *segment.options.mss;
    if (config_.window_scaling && segment.options.window_scale) {
        record->peer_scales = true;
        record->handshake.peer_window_shift =
            std::min<std::uint8_t>(*segment.options.window_scale, 14);
        record->handshake.window_shift = window_shift_for(config_, listener.options);
    }
    record->handshake.sack = config_.sack && segment.options.sack_permitted;
    if (config_.timestamps && segment.options.timestamps) {
        record->handshake.timestamps = true;
        record->handshake.ts_recent = segment.options.timestamps->value;
    }
    table_.insert(*record);
    ++half_open_count_;
    ++listener.half_open;
    note_route(listener, four_tuple, segment.way_back);
    send_syn_ack(*record, now);
    wheel_.arm(*record, now + config_.rto_initial);
    return DropReason::none;
}

std::uint32_t Tcp::initial_window(const Listener& listener) const {
    return window_of_syn(config_, listener.options);
}

void Tcp::send_syn_ack(HalfOpen& record, Time now) {
    const auto path = ip_.route(first_hop(record.four_tuple), record.four_tuple.local.address);
    if (!path) {
        context_.drops.add(path.error());
        return;
    }
    wire::TcpHeader header;
    header.seq = record.iss.value;
    header.ack = (record.irs + 1).value;
    header.flags.syn = true;
    header.flags.ack = true;
    header.window = static_cast<std::uint16_t>(initial_window(*record.listener));
    header.options.mss = announced_mss(path->mtu, record.listener->options.user_mss);
    if (record.peer_scales) header.options.window_scale = record.handshake.window_shift;
    header.options.sack_permitted = record.handshake.sack;
    if (record.handshake.timestamps) {
        const auto offset = timestamp_offset(record.four_tuple.local.address,
                                             record.four_tuple.remote.address, timestamp_secret_);
        header.options.timestamps =
            wire::TcpTimestamps{timestamp_at(now, offset), record.handshake.ts_recent};
    }
    reply(record.four_tuple, header, record.retries == 0 ? "SYN,ACK" : "SYN,ACK again",
          State::syn_received, now);
}

void Tcp::on_half_open_timer(HalfOpen& record, Time now) {
    if (record.retries >= config_.synack_retries) {
        destroy(record);
        return;
    }
    ++record.retries;
    send_syn_ack(record, now);
    Duration wait = config_.rto_initial;
    for (unsigned i = 0; i < record.retries && wait < config_.rto_max; ++i)
        wait = 2 * wait;
    wheel_.arm(record, now + std::min(wait, config_.rto_max));
}

// --- §3.10.7.4 in SYN-RECEIVED ---

Fate Tcp::on_half_open(HalfOpen& record, Segment& segment, Time now) {
    const FourTuple four_tuple = record.four_tuple;
    const DropReason reason = half_open_segment(record, segment, now);
    // The table holds what the record has become: a connection, which sees the segment from the
    // first step on, or nothing.
    demux::Entry* entry = table_.find(four_tuple);
    const bool promoted = entry != nullptr && entry->kind == demux::EntryKind::connection;
    if (!promoted)
        return fate_for(four_tuple, reason, DemuxMatch::four_tuple, State::syn_received,
                        entry == nullptr ? State::listen : State::syn_received);
    return deliver(*static_cast<Connection*>(entry), segment, DemuxMatch::four_tuple, now);
}

DropReason Tcp::half_open_segment(HalfOpen& record, Segment& segment, Time now) {
    const SequenceNumber rcv_nxt = record.irs + 1;
    const std::uint32_t rcv_wnd = initial_window(*record.listener);
    // The peer's SYN again: our SYN,ACK was lost, so that (and not an empty ACK) is what helps.
    if (segment.flags.syn && !segment.flags.ack && !segment.flags.rst &&
        segment.seq == record.irs) {
        send_syn_ack(record, now);
        return DropReason::none;
    }
    // PAWS (RFC 7323 §5.3), judged here too: no connection may be born from a segment that it would
    // refuse, for then nothing would be left to repeat the SYN,ACK.
    if (record.handshake.timestamps && !segment.flags.rst) {
        if (!segment.options.timestamps) return DropReason::tcp_missing_timestamp;
        const std::uint32_t age = segment.options.timestamps->value - record.handshake.ts_recent;
        if (static_cast<std::int32_t>(age) < 0) {
            if (may_challenge(now)) send_syn_ack(record, now);
            return DropReason::tcp_paws;
        }
    }
    // First, the sequence number.
    if (!in_window(segment.seq, rcv_nxt, rcv_wnd)) {
        if (!segment.flags.rst && may_challenge(now)) send_syn_ack(record, now);
        return at_or_before(segment.end(), rcv_nxt) ? DropReason::tcp_duplicate
                                                    : DropReason::tcp_out_of_window;
    }
    // Second, a RST: back to LISTEN, which the listener never left (with RFC 5961 §3.2's
    // exactness).
    if (segment.flags.rst) {
        if (segment.seq != rcv_nxt) return DropReason::tcp_reset_not_exact;
        back_to_listen(record, now);
        return DropReason::none;
    }
    // Fourth, a SYN inside the window: not the handshake that we know; back to LISTEN.
    if (segment.flags.syn) {
        destroy(record);
        return DropReason::tcp_unexpected_syn;
    }
    // Fifth, the ACK.
    if (!segment.flags.ack) return DropReason::tcp_no_ack;
    if (segment.ack != record.iss + 1) {
        reply_with_reset(record.four_tuple, segment, now);
        return DropReason::tcp_ack_of_unsent;
    }
    // No room to accept it: as if the ACK had been lost; the SYN,ACK goes again and the peer asks
    // anew.
    if (record.listener->is_full()) return DropReason::tcp_accept_queue_full;
    if (promote(record, now) == nullptr) return DropReason::tcp_no_memory;
    return DropReason::none;
}

Connection* Tcp::promote(HalfOpen& record, Time now) {
    const auto path = ip_.route(first_hop(record.four_tuple), record.four_tuple.local.address);
    if (!path) return nullptr;
    Listener& listener = *record.listener;
    auto* connection =
        connection_slab_.create(*this, record.four_tuple, *path, State::syn_received, record.iss);
    connection->set_options(listener.options);
    connection->passive_ = true;
    connection->sender_.syn_was_sent(record.retries > 0);
    connection->receiver_.start(record.irs, initial_window(listener), record.handshake.window_shift,
                                connection->receive_mss(), config_);
    connection->last_ack_sent_ = record.irs + 1;
    connection->ts_recent_at_ = now;
    connection->apply_handshake(record.handshake);
    connection->sender_.start_window(record.window, record.irs, record.iss);
    connection->listener_ = &listener;
    table_.replace(record, *connection);
    connection->sharing = listener.sharing;
    occupy(*connection);
    --half_open_count_;
    --listener.half_open;
    half_open_slab_.destroy(record);
    ++connection_count_;
    count(Count::passive_opens);
    listener.accept_queue.push_back(connection);
    if (listener.user != nullptr) listener.user->on_acceptable(listener);
    return connection;
}

void Tcp::destroy(HalfOpen& record) {
    source_routes_.forget(record.four_tuple);
    table_.erase(record);
    --half_open_count_;
    --record.listener->half_open;
    half_open_slab_.destroy(record);
}

}  // namespace berth::tcp
