// Fast Open (RFC 7413 §4.2.2), the server's side: a SYN with a good cookie makes a connection at
// once. Nobody has answered from its address yet, so that only so many of them may be unproven.
//
// What Fast Open does not promise (§6.1): a SYN that the network doubles, or that arrives again
// after the connection is over, makes a second connection with the same data. Only programs whose
// requests may be served twice should set TCP_FASTOPEN.
#include "tcp/fast_open.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {
constexpr unsigned server_bit = 2;  // of net.ipv4.tcp_fastopen
}

Tcp::FastOpenAnswer Tcp::judge_fast_open(Listener& listener, const FourTuple& four_tuple,
                                         const Segment& syn, Time now) {
    const bool offered = (config_.fast_open & server_bit) != 0 &&
                         listener.options.fast_open_queue > 0 && syn.options.fast_open;
    if (!offered) return {};
    const Ipv4Address local = four_tuple.local.address;
    const Ipv4Address client = four_tuple.remote.address;
    if (syn.options.fast_open->is_request()) {
        count(Count::fast_open_cookies_requested);
        return {false, fast_open_keys_.cookie_for(local, client, now)};
    }
    // §5.1: a slot that a RST has freed stays taken for a while, or an attacker could make it
    // free at once by pretending to be somebody who answers the SYN,ACK with a RST.
    std::erase_if(listener.slots_held, [&](Time until) { return until <= now; });
    if (listener.unproven + listener.slots_held.size() >= listener.options.fast_open_queue) {
        count(Count::fast_open_listen_overflow);
        return {};
    }
    if (fast_open_keys_.is_valid(*syn.options.fast_open, local, client, now)) return {true, {}};
    count(Count::fast_open_passive_failed);
    return {false, fast_open_keys_.cookie_for(local, client, now)};
}

// False: there is no room for a connection.
bool Tcp::open_fast(const HalfOpen& offer, Segment& syn, Time now) {
    Connection* connection = make_connection(offer, now);
    if (connection == nullptr) return false;
    count(Count::fast_open_passive);
    connection->unproven_ = true;
    unproven_.emplace(connection, offer.listener);
    ++offer.listener->unproven;
    connection->sender_.set_early_data(Sender::EarlyData::after_syn);
    syn.flags.fin = false;  // it comes again; SYN and FIN in one segment are for scanners
    // What of the text cannot be kept is not acknowledged, and so comes again.
    static_cast<void>(connection->receiver_.take_text(syn, connection->receiver_context(now)));
    connection->mark_ready();
    return true;
}

void Tcp::on_proven(Connection& connection) {
    if (!connection.unproven_) return;
    connection.unproven_ = false;
    const auto found = unproven_.find(&connection);
    --found->second->unproven;
    unproven_.erase(found);
}

void Tcp::on_unproven_reset(Connection& connection, Time now) {
    if (!connection.unproven_) return;
    unproven_.find(&connection)->second->slots_held.push_back(now + fast_open_slot_hold);
    on_proven(connection);
}

void Tcp::forget_unproven_of(const Listener& listener) {
    std::erase_if(unproven_, [&](const auto& entry) {
        if (entry.second != &listener) return false;
        entry.first->unproven_ = false;
        return true;
    });
}

}  // namespace berth::tcp
