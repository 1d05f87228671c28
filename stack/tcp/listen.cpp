// Listeners and what becomes of a SYN: RFC 9293 §3.10.7.2 (LISTEN). A half-open record
// (half_open.cpp), a SYN cookie (syn_cookies.hpp) or, with Fast Open, a connection.
#include <algorithm>

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
    forget_unproven_of(listener);
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
    const Heard heard = listen_segment(listener, four_tuple, segment, now);
    if (heard.by_cookie != nullptr) return deliver(*heard.by_cookie, segment, match.match, now);
    return fate_for(four_tuple, heard.reason, match.match, State::listen, heard.after);
}

Tcp::Heard Tcp::listen_segment(Listener& listener, const FourTuple& four_tuple, Segment& segment,
                               Time now) {
    // First, a RST; second, an ACK; third, a SYN; fourth, anything else.
    if (segment.flags.rst) return {DropReason::tcp_reset_in_listen};
    if (segment.flags.ack) return on_ack_in_listen(listener, four_tuple, segment, now);
    if (!segment.flags.syn) return {DropReason::tcp_no_syn_in_listen};
    const Heard heard = on_syn_in_listen(listener, four_tuple, segment, now);
    if (heard.reason != DropReason::none) count(Count::listen_drops);
    return heard;
}

// An ACK is of nothing that a listener sent, unless it holds a SYN cookie.
Tcp::Heard Tcp::on_ack_in_listen(Listener& listener, const FourTuple& four_tuple, Segment& segment,
                                 Time now) {
    const auto mss = cookie_mss(listener, four_tuple, segment, now);
    if (!mss) {
        reply_with_reset(four_tuple, segment, now);
        return {DropReason::tcp_ack_in_listen};
    }
    if (listener.is_full()) {
        refuse_last_ack(four_tuple, segment, now);
        return {DropReason::tcp_accept_queue_full};
    }
    HalfOpen offer(four_tuple, listener);
    recall_offer(offer, *mss, segment);
    note_route(listener, four_tuple, segment.way_back);
    Heard heard;
    if (!has_room_for_connection() || (heard.by_cookie = make_connection(offer, now)) == nullptr)
        return {DropReason::tcp_no_memory};
    heard.by_cookie->sender_.syn_was_sent(false);
    // The timestamp that it echoes was bent, and says nothing about the round-trip time.
    if (segment.options.timestamps) segment.options.timestamps->echo = 0;
    return heard;
}

Tcp::Heard Tcp::on_syn_in_listen(Listener& listener, const FourTuple& four_tuple, Segment& segment,
                                 Time now) {
    if (listener.is_full()) {
        count(Count::listen_overflows);
        return {DropReason::tcp_accept_queue_full};
    }
    if (!has_room_for_connection()) return {DropReason::tcp_no_memory};
    const bool crowded = half_open_count_ >= config_.max_half_open ||
                         listener.half_open >= listener.half_open_limit();
    // A cookie cannot lie above the numbers of the TIME-WAIT that the SYN has passed.
    const bool passes = segment.passes != nullptr;
    if (crowded && (config_.syn_cookies == 0 || passes)) {
        count(Count::request_queue_full_drops);
        return {DropReason::tcp_half_open_full};
    }
    if (crowded || (config_.syn_cookies == 2 && !passes)) {
        if (crowded) count(Count::request_queue_full_cookies);
        send_cookie(listener, four_tuple, segment, now);
        return {DropReason::none};
    }

    const FastOpenAnswer fast_open = judge_fast_open(listener, four_tuple, segment, now);
    if (fast_open.accepted) {
        HalfOpen offer(four_tuple, listener);
        take_offer(offer, segment, now);
        note_route(listener, four_tuple, segment.way_back);
        if (!open_fast(offer, segment, now)) return {DropReason::tcp_no_memory};
        return {DropReason::none, State::syn_received};
    }
    HalfOpen& record = *half_open_slab_.create(four_tuple, listener);
    take_offer(record, segment, now);
    table_.insert(record);
    ++half_open_count_;
    ++listener.half_open;
    note_route(listener, four_tuple, segment.way_back);
    ++listener.young;
    send_syn_ack(record, fast_open.cookie, now);
    wheel_.arm(record, now + config_.rto_initial);
    return {DropReason::none, State::syn_received};
}

bool Tcp::has_room_for_connection() const {
    return connection_count_ + half_open_count_ < config_.max_connections;
}

// Of all that a SYN offers, what we take (RFC 7323 §1.3, RFC 2018 §2, RFC 3168 §6.1.1).
void Tcp::take_offer(HalfOpen& record, const Segment& syn, Time now) const {
    record.irs = syn.seq;
    record.iss = initial_sequence_number(record.four_tuple, isn_secret_, now);
    if (syn.passes != nullptr) {
        record.iss = syn.passes->above_it(record.iss);
        record.passed_time_wait = true;
    }
    record.window = syn.window;
    Handshake& handshake = record.handshake;
    if (syn.options.mss) handshake.peer_mss = *syn.options.mss;
    if (config_.window_scaling && syn.options.window_scale) {
        handshake.scaling = true;
        handshake.peer_window_shift = std::min(*syn.options.window_scale, max_window_shift);
        handshake.window_shift = window_shift_for(config_, record.listener->options);
    }
    handshake.sack = config_.sack && syn.options.sack_permitted;
    handshake.ecn = config_.ecn != 0 && syn.asks_for_ecn();
    if (config_.timestamps && syn.options.timestamps) {
        handshake.timestamps = true;
        handshake.ts_recent = syn.options.timestamps->value;
    }
}

std::uint32_t Tcp::initial_window(const Listener& listener) const {
    return window_of_syn(config_, listener.options);
}

// --- SYN cookies ---

// The same answer as ever, but nothing is kept: what does not fit the cookie or the timestamp is
// not offered.
void Tcp::send_cookie(Listener& listener, const FourTuple& four_tuple, const Segment& syn,
                      Time now) {
    HalfOpen offer(four_tuple, listener);
    take_offer(offer, syn, now);
    offer.iss = syn_cookies_.make(four_tuple, syn.seq, offer.handshake.peer_mss, now);
    if (!offer.handshake.timestamps) {
        offer.handshake.scaling = false;
        offer.handshake.sack = offer.handshake.ecn = false;
    }
    offer.by_cookie = true;
    listener.cookies_until = now + SynCookies::lifetime;
    count(Count::syn_cookies_sent);
    send_syn_ack(offer, std::nullopt, now);
}

// The MSS that a cookie in this ACK remembers. Nobody may try his luck with a listener that has
// not sent cookies lately.
std::optional<std::uint16_t> Tcp::cookie_mss(const Listener& listener, const FourTuple& four_tuple,
                                             const Segment& segment, Time now) {
    if (config_.syn_cookies == 0 || segment.flags.syn || now >= listener.cookies_until)
        return std::nullopt;
    const auto mss = syn_cookies_.check(four_tuple, segment.seq - 1, segment.ack - 1, now);
    count(mss ? Count::syn_cookies_received : Count::syn_cookies_failed);
    return mss;
}

void Tcp::recall_offer(HalfOpen& record, std::uint16_t mss, const Segment& segment) const {
    record.irs = segment.seq - 1;
    record.iss = segment.ack - 1;
    record.handshake.peer_mss = mss;
    if (!config_.timestamps || !segment.options.timestamps) return;
    const CookieOffer offer = offer_in(segment.options.timestamps->echo);
    record.handshake.timestamps = true;
    record.handshake.ts_recent = segment.options.timestamps->value;
    record.handshake.sack = config_.sack && offer.sack;
    record.handshake.ecn = config_.ecn != 0 && offer.ecn;
    if (!config_.window_scaling || !offer.peer_window_shift) return;
    record.handshake.scaling = true;
    record.handshake.peer_window_shift = *offer.peer_window_shift;
    record.handshake.window_shift = window_shift_for(config_, record.listener->options);
}

}  // namespace berth::tcp
