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
        cursor.ack_now = false;  // it carries the acknowledgment
        return true;
    }
    if (!has_peer || !cursor.ack_now) return false;
    cursor.ack_now = false;
    plan = {};
    plan.seq = sender_.snd().nxt;
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
    header.window = receiver_.window_field(plan.syn);
    if (plan.syn) add_syn_options(header, plan, now);
    if (has_peer ? handshake_.timestamps : tcp_.config().timestamps)
        header.options.timestamps = wire::TcpTimestamps{timestamp_at(now, timestamp_offset_),
                                                        has_peer ? handshake_.ts_recent : 0};
    return header;
}

std::uint16_t Connection::receive_mss() const {
    return announced_mss(path_.mtu, options().user_mss);
}

void Connection::commit(const SegmentPlan& plan, Time now) {
    sender_.commit(plan, now);
    // RFC 4022: tcpOutSegs leaves out what holds only bytes sent before.
    tcp_.count(plan.retransmission ? Count::retrans_segs : Count::out_segs);
    if (plan.syn && plan.retransmission) tcp_.count(Count::syn_retransmits);
    if (state_ == State::syn_sent) return;
    // Every segment acknowledges (MUST-58); a duplicate pays one of the duplicates owed.
    receiver_.commit_window(receiver_.window_field(plan.syn), plan.syn);
    last_ack_sent_ = receiver_.rcv().nxt;
    if (plan.duplicate_ack && receiver_.ack.duplicates > 0) --receiver_.ack.duplicates;
    receiver_.ack.pay();
}

void Connection::after_transmit(Time now) {
    sender_.arm_persist_if_stuck(now);
    rearm();
}

}  // namespace berth::tcp
