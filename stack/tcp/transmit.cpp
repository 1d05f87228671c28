// Time and the pull: what is due, and which connection has its turn on which device.
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {

const char* note_for(const SegmentPlan& plan) {
    if (plan.probe) return "window probe";
    if (plan.keep_alive) return "keep-alive";
    if (plan.syn) return plan.retransmission ? "SYN again" : "SYN";
    if (plan.retransmission) return "retransmission";
    if (plan.fin) return "FIN";
    if (plan.length > 0) return "data";
    return plan.duplicate_ack ? "duplicate ACK" : "ACK";
}

Fate outgoing_fate(const Connection& connection, const SegmentPlan& plan) {
    Fate fate = Fate::sent(note_for(plan));
    fate.has_association = true;
    fate.association = {Protocol::tcp, connection.four_tuple};
    fate.state_before = fate.state_after = static_cast<std::uint8_t>(connection.state());
    return fate;
}

}  // namespace

void Tcp::advance(Time now) {
    now_ = now;
    while (TimerEntry* entry = wheel_.pop_expired(now)) {
        auto& timed = static_cast<TimedEntry&>(*entry);
        if (timed.kind == demux::EntryKind::connection)
            static_cast<Connection&>(timed).on_timer(now);
        else
            on_half_open_timer(static_cast<HalfOpen&>(timed), now);
    }
    expire_time_waits(now);
    reap();
}

void Tcp::mark_ready(Connection& connection) {
    if (connection.is_ready_) return;
    const link::InterfaceIndex index = connection.path_.interface_index;
    if (ready_.size() <= index) ready_.resize(index + 1);
    ReadyList& list = ready_[index];
    connection.is_ready_ = true;
    connection.ready_previous_ = list.last;
    connection.ready_next_ = nullptr;
    (list.last == nullptr ? list.first : list.last->ready_next_) = &connection;
    list.last = &connection;
}

void Tcp::unlink_ready(Connection& connection) {
    if (!connection.is_ready_) return;
    ReadyList& list = ready_[connection.path_.interface_index];
    (connection.ready_previous_ == nullptr ? list.first : connection.ready_previous_->ready_next_) =
        connection.ready_next_;
    (connection.ready_next_ == nullptr ? list.last : connection.ready_next_->ready_previous_) =
        connection.ready_previous_;
    connection.is_ready_ = false;
    connection.ready_next_ = connection.ready_previous_ = nullptr;
}

void Tcp::reroute(Connection& connection) {
    const ip::Path& old = connection.path_;
    const FourTuple& ends = connection.four_tuple;
    // Without a route it goes on by the old one: the route may come back before patience ends.
    const auto path = ip_.route(first_hop(ends), ends.local.address);
    if (!path) return;
    if (path->interface_index == old.interface_index && path->next_hop == old.next_hop) return;
    const bool was_ready = connection.is_ready_;
    unlink_ready(connection);
    connection.path_ = *path;
    connection.follow_path_mtu();
    if (was_ready) mark_ready(connection);
}

bool Tcp::has_output(link::InterfaceIndex interface_index) const {
    return interface_index < ready_.size() && ready_[interface_index].first != nullptr;
}

std::size_t Tcp::transmit(link::InterfaceIndex interface_index, Time now, std::size_t budget) {
    now_ = now;
    link::Interface& interface = ip_.interface_at(interface_index);
    std::size_t sent = 0;
    while (sent < budget && has_output(interface_index)) {
        Connection& connection = *ready_[interface_index].first;
        const Turn turn =
            take_turn(connection, interface, now, std::min(budget - sent, batch_frames));
        sent += turn.sent;
        if (turn.device_full) break;
    }
    reap();
    return sent;
}

// One turn of one connection: plan a batch with a cursor, hand it to the device, commit what it
// took. A connection that has said all leaves the ready list; one that filled its batch goes to the
// end of it.
Tcp::Turn Tcp::take_turn(Connection& connection, link::Interface& interface, Time now,
                         std::size_t budget) {
    // Somebody else has learned about the path, or what was known has aged.
    if (connection.path_mtu_generation_ != ip_.path_mtus().generation())
        connection.follow_path_mtu();
    connection.sender_.begin_burst(now);
    Connection::Cursor cursor = connection.cursor();
    ip::SendFields fields;
    RouteOption route_option;
    address(fields, connection.four_tuple, route_option);
    fields.protocol = Protocol::tcp;
    fields.ttl = connection.options().ttl;
    fields.dscp = connection.options().tos >> 2;
    fields.dont_fragment = !connection.may_be_fragmented_;

    std::size_t planned = 0;
    bool exhausted = false;
    while (planned < budget) {
        if (!connection.next_segment(cursor, plans_[planned])) {
            exhausted = true;
            break;
        }
        link::OutFrame& frame = (*frames_)[planned];
        frame.clear();
        connection.build(frame, plans_[planned], now);
        if (context_.observer != nullptr) frame.fate = outgoing_fate(connection, plans_[planned]);
        fields.ecn = plans_[planned].ect ? ecn_ect0 : 0;
        const auto resolution = ip_.encapsulate(frame, connection.path_, fields, now);
        if (resolution == link::Interface::Resolution::ready) {
            ++planned;
            continue;
        }
        // It waits for the neighbour's address, or went nowhere: either way it has left the
        // connection.
        connection.commit(plans_[planned], now);
        if (resolution == link::Interface::Resolution::unreachable) {
            connection.on_unreachable();
            if (connection.retired_) return {};
        }
    }
    const std::size_t accepted = planned == 0 ? 0 : interface.send({frames_->data(), planned}, now);
    for (std::size_t i = 0; i < accepted; ++i)
        connection.commit(plans_[i], now);
    connection.after_transmit(exhausted && accepted == planned, now);
    if (accepted < planned)
        return {accepted, true};  // still ready: it goes on when the device takes more
    unlink_ready(connection);
    if (!exhausted) mark_ready(connection);
    return {accepted, false};
}

}  // namespace berth::tcp
