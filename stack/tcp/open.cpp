// Active OPEN, and letting go: RFC 9293 §3.9.1.1 and §3.9.1.4, RFC 6056.
#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

bool Tcp::is_port_free(const FourTuple& four_tuple, bool is_loopback) const {
    // Not one that somebody has bound for listening or otherwise, and not this very four-tuple,
    // unless it is in TIME-WAIT and may be taken out of it.
    const Endpoint local = four_tuple.local;
    if (local_users_.is_bound(local) || local_users_.is_bound({{}, local.port})) return false;
    const demux::Entry* entry = table_.find(four_tuple);
    return entry == nullptr || (entry->kind == demux::EntryKind::time_wait &&
                                may_reuse(*static_cast<const TimeWait*>(entry), is_loopback, now_));
}

Result<Connection*, std::errc> Tcp::open(Endpoint local, Endpoint remote, const Options& options,
                                         ConnectionUser* user, Time now) {
    now_ = now;
    if (remote.port == 0 || remote.address.is_unspecified())
        return Failure{std::errc::address_not_available};
    // RFC 9293 §3.9.2.3 (MUST-56): nothing but a unicast address.
    if (remote.address.is_multicast() || ip_.is_broadcast(remote.address))
        return Failure{std::errc::network_unreachable};
    const auto path = ip_.route(options.source_route.first_hop(remote.address), local.address);
    if (!path) return Failure{std::errc::network_unreachable};
    local.address = path->source;
    if (local.port == 0) {
        const auto port = ephemeral_.choose(local.address, remote, [&](Port candidate) {
            return is_port_free({{local.address, candidate}, remote}, path->is_loopback);
        });
        if (!port) return Failure{std::errc::address_not_available};
        local.port = *port;
    }
    const FourTuple four_tuple{local, remote};
    SequenceNumber iss = initial_sequence_number(four_tuple, isn_secret_, now);
    if (demux::Entry* entry = table_.find(four_tuple)) {
        if (entry->kind != demux::EntryKind::time_wait)
            return Failure{std::errc::address_not_available};
        auto& record = *static_cast<TimeWait*>(entry);
        if (!may_reuse(record, path->is_loopback, now))
            return Failure{std::errc::address_not_available};
        iss = record.above_it(iss);
        count(Count::time_wait_recycled);
        destroy(record);
    }
    if (connection_count_ + half_open_count_ >= config_.max_connections)
        return Failure{std::errc::no_buffer_space};
    if (!options.source_route.empty() && !source_routes_.choose(four_tuple, options.source_route))
        return Failure{std::errc::no_buffer_space};
    auto* connection = connection_slab_.create(*this, four_tuple, *path, State::closed, iss);
    connection->transition(Event::active_open);
    connection->set_options(options);
    // Once and for all: the user may choose anew before the peer has answered.
    connection->handshake_.window_shift = window_shift_for(config_, options);
    connection->set_user(user);
    table_.insert(*connection);
    occupy(*connection);
    ++connection_count_;
    count(Count::active_opens);
    connection->begin_fast_open(now);
    connection->mark_ready();
    return connection;
}

void Tcp::release(Connection& connection, bool reset) {
    const bool unread = connection.readable_bytes() > 0;
    // MUST-17 with RFC 2525 §2.17: closing with unread data tells the peer that it was lost.
    const bool one_too_many = orphan_count_ >= config_.max_orphans;
    if (!connection.is_over() && (reset || unread || one_too_many)) {
        count(unread  ? Count::abort_on_close
              : reset ? Count::abort_on_data
                      : Count::abort_on_memory);
        connection.abort();
    }
    connection.user_ = nullptr;
    if (connection.retired_) {
        connection_slab_.destroy(connection);
        return;
    }
    ++orphan_count_;
    connection.close_send();  // may end it at once (SYN-SENT); then it is in the graveyard
    if (connection.state() == State::fin_wait_2) connection.await_fin_as_orphan(now_);
    connection.rearm();
    reap();
}

}  // namespace berth::tcp
