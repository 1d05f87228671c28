// What the two SYNs offer and agree on: RFC 9293 §3.7.1 (MSS), RFC 7323 §1.3 (window scale,
// timestamps), RFC 2018 §2 (SACK), RFC 3168 §6.1.1 (ECN).
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

// A SYN offers; a SYN,ACK (simultaneous open) only what the peer's SYN offered too (RFC 7323 §1.3).
void Connection::add_syn_options(wire::TcpOptions& options) const {
    options.mss = receive_mss();
    options.sack_permitted = state_ == State::syn_sent ? tcp_.config().sack : handshake_.sack;
    if (state_ == State::syn_sent) {
        if (tcp_.config().window_scaling)
            options.window_scale = window_shift_for(tcp_.config(), this->options());
    } else if (handshake_.window_shift > 0 || handshake_.peer_window_shift > 0) {
        options.window_scale = handshake_.window_shift;
    }
}

void Connection::take_handshake(const Segment& syn, std::uint8_t our_window_shift,
                                bool offered_scaling, bool offered_timestamps) {
    Handshake handshake;
    if (syn.options.mss) handshake.peer_mss = *syn.options.mss;
    if (offered_scaling && syn.options.window_scale) {
        handshake.peer_window_shift =
            std::min<std::uint8_t>(*syn.options.window_scale, 14);  // RFC 7323 §2.3
        handshake.window_shift = our_window_shift;
    }
    handshake.sack = tcp_.config().sack && syn.options.sack_permitted;
    if (offered_timestamps && syn.options.timestamps) {
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
