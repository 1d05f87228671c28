#include "tcp/info.hpp"

#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/half_open.hpp"
#include "tcp/tcp.hpp"
#include "tcp/time_wait.hpp"

namespace berth::tcp {

namespace {

constexpr std::uint32_t timestamp_option_bytes = 12;
constexpr std::uint32_t default_mss = 536;  // RFC 9293 §3.7.1 MUST-15

Duration until(Time when, Time now) {
    return when > now ? when - now : Duration{};
}

TimerInfo timer_until(Time when, Time now, TimerInfo::Kind kind, unsigned tries = 0) {
    if (when.is_never()) return {};
    return {kind, until(when, now), static_cast<std::uint8_t>(std::min(tries, 255U))};
}

}  // namespace

// What Linux calls the timer: a delayed ACK is none.
TimerInfo Connection::timer_info(Time now) const {
    using Kind = TimerInfo::Kind;
    if (idle_deadline_ < sender_.deadline())
        return timer_until(idle_deadline_, now, Kind::keepalive, keep_alives_sent_);
    return timer_until(sender_.deadline(), now, sender_.is_probing() ? Kind::persist : Kind::on,
                       sender_.unanswered_timeouts());
}

Info Connection::info(Time now) const {
    const Sender::Variables& snd = sender_.snd();
    const RttEstimator& rtt = sender_.rtt();
    Info info;
    info.state = state_;
    info.congestion = "reno";
    info.timer = timer_info(now);

    info.timestamps = handshake_.timestamps;
    info.sack = handshake_.sack;
    info.ecn = handshake_.ecn;
    info.window_scaling = handshake_.window_shift > 0 || handshake_.peer_window_shift > 0;
    info.snd_wscale = handshake_.peer_window_shift;
    info.rcv_wscale = handshake_.window_shift;

    info.snd_mss = sender_.mss();
    info.advmss = receive_mss() - (info.timestamps ? timestamp_option_bytes : 0U);
    info.rcv_mss = receiver_.largest_segment() != 0 ? receiver_.largest_segment() : default_mss;
    info.pmtu = path_.mtu;
    info.snd_wnd = snd.wnd;
    info.rcv_wnd = receiver_.wnd();

    info.rto = sender_.rto();
    info.ato = tcp_.config().delayed_ack;
    if (rtt.has_sample()) {
        info.rtt = rtt.srtt();
        info.rttvar = rtt.rttvar();
    }
    info.rcv_rtt = receiver_.rtt();
    info.last_data_sent = sender_.since_sent(now);

    if (is_synchronized(state_)) info.last_heard = since_millis(last_heard_ms_, now);

    info.cwnd = sender_.congestion().cwnd();
    info.ssthresh = sender_.congestion().ssthresh();
    info.ssthresh_is_infinite = info.ssthresh >= NewReno::infinite_ssthresh;
    info.in_recovery = sender_.in_recovery();
    info.flight = snd.nxt - snd.una;
    info.notsent_bytes = static_cast<std::uint32_t>(unsent_bytes());
    info.backoff = static_cast<std::uint8_t>(std::min(sender_.backoff(), 255U));
    info.unanswered = static_cast<std::uint8_t>(std::min(sender_.unanswered_timeouts(), 255U));
    info.is_probing = sender_.is_probing();
    info.in_loss = info.unanswered > 0 && !info.is_probing;

    info.retransmissions = sender_.retransmissions();
    info.bytes_acked = acked_wraps_.whole(acked_low());
    info.bytes_received = received_wraps_.whole(received_low());
    // The SYN and the FIN have sequence numbers, but are no bytes.
    if (info.bytes_acked > 0) --info.bytes_acked;
    if (sender_.fin_acknowledged()) --info.bytes_acked;
    if (info.bytes_received > 0) --info.bytes_received;
    if (receiver_.fin_received()) --info.bytes_received;
    info.segs_in = segments_in_;
    info.segs_out = segments_out_;

    info.receive_memory = receiver_.memory_bytes();
    info.receive_buffer = receiver_.limit_bytes;
    info.send_memory = sender_.memory_bytes();
    info.send_buffer = send_limit_bytes_;
    return info;
}

Info info_of(const demux::Entry& entry, Time now) {
    if (entry.kind == demux::EntryKind::connection)
        return static_cast<const Connection&>(entry).info(now);
    Info info;
    if (entry.kind == demux::EntryKind::half_open) {
        const auto& record = static_cast<const HalfOpen&>(entry);
        info.state = State::syn_received;
        info.timer = timer_until(record.deadline(), now, TimerInfo::Kind::on, record.timeouts);
        return info;
    }
    info.state = State::time_wait;
    info.timer =
        timer_until(static_cast<const TimeWait&>(entry).until, now, TimerInfo::Kind::time_wait);
    return info;
}

}  // namespace berth::tcp
