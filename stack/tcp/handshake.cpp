// What the two SYNs offer and agree on: RFC 9293 §3.7.1 (MSS), RFC 7323 §1.3 (window scale,
// timestamps), RFC 2018 §2 (SACK), RFC 3168 §6.1.1 (ECN), RFC 7413 (Fast Open).
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {
constexpr std::uint8_t ecn_ask = 1;  // of net.ipv4.tcp_ecn
}

// A SYN offers; a SYN,ACK (simultaneous open, Fast Open) only what the peer's SYN offered too (RFC
// 7323 §1.3).
void Connection::add_syn_options(wire::TcpHeader& header, const SegmentPlan& plan, Time now) const {
    const Config& config = tcp_.config();
    wire::TcpOptions& options = header.options;
    options.mss = receive_mss();
    if (state_ != State::syn_sent) {
        options.sack_permitted = handshake_.sack;
        if (handshake_.scaling) options.window_scale = handshake_.window_shift;
        header.flags.ece = handshake_.ecn;
        return;
    }
    options.sack_permitted = config.sack;
    if (config.window_scaling) options.window_scale = handshake_.window_shift;
    // What something on the way may not like is tried once (RFC 3168 §6.1.1.1, RFC 7413 §4.1.3.1).
    if (plan.retransmission) return;
    header.flags.ece = header.flags.cwr = config.ecn == ecn_ask;
    if (!asks_for_fast_open()) return;
    const auto server = tcp_.fast_open_cache().find(four_tuple.remote.address, now);
    if (server) options.fast_open = server->cookie;
}

void Connection::take_handshake(const Segment& syn) {
    const Config& config = tcp_.config();
    Handshake handshake;
    if (syn.options.mss) handshake.peer_mss = *syn.options.mss;
    if (config.window_scaling && syn.options.window_scale) {
        handshake.scaling = true;
        handshake.peer_window_shift = std::min(*syn.options.window_scale, max_window_shift);
        handshake.window_shift = handshake_.window_shift;  // what our SYN offered
    }
    handshake.sack = config.sack && syn.options.sack_permitted;
    const bool ecn_granted = syn.flags.ack ? syn.flags.ece && !syn.flags.cwr : syn.asks_for_ecn();
    handshake.ecn = config.ecn == ecn_ask && ecn_granted;
    if (config.timestamps && syn.options.timestamps) {
        handshake.timestamps = true;
        handshake.ts_recent = syn.options.timestamps->value;
    }
    receiver_.start(syn.seq, receiver_.promised_in_syn(), handshake.window_shift, receive_mss(),
                    tcp_.config());
    last_ack_sent_ = receiver_.rcv().nxt;
    apply_handshake(handshake);
}

void Connection::apply_handshake(const Handshake& handshake) {
    handshake_ = handshake;
    sender_.set_handshake(send_mss(), handshake.peer_window_shift, handshake.ecn);
}

}  // namespace berth::tcp
