// Everything that a connection says leaves through here, when the device asks for it: one path
// decides on ACK, data, probe, retransmission, SYN and FIN. Deciding changes nothing but a cursor;
// state moves when a device has accepted the frame (commit).
#include "tcp/connection.hpp"
#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

bool Connection::next_segment(Cursor& cursor, SegmentPlan& plan) const {
    if (is_over()) return false;
    const bool has_peer = state_ != State::syn_sent;
    if (has_peer && cursor.duplicates > 0) {
        --cursor.duplicates;
        plan = {};
        plan.seq = sender_.snd().nxt;
        plan.duplicate_ack = true;
        return true;
    }
    if (sender_.next_segment(cursor.sender, plan)) {
        // It carries the acknowledgment, and will be answered.
        cursor.ack_now = cursor.keep_alive = false;
        return true;
    }
    if (!has_peer || !(cursor.ack_now || cursor.keep_alive)) return false;
    plan = {};
    // SEG.SEQ = SND.NXT-1 is old to the peer, so that it must answer (§3.8.4), and needs no data
    // for it (SHLD-12).
    plan.keep_alive = cursor.keep_alive;
    plan.seq = plan.keep_alive ? sender_.snd().nxt - 1 : sender_.snd().nxt;
    cursor.ack_now = cursor.keep_alive = false;
    return true;
}

void Connection::build(link::OutFrame& frame, const SegmentPlan& plan, Time now) const {
    sender_.slice_into(frame, plan);
    const wire::TcpHeader header = header_for(plan, now);
    const std::size_t size = wire::tcp_header_size(header.options);
    wire::write_tcp(header, four_tuple.local.address, four_tuple.remote.address, frame.slices(),
                    frame.prepend(size));
}

wire::TcpHeader Connection::header_for(const SegmentPlan& plan, Time now) const {
    const bool has_peer = state_ != State::syn_sent;
    wire::TcpHeader header;
    header.source_port = four_tuple.local.port;
    header.destination_port = four_tuple.remote.port;
    header.seq = plan.seq.value;
    header.ack = has_peer ? receiver_.rcv().nxt.value : 0;
    header.flags.ack = has_peer;
    header.flags.syn = plan.syn;
    header.flags.fin = plan.fin;
    header.flags.psh = plan.push;
    header.flags.cwr = plan.cwr;
    if (const std::uint16_t pointer = sender_.urgent_pointer(plan.seq); pointer != 0 && has_peer) {
        header.flags.urg = true;
        header.urgent_pointer = pointer;
    }
    header.window = receiver_.window_field(plan.syn);
    if (plan.syn) add_syn_options(header.options);
    if (has_peer ? handshake_.timestamps : tcp_.config().timestamps)
        header.options.timestamps = wire::TcpTimestamps{timestamp_at(now, timestamp_offset_),
                                                        has_peer ? handshake_.ts_recent : 0};
    return header;
}

std::uint16_t Connection::receive_mss() const {
    return announced_mss(path_.mtu, options().user_mss);
}

void Connection::commit(const SegmentPlan& plan, Time now) {
    count_sent(plan);
    sender_.commit(plan, now);
    keep_alive_owed_ = false;
    if (state_ == State::syn_sent) return;
    // Every segment acknowledges (MUST-58); a duplicate pays one of the duplicates owed.
    receiver_.commit_window(receiver_.window_field(plan.syn), plan.syn);
    last_ack_sent_ = receiver_.rcv().nxt;
    if (plan.duplicate_ack && receiver_.ack.duplicates > 0) --receiver_.ack.duplicates;
    receiver_.ack.pay();
}

void Connection::count_sent(const SegmentPlan& plan) const {
    // RFC 4022: tcpOutSegs leaves out what holds only bytes sent before.
    tcp_.count(plan.retransmission ? Count::retrans_segs : Count::out_segs);
    if (plan.keep_alive) tcp_.count(Count::keep_alive);
    if (plan.probe) {
        if (sender_.snd().wnd == 0) tcp_.count(Count::win_probe);
    } else if (plan.retransmission) {
        if (plan.syn)
            tcp_.count(Count::syn_retrans);
        else if (sender_.in_recovery())
            tcp_.count(Count::fast_retrans);
        else if (plan.seq != sender_.snd().una)
            tcp_.count(Count::slow_start_retrans);
    } else if (plan.length > 0) {
        tcp_.count(Count::orig_data_sent);
    }
}

void Connection::after_transmit(Time now) {
    sender_.arm_persist_if_stuck(now);
    rearm();
    // What was sent is not unsent any more (TCP_NOTSENT_LOWAT).
    if (notsent_low_water() != no_low_water && is_writable()) notify();
}

}  // namespace berth::tcp
