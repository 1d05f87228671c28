// Everything that a connection says leaves through here, when the device asks for it: one path
// decides on ACK, data, probe, retransmission, SYN and FIN. Deciding changes nothing but a cursor;
// state moves when a device has accepted the frame (commit).
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

bool Connection::next_segment(Cursor& cursor, SegmentPlan& plan) const {
    if (is_over()) return false;
    const bool has_peer = state_ != State::syn_sent;
    const bool syn_is_out = sender_.snd().nxt != sender_.snd().iss;  // nothing goes before it
    if (has_peer && syn_is_out && cursor.duplicates > 0) {
        --cursor.duplicates;
        plan = {};
        plan.seq = sender_.snd().nxt;
        plan.duplicate_ack = true;
        plan_report(cursor, plan);
        return true;
    }
    if (sender_.next_segment(cursor.sender, plan)) {
        // It carries the acknowledgment, and will be answered.
        cursor.ack_now = cursor.keep_alive = false;
        if (has_peer) plan_report(cursor, plan);
        return true;
    }
    if (!has_peer || !(cursor.ack_now || cursor.keep_alive)) return false;
    plan = {};
    // SEG.SEQ = SND.NXT-1 is old to the peer, so that it must answer (§3.8.4), and needs no data
    // for it (SHLD-12).
    plan.keep_alive = cursor.keep_alive;
    plan.seq = plan.keep_alive ? sender_.snd().nxt - 1 : sender_.snd().nxt;
    cursor.ack_now = cursor.keep_alive = false;
    plan_report(cursor, plan);
    return true;
}

// RFC 2883 §4 (2): a duplicate is reported in one ACK only, so each of a burst takes another.
void Connection::plan_report(Cursor& cursor, SegmentPlan& plan) const {
    if (cursor.duplicate_reports < receiver_.duplicates_to_report() &&
        sack_blocks_that_fit(plan) > 0)
        plan.duplicate_report = ++cursor.duplicate_reports;
}

// Three beside timestamps, else four (RFC 2018 §3). What carries text has them in the room that the
// text leaves; out-of-order segments owe ACKs of their own, so nothing is lost.
std::size_t Connection::sack_blocks_that_fit(const SegmentPlan& plan) const {
    if (!handshake_.sack || plan.syn) return 0;
    constexpr std::size_t lead_bytes = 4;
    constexpr std::size_t block_bytes = 8;
    const std::size_t most = handshake_.timestamps ? 3 : 4;
    const std::size_t room = sender_.mss() > plan.length ? sender_.mss() - plan.length : 0;
    return room < lead_bytes ? 0 : std::min(most, (room - lead_bytes) / block_bytes);
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
    if (!plan.syn) header.flags.ece = has_peer && receiver_.echoes_congestion();
    if (const std::uint16_t pointer = sender_.urgent_pointer(plan.seq); pointer != 0 && has_peer) {
        header.flags.urg = true;
        header.urgent_pointer = pointer;
    }
    header.window = receiver_.window_field(plan.syn, options());
    if (plan.syn) add_syn_options(header, plan, now);
    if (has_peer ? handshake_.timestamps : tcp_.config().timestamps)
        header.options.timestamps = wire::TcpTimestamps{timestamp_at(now, timestamp_offset_),
                                                        has_peer ? handshake_.ts_recent : 0};
    if (has_peer)
        receiver_.add_sack_blocks(plan.duplicate_report, sack_blocks_that_fit(plan),
                                  header.options);
    return header;
}

std::uint16_t Connection::receive_mss() const {
    return announced_mss(path_.mtu, options().user_mss);
}

void Connection::commit(const SegmentPlan& plan, Time now) {
    count_sent(plan);
    sender_.commit(plan, now);
    keep_alive_owed_ = false;
    const std::uint16_t window = receiver_.window_field(plan.syn, options());
    const bool was_closed = receiver_.right_edge() == last_ack_sent_;
    if (state_ != State::syn_sent && was_closed != (window == 0))
        tcp_.count(was_closed ? Count::from_zero_window : Count::to_zero_window);
    receiver_.commit_window(window, plan.syn, options());
    ++segments_out_;
    if (state_ == State::syn_sent) return;
    // Every segment acknowledges (MUST-58); a duplicate pays one of the duplicates owed.
    if (plan.length > 0) receiver_.commit_data();
    if (plan.duplicate_report > 0) receiver_.commit_report();
    last_ack_sent_ = receiver_.rcv().nxt;
    if (plan.duplicate_ack && receiver_.ack.duplicates > 0) --receiver_.ack.duplicates;
    if (plan.syn) receiver_.ack.duplicates = 0;  // it says all that they would have
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

void Connection::after_transmit(bool said_all, Time now) {
    if (said_all) sender_.arm_persist_if_stuck(now);
    rearm();
    // What was sent is not unsent any more (TCP_NOTSENT_LOWAT).
    if (notsent_low_water() != no_low_water && is_writable()) notify();
}

}  // namespace berth::tcp
