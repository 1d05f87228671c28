// TIME-WAIT (RFC 9293 §3.10.7.4 as far as it speaks of that state, §3.6.1; RFC 1337).
#include "tcp/time_wait.hpp"

#include "tcp/isn.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

void Tcp::enter_time_wait(Connection& connection, Time now) {
    const FourTuple four_tuple = connection.four_tuple;
    auto record = std::make_unique<TimeWait>(four_tuple);
    record->snd_nxt = connection.sender_.snd().nxt;
    record->rcv_nxt = connection.receiver_.rcv().nxt;
    record->timestamps = connection.handshake_.timestamps;
    record->ts_recent = connection.handshake_.ts_recent;
    record->window_field = connection.receiver_.window_field(false);
    record->sharing = connection.sharing;
    const bool owes_ack = connection.receiver_.ack.is_due();
    retire(connection);
    if (owes_ack) acknowledge(*record, now);
    if (time_wait_count_ >= config_.max_time_wait) {
        count(Count::time_wait_overflow);
        return;
    }
    count(Count::time_wait);
    table_.insert(*record);
    occupy(*record);
    ++time_wait_count_;
    wheel_.arm(*record, now + 2 * config_.msl);
    record.release();  // the table's entry is what owns it now; destroy() deletes it
}

Fate Tcp::on_time_wait(TimeWait& record, const Segment& segment, Time now) {
    const auto stays = [&](DropReason reason) {
        Fate fate = fate_for(record.four_tuple, reason, DemuxMatch::four_tuple, State::time_wait,
                             State::time_wait);
        if (reason == DropReason::none) fate.kind = FateKind::consumed;
        return fate;
    };
    // RFC 1337 §3, fix 1: a RST does not end TIME-WAIT early (RFC 9293 would let it; Linux and the
    // BSDs offer both).
    if (segment.flags.rst) return stays(DropReason::tcp_time_wait);
    const bool is_fin_again = segment.flags.fin && segment.end() == record.rcv_nxt;
    if (is_fin_again) {
        // "The only thing that can arrive in this state is a retransmission of the remote FIN":
        // acknowledge it and restart the 2 MSL timeout.
        wheel_.arm(record, now + 2 * config_.msl);
        acknowledge(record, now);
        Fate fate = stays(DropReason::none);
        fate.note = "the peer's FIN again: acknowledged, 2 MSL start over";
        return fate;
    }
    // A bare ACK at the edge needs no answer; anything else is out of the window and gets one
    // (first step), within the budget, so that two sides in TIME-WAIT cannot answer each other for
    // ever.
    const bool harmless =
        segment.length() == 0 && segment.seq == record.rcv_nxt && !segment.flags.syn;
    if (!harmless && may_challenge(now)) acknowledge(record, now);
    return stays(DropReason::tcp_time_wait);
}

void Tcp::acknowledge(const TimeWait& record, Time now) {
    wire::TcpHeader header;
    header.seq = record.snd_nxt.value;
    header.ack = record.rcv_nxt.value;
    header.flags.ack = true;
    header.window = record.window_field;
    if (record.timestamps) {
        const auto offset = timestamp_offset(record.four_tuple.local.address,
                                             record.four_tuple.remote.address, timestamp_secret_);
        header.options.timestamps =
            wire::TcpTimestamps{timestamp_at(now, offset), record.ts_recent};
    }
    reply(record.four_tuple, header, "ACK", State::time_wait, now);
}

void Tcp::destroy(TimeWait& record) {
    table_.erase(record);
    vacate(record);
    --time_wait_count_;
    delete &record;
}

}  // namespace berth::tcp
