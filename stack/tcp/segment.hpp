// An arrived segment in the RFC's terms: SEG.SEQ, SEG.ACK, SEG.LEN, SEG.WND.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "ip/source_route.hpp"
#include "link/frame.hpp"
#include "tcp/sequence.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::tcp {

// RFC 9293 §3.7.1: what one packet of the path takes, without the fixed headers (RFC 6691 §2);
// `user_mss` (TCP_MAXSEG) bounds it further, 0 does not.
constexpr std::uint16_t announced_mss(std::uint16_t mtu, std::uint16_t user_mss) {
    constexpr std::size_t fixed_headers = wire::ipv4_header_bytes + wire::tcp_header_bytes;
    const auto from_path = static_cast<std::uint16_t>(mtu - fixed_headers);
    return user_mss == 0 ? from_path : std::min(user_mss, from_path);
}

inline constexpr std::uint8_t max_window_shift = 14;  // RFC 7323 §2.3
struct TimeWait;

struct Segment {
    SequenceNumber seq;
    SequenceNumber ack;
    wire::TcpFlags flags;
    std::uint16_t window = 0;  // as on the wire, unscaled
    std::uint16_t urgent_pointer = 0;
    wire::TcpOptions options;
    Bytes payload;
    link::Frame* frame = nullptr;  // owns the payload; the receiver may take its buffer
    Time arrival{};
    std::uint8_t ecn = 0;  // of the IP header (RFC 3168 §5)
    // A SYN that goes past this TIME-WAIT record to a listener: our ISS must lie above its numbers.
    const TimeWait* passes = nullptr;
    // It came by a completed source route (RFC 9293 §3.9.2.1), and this leads back.
    const ip::SourceRoute* way_back = nullptr;

    // SEG.LEN counts SYN and FIN (RFC 9293 §3.4).
    std::uint32_t length() const {
        return static_cast<std::uint32_t>(payload.size()) + (flags.syn ? 1 : 0) +
               (flags.fin ? 1 : 0);
    }
    SequenceNumber end() const { return seq + length(); }

    // RFC 3168 §6.1.1: an ECN-setup SYN; one that itself claims to be of an ECN-capable transport
    // is not (as in Linux).
    bool asks_for_ecn() const { return flags.ece && flags.cwr && ecn == 0; }

    static Segment of(const wire::TcpView& view, link::Frame& frame) {
        Segment segment;
        segment.seq = SequenceNumber(view.seq());
        segment.ack = SequenceNumber(view.ack());
        segment.flags = view.flags();
        segment.window = view.window();
        segment.urgent_pointer = view.urgent_pointer();
        segment.options = view.options();
        segment.payload = view.payload();
        segment.frame = &frame;
        segment.arrival = frame.arrival;
        return segment;
    }
};

inline constexpr std::uint8_t ecn_ect0 = 0b10;  // in the IP header (RFC 3168 §5)

// A segment that the sender has decided on and that no device has accepted yet.
struct SegmentPlan {
    SequenceNumber seq;
    std::uint32_t length = 0;  // of data
    bool syn = false;
    bool fin = false;
    bool push = false;
    bool retransmission = false;
    bool probe = false;
    bool duplicate_ack = false;  // one of those owed for out-of-order or unacceptable segments
    bool keep_alive = false;     // at SND.NXT-1, without data (RFC 9293 §3.8.4)
    bool ect = false;            // may be marked instead of dropped (RFC 3168 §5: ECT(0))
    bool cwr = false;            // the window was reduced (RFC 3168 §6.1.2)
    std::uint8_t duplicate_report = 0;  // which of the pending D-SACK blocks it carries, from 1

    SequenceNumber end() const { return seq + length + (syn ? 1 : 0) + (fin ? 1 : 0); }
    bool occupies_sequence_space() const { return length > 0 || syn || fin; }
};

}  // namespace berth::tcp
