// SYN-RECEIVED after a passive OPEN, as a record (RFC 9293 §3.10.7.4 as far as it speaks of it):
// the SYN,ACK until its ACK comes, and what that ACK makes of the record.
#include "tcp/half_open.hpp"

#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {

// Linux (secs_to_retrans): the timeouts, doubling from `first`, that cover so long a time.
unsigned timeouts_within(Duration time, Duration first, Duration longest) {
    if (time.ns <= 0) return 0;
    unsigned timeouts = 1;
    Duration wait = first;
    for (Duration covered = first; covered < time && timeouts < 255; covered = covered + wait) {
        ++timeouts;
        wait = std::min(2 * wait, longest);
    }
    return timeouts;
}

}  // namespace

// --- the SYN,ACK ---

void Tcp::send_syn_ack(const HalfOpen& record, const std::optional<wire::TcpFastOpen>& cookie,
                       Time now) {
    const auto path = ip_.route(first_hop(record.four_tuple), record.four_tuple.local.address);
    if (!path) {
        context_.drops.add(path.error());
        return;
    }
    const Handshake& handshake = record.handshake;
    wire::TcpHeader header;
    header.seq = record.iss.value;
    header.ack = (record.irs + 1).value;
    header.flags.syn = true;
    header.flags.ack = true;
    header.flags.ece = handshake.ecn;  // RFC 3168 §6.1.1: an ECN-setup SYN,ACK has ECE alone
    header.window = static_cast<std::uint16_t>(initial_window(*record.listener));
    header.options.mss = announced_mss(path->mtu, record.listener->options.user_mss);
    if (handshake.scaling) header.options.window_scale = handshake.window_shift;
    header.options.sack_permitted = handshake.sack;
    header.options.fast_open = cookie;
    if (handshake.timestamps) header.options.timestamps = timestamps_of(record, now);
    if (record.resent) count(Count::syn_retrans);
    reply(record.four_tuple, header, record.resent ? "SYN,ACK again" : "SYN,ACK",
          State::syn_received, now, record.resent ? Count::retrans_segs : Count::out_segs);
}

wire::TcpTimestamps Tcp::timestamps_of(const HalfOpen& record, Time now) const {
    const Handshake& handshake = record.handshake;
    const auto offset = timestamp_offset(record.four_tuple.local.address,
                                         record.four_tuple.remote.address, timestamp_secret_);
    const std::uint32_t timestamp = timestamp_at(now, offset);
    if (!record.by_cookie) return {timestamp, handshake.ts_recent};
    CookieOffer offer{{}, handshake.sack, handshake.ecn};
    if (handshake.scaling) offer.peer_window_shift = handshake.peer_window_shift;
    return {timestamp_with(offer, timestamp), handshake.ts_recent};
}

void Tcp::send_syn_ack_again(HalfOpen& record, Time now) {
    record.resent = true;
    send_syn_ack(record, std::nullopt, now);
}

// How often a SYN,ACK is sent again at most.
unsigned Tcp::most_syn_ack_retries(const Listener& listener) const {
    const std::uint8_t chosen = listener.options.syn_count;
    return chosen != 0 ? chosen : config_.synack_retries;
}

// Half of a listener's room is kept for those who have only just come (as in Linux): when older
// records fill it, they are given up sooner, because who has not answered by then is hardly there.
unsigned Tcp::syn_ack_retries(const Listener& listener) const {
    constexpr unsigned least_retries = 2;
    unsigned retries = most_syn_ack_retries(listener);
    const bool crowded = 2 * listener.half_open > listener.half_open_limit() ||
                         2 * half_open_count_ > config_.max_half_open;
    if (!crowded) return retries;
    for (std::size_t young = 2 * listener.young;
         retries > least_retries && listener.half_open >= young; young *= 2)
        --retries;
    return retries;
}

void Tcp::on_half_open_timer(HalfOpen& record, Time now) {
    const Listener& listener = *record.listener;
    const unsigned deferred = deferring_timeouts(listener);
    // TCP_DEFER_ACCEPT: a client that has answered is kept as long as one that is not heard of may
    // be at most, and the SYN,ACK goes again only when its answer would be good enough.
    const bool waits_for_data = deferred > 0 && record.acknowledged;
    const unsigned limit =
        waits_for_data ? most_syn_ack_retries(listener) : syn_ack_retries(listener);
    if (record.timeouts >= limit) {
        count(Count::attempt_fails);
        destroy(record);
        return;
    }
    const bool resend = !waits_for_data || record.timeouts + 1U >= deferred;
    if (record.timeouts == 0) --record.listener->young;
    ++record.timeouts;
    if (resend) send_syn_ack_again(record, now);
    Duration wait = config_.rto_initial;
    for (unsigned i = 0; i < record.timeouts && wait < config_.rto_max; ++i)
        wait = 2 * wait;
    wheel_.arm(record, now + std::min(wait, config_.rto_max));
}

unsigned Tcp::deferring_timeouts(const Listener& listener) const {
    return timeouts_within(seconds(listener.options.defer_accept_s), config_.rto_initial,
                           config_.rto_max);
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
    // The peer's SYN again: our SYN,ACK was lost, so that (and not an empty ACK) is what helps.
    if (segment.flags.syn && !segment.flags.ack && !segment.flags.rst && segment.seq == record.irs)
        return on_repeated_syn(record, segment, now);
    // PAWS (RFC 7323 §5.3), judged here too: no connection may be born from a segment that it would
    // refuse, for then nothing would be left to repeat the SYN,ACK.
    if (record.handshake.timestamps && !segment.flags.rst) {
        if (!segment.options.timestamps) return DropReason::tcp_missing_timestamp;
        const std::uint32_t age = segment.options.timestamps->value - record.handshake.ts_recent;
        if (static_cast<std::int32_t>(age) < 0) {
            challenge(record, now);
            return DropReason::tcp_paws;
        }
    }
    // First, the sequence number.
    if (!in_window(segment.seq, rcv_nxt, initial_window(*record.listener))) {
        if (!segment.flags.rst) challenge(record, now);
        return at_or_before(segment.end(), rcv_nxt) ? DropReason::tcp_duplicate
                                                    : DropReason::tcp_out_of_window;
    }
    // Second, a RST: back to LISTEN, which the listener never left; with RFC 5961 §3.2's exactness.
    if (segment.flags.rst && segment.seq != rcv_nxt && config_.blind_attack_checks) {
        challenge(record, now);
        return DropReason::tcp_reset_not_exact;
    }
    // Fourth, a SYN inside the window: not the handshake that we know; back to LISTEN. (RFC 5961
    // §4.2's challenge is for synchronized states.)
    if (segment.flags.rst || segment.flags.syn) {
        count(Count::attempt_fails);
        count(Count::embryonic_resets);
        if (segment.flags.rst)
            back_to_listen(record, now);
        else
            destroy(record);
        return segment.flags.rst ? DropReason::none : DropReason::tcp_unexpected_syn;
    }
    // Fifth, the ACK.
    if (!segment.flags.ack) return DropReason::tcp_no_ack;
    if (segment.ack != record.iss + 1) {
        reply_with_reset(record.four_tuple, segment, now);
        return DropReason::tcp_ack_of_unsent;
    }
    return on_last_ack(record, segment, now);
}

DropReason Tcp::on_repeated_syn(HalfOpen& record, const Segment& syn, Time now) {
    if (!may_answer(record, now)) return DropReason::tcp_duplicate;
    // RFC 3168 §6.1.1: it tried again without ECN, perhaps because something on the way minds.
    if (!syn.asks_for_ecn()) record.handshake.ecn = false;
    send_syn_ack_again(record, now);
    return DropReason::none;
}

DropReason Tcp::on_last_ack(HalfOpen& record, const Segment& segment, Time now) {
    if (segment.length() == 0 && record.timeouts < deferring_timeouts(*record.listener)) {
        record.acknowledged = true;
        count(Count::deferred_accepts);
        return DropReason::tcp_accept_deferred;
    }
    // No room to accept it: as if the ACK had been lost; the SYN,ACK goes again and the peer
    // answers anew.
    if (record.listener->is_full()) {
        record.acknowledged = true;
        refuse_last_ack(record.four_tuple, segment, now);
        if (config_.abort_on_overflow) {
            count(Count::embryonic_resets);
            destroy(record);
        }
        return DropReason::tcp_accept_queue_full;
    }
    if (promote(record, now) == nullptr) {
        count(Count::listen_drops);
        return DropReason::tcp_no_memory;
    }
    return DropReason::none;
}

void Tcp::refuse_last_ack(const FourTuple& four_tuple, const Segment& segment, Time now) {
    count(Count::listen_overflows);
    count(Count::listen_drops);
    if (config_.abort_on_overflow) reply_with_reset(four_tuple, segment, now);
}

// One answer to what is of no use in an interval (net.ipv4.tcp_invalid_ratelimit), whoever sends
// it: a record must not be a means to make us send.
bool Tcp::may_answer(HalfOpen& record, Time now) {
    const auto now_ms = static_cast<std::uint32_t>(now.ns / 1'000'000);
    if (record.answered &&
        milliseconds(now_ms - record.answered_at_ms) < config_.challenge_interval) {
        count(Count::acks_skipped_syn_received);
        return false;
    }
    record.answered = true;
    record.answered_at_ms = now_ms;
    return true;
}

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
void Tcp::challenge(HalfOpen& record, Time now) {
    if (!may_answer(record, now) || !may_challenge(now)) return;
    wire::TcpHeader header;
    header.seq = (record.iss + 1).value;
    header.ack = (record.irs + 1).value;
    header.flags.ack = true;
    header.window = static_cast<std::uint16_t>(initial_window(*record.listener) >>
                                               record.handshake.window_shift);
    if (record.handshake.timestamps) header.options.timestamps = timestamps_of(record, now);
    reply(record.four_tuple, header, "challenge ACK", State::syn_received, now);
}

// --- what becomes of it ---

Connection* Tcp::promote(HalfOpen& record, Time now) {
    Connection* connection = make_connection(record, now, &record);
    if (connection == nullptr) return nullptr;
    connection->sender_.syn_was_sent(record.resent);
    forget(record);
    half_open_slab_.destroy(record);
    return connection;
}

// The connection that a handshake has agreed on, in the accept queue; in the place of its record
// in the table, if it had one.
Connection* Tcp::make_connection(const HalfOpen& offer, Time now, const HalfOpen* in_table) {
    const auto path = ip_.route(first_hop(offer.four_tuple), offer.four_tuple.local.address);
    if (!path) return nullptr;
    Listener& listener = *offer.listener;
    Connection* const connection =
        connection_slab_.create(*this, offer.four_tuple, *path, State::syn_received, offer.iss);
    connection->set_options(listener.options);
    connection->passive_ = true;
    connection->receiver_.start(offer.irs, initial_window(listener), offer.handshake.window_shift,
                                connection->receive_mss(), config_);
    connection->last_ack_sent_ = offer.irs + 1;
    connection->ts_recent_at_ = now;
    connection->apply_handshake(offer.handshake);
    connection->sender_.start_window(offer.window, offer.irs, offer.iss);
    connection->listener_ = &listener;
    if (in_table != nullptr)
        table_.replace(*in_table, *connection);
    else
        table_.insert(*connection);
    connection->sharing = listener.sharing;
    occupy(*connection);
    ++connection_count_;
    count(Count::passive_opens);
    listener.accept_queue.push_back(connection);
    if (listener.user != nullptr) listener.user->on_acceptable(listener);
    return connection;
}

void Tcp::forget(const HalfOpen& record) {
    --half_open_count_;
    --record.listener->half_open;
    if (record.timeouts == 0) --record.listener->young;
}

void Tcp::destroy(HalfOpen& record) {
    source_routes_.forget(record.four_tuple);
    table_.erase(record);
    forget(record);
    half_open_slab_.destroy(record);
}

}  // namespace berth::tcp
