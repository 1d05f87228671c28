// Answers that have no connection behind them: RFC 9293 §3.10.7.1 (CLOSED) and the resets of
// §3.5.2.
#include "tcp/tcp.hpp"

namespace berth::tcp {

// "If the ACK bit is off: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. If it is on:
// <SEQ=SEG.ACK><CTL=RST>." Never in answer to a reset.
void Tcp::reply_with_reset(const FourTuple& four_tuple, const Segment& segment, Time now) {
    if (segment.flags.rst) return;
    wire::TcpHeader fields;
    fields.flags.rst = true;
    if (segment.flags.ack) {
        fields.seq = segment.ack.value;
    } else {
        fields.flags.ack = true;
        fields.ack = segment.end().value;
    }
    count(Count::out_rsts);
    reply(four_tuple, fields, "reset: nobody has this four-tuple", State::closed, now);
}

// A connection ends in the middle: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK> (§3.10.5).
void Tcp::send_reset(const FourTuple& four_tuple, SequenceNumber seq, SequenceNumber ack) {
    wire::TcpHeader fields;
    fields.flags.rst = true;
    fields.flags.ack = true;
    fields.seq = seq.value;
    fields.ack = ack.value;
    count(Count::out_rsts);
    reply(four_tuple, fields, "reset: the connection was aborted", State::closed, now_);
}

void Tcp::reply(const FourTuple& four_tuple, const wire::TcpHeader& fields, const char* note,
                State state, Time now, Count as) {
    wire::TcpHeader header = fields;
    header.source_port = four_tuple.local.port;
    header.destination_port = four_tuple.remote.port;
    std::array<std::uint8_t, wire::tcp_max_header_bytes> bytes{};
    const std::size_t size =
        wire::write_tcp(header, four_tuple.local.address, four_tuple.remote.address, {}, bytes);
    ip::SendFields ip_fields;
    RouteOption route_option;
    address(ip_fields, four_tuple, route_option);
    ip_fields.protocol = Protocol::tcp;
    ip_fields.dont_fragment = true;
    Fate fate = Fate::sent(note);
    fate.has_association = true;
    fate.association = {Protocol::tcp, four_tuple};
    fate.state_before = fate.state_after = static_cast<std::uint8_t>(state);
    const Bytes part = Bytes(bytes).first(size);
    count(as);
    // Whatever keeps it from leaving is counted by the layer that refuses it; the peer will ask
    // again.
    static_cast<void>(ip_.send(ip_fields, {&part, 1}, now, fate));
}

}  // namespace berth::tcp
