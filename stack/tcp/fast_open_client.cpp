// Fast Open (RFC 7413 §4.2.1), the client's side: with a cookie, the SYN waits for the first data
// and takes it along; without one, it asks for one.
#include "tcp/fast_open.hpp"
#include "tcp/tcp.hpp"

namespace berth::tcp {

namespace {
constexpr unsigned client_bit = 1;  // of net.ipv4.tcp_fastopen
}

bool Connection::asks_for_fast_open() const {
    return options().fast_open_connect && (tcp_.config().fast_open & client_bit) != 0;
}

void Connection::begin_fast_open(Time now) {
    if (!asks_for_fast_open()) return;
    const auto server = tcp_.fast_open_cache().find(four_tuple.remote.address, now);
    if (!server || server->cookie.is_request()) return;
    wire::TcpHeader header;
    header.options.timestamps.emplace();
    add_syn_options(header, {}, now);
    const auto options_bytes =
        static_cast<std::uint16_t>(wire::tcp_header_size(header.options) - wire::tcp_header_bytes);
    const std::uint16_t mss = std::min(server->mss, receive_mss());
    if (mss <= options_bytes) return;  // nothing fits: the SYN goes as ever
    sender_.set_mss(static_cast<std::uint16_t>(mss - options_bytes));
    sender_.set_early_data(Sender::EarlyData::with_syn);
}

// What the SYN,ACK says of our option and of our data.
void Connection::conclude_fast_open(const Segment& syn_ack, Time now) {
    sender_.set_early_data(Sender::EarlyData::none);
    if (!asks_for_fast_open()) return;
    const Ipv4Address server = four_tuple.remote.address;
    FastOpenCache& cache = tcp_.fast_open_cache();
    const auto& option = syn_ack.options.fast_open;
    const bool cookie_came = option && !option->is_request();
    if (cookie_came) cache.learn(server, *option, handshake_.peer_mss, now);

    const SequenceNumber after_syn = sender_.snd().iss + 1;
    const bool sent_data = after(sender_.snd().nxt, after_syn);
    if (sent_data && after(syn_ack.ack, after_syn)) {
        tcp_.count(Count::fast_open_active);
        cache.on_success(server);
        return;
    }
    if (sent_data) {
        tcp_.count(Count::fast_open_active_failed);
        sender_.send_early_data_again();
    }
    // §4.1.3.1: it was the plain SYN, sent again, that got through.
    if (sent_data && !cookie_came && sender_.syn_retransmitted()) {
        tcp_.count(Count::fast_open_black_holes);
        cache.on_loss(server, now);
    }
}

}  // namespace berth::tcp
