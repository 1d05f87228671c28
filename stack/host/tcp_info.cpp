#include "host/tcp_info.hpp"

#include <linux/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "socket/tcp_socket.hpp"

namespace berth::host {

namespace {

// The kernel's numbers (net/tcp_states.h), in the order of tcp::State.
constexpr std::array<std::uint8_t, tcp::state_count> state_numbers{7, 10, 2,  3, 1, 4,
                                                                   5, 8,  11, 9, 6};

std::uint32_t microseconds_of(Duration duration) {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.microseconds(), 0, most));
}
std::uint32_t milliseconds_of(Duration duration) {
    return microseconds_of({duration.ns / 1000});
}

// Linux counts in segments: what is under way in those begun, windows in whole ones.
std::uint32_t segments_of(std::uint32_t bytes, std::uint32_t mss) {
    return mss == 0 ? 0 : (bytes + mss - 1) / mss;
}
std::uint32_t whole_segments_of(std::uint32_t bytes, std::uint32_t mss) {
    return mss == 0 ? 0 : std::max<std::uint32_t>(bytes / mss, 1);
}

std::uint8_t congestion_state_of(const tcp::Info& info) {
    if (info.in_loss) return TCP_CA_Loss;
    return info.in_recovery ? TCP_CA_Recovery : TCP_CA_Open;
}

tcp_info layout_of(const tcp::Info& info) {
    tcp_info out{};
    out.tcpi_state = state_numbers[static_cast<std::size_t>(info.state)];
    out.tcpi_ca_state = congestion_state_of(info);
    (info.is_probing ? out.tcpi_probes : out.tcpi_retransmits) = info.unanswered;
    out.tcpi_backoff = info.backoff;
    out.tcpi_options = static_cast<std::uint8_t>(
        (info.timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (info.sack ? TCPI_OPT_SACK : 0) |
        (info.window_scaling ? TCPI_OPT_WSCALE : 0) | (info.ecn ? TCPI_OPT_ECN : 0));
    out.tcpi_snd_wscale = info.snd_wscale & 0xf;
    out.tcpi_rcv_wscale = info.rcv_wscale & 0xf;

    out.tcpi_rto = microseconds_of(info.rto);
    out.tcpi_ato = microseconds_of(info.ato);
    out.tcpi_snd_mss = info.snd_mss;
    out.tcpi_rcv_mss = info.rcv_mss;
    out.tcpi_advmss = info.advmss;
    out.tcpi_pmtu = info.pmtu;
    out.tcpi_unacked = segments_of(info.flight, info.snd_mss);
    out.tcpi_last_data_sent = milliseconds_of(info.last_data_sent);
    out.tcpi_rtt = microseconds_of(info.rtt);
    out.tcpi_rttvar = microseconds_of(info.rttvar);
    out.tcpi_rcv_rtt = microseconds_of(info.rcv_rtt);
    constexpr std::uint32_t infinite = 0x7fffffff;
    out.tcpi_snd_ssthresh =
        info.ssthresh_is_infinite ? infinite : whole_segments_of(info.ssthresh, info.snd_mss);
    out.tcpi_snd_cwnd = whole_segments_of(info.cwnd, info.snd_mss);

    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    out.tcpi_total_retrans = static_cast<std::uint32_t>(std::min(info.retransmissions, most));
    out.tcpi_bytes_acked = info.bytes_acked;
    out.tcpi_bytes_received = info.bytes_received;
    out.tcpi_segs_out = info.segs_out;
    out.tcpi_segs_in = info.segs_in;
    out.tcpi_notsent_bytes = info.notsent_bytes;
    out.tcpi_snd_wnd = info.snd_wnd;
    return out;
}

}  // namespace

int get_tcp_info(Call& call, void* value, socklen_t* length) {
    if (call.socket().type() != socket::Type::stream) return fail(ENOPROTOOPT);
    const auto& stream = static_cast<const socket::TcpSocket&>(call.socket());
    tcp_info info{};
    if (const tcp::Connection* connection = stream.connection()) {
        info = layout_of(connection->info(call.core().now()));
    } else if (const tcp::Listener* listener = stream.listener()) {
        info.tcpi_state = state_numbers[static_cast<std::size_t>(tcp::State::listen)];
        info.tcpi_unacked = static_cast<std::uint32_t>(listener->accept_queue.size());
        info.tcpi_sacked = static_cast<std::uint32_t>(listener->backlog);
    } else {
        info.tcpi_state = state_numbers[static_cast<std::size_t>(tcp::State::closed)];
    }
    const auto size = std::min<std::size_t>(*length, sizeof info);
    std::memcpy(value, &info, size);
    *length = static_cast<socklen_t>(size);
    return 0;
}

}  // namespace berth::host
