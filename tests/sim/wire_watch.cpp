#include "sim/wire_watch.hpp"

#include <algorithm>

#include "tcp/sequence.hpp"
#include "wire/ipv4.hpp"

namespace berth::sim {

using tcp::SequenceNumber;

void WireWatch::complain(const std::string& what) {
    if (complaint_.empty()) complaint_ = what;
}

void WireWatch::on_packet(std::uint32_t, Direction direction, Time, Bytes frame, const Fate& fate) {
    ++(direction == Direction::in ? packets_in_ : packets_out_);
    for (const std::uint8_t octet : frame)
        digest_ = (digest_ ^ octet) * 1099511628211ULL;
    if (frame.size() <= link_header_bytes_) return;
    if (direction == Direction::out && fate.kind != FateKind::sent) return;
    const auto ip = wire::Ipv4View::parse(frame.subspan(link_header_bytes_));
    if (!ip || ip->protocol() != static_cast<std::uint8_t>(Protocol::tcp)) return;
    const auto segment =
        wire::TcpView::parse(ip->payload(), ip->source(), ip->destination(), false);
    if (!segment) {
        if (direction == Direction::out) complain("a malformed segment was sent");
        return;
    }
    const Endpoint from{ip->source(), segment->source_port()};
    const Endpoint to{ip->destination(), segment->destination_port()};
    if (direction == Direction::out) {
        watch_out(conversations_[{from, to}], *segment);
    } else {
        watch_in(conversations_[{to, from}], *segment);
    }
}

void WireWatch::watch_in(Conversation& conversation, const wire::TcpView& segment) {
    const wire::TcpFlags flags = segment.flags();
    if (flags.syn) {
        const auto scale = segment.options().window_scale;
        conversation.syn_in = true;
        conversation.peer_shift = std::min<std::uint8_t>(scale.value_or(0), 14);
        conversation.both_scale = conversation.own_scale && scale.has_value();
        // A SYN says nothing of our numbers yet unless it acknowledges.
    }
    if (!flags.ack || flags.rst) return;
    const unsigned shift = !flags.syn && (conversation.both_scale || !conversation.syn_out)
                               ? conversation.peer_shift
                               : 0U;
    const std::uint32_t edge = segment.ack() + (std::uint32_t{segment.window()} << shift);
    if (!conversation.has_allowance ||
        tcp::after(SequenceNumber(edge), SequenceNumber(conversation.allowed_edge))) {
        conversation.allowed_edge = edge;
    }
    conversation.has_allowance = true;
}

void WireWatch::watch_out(Conversation& conversation, const wire::TcpView& segment) {
    const wire::TcpFlags flags = segment.flags();
    if (flags.rst) return;
    if (flags.syn) {
        const auto scale = segment.options().window_scale;
        conversation.syn_out = true;
        conversation.own_scale = scale.has_value();
        conversation.own_shift = scale.value_or(0);
        conversation.both_scale = scale.has_value() && (!flags.ack || conversation.syn_in);
    }
    if (!segment.payload().empty()) {
        const auto end =
            SequenceNumber(segment.seq()) + static_cast<std::uint32_t>(segment.payload().size());
        // One byte beyond is a zero-window probe (RFC 9293 §3.8.6.1).
        if (!conversation.has_allowance ||
            tcp::after(end, SequenceNumber(conversation.allowed_edge) + 1)) {
            complain("data was sent beyond the offered window");
        }
    }
    if (!flags.ack) return;
    const unsigned shift = flags.syn || !conversation.both_scale ? 0U : conversation.own_shift;
    const std::uint32_t edge = segment.ack() + (std::uint32_t{segment.window()} << shift);
    if (conversation.has_promise &&
        tcp::before(SequenceNumber(edge), SequenceNumber(conversation.promised_edge))) {
        complain("the right edge of the offered window moved back");
    }
    conversation.promised_edge = edge;
    conversation.has_promise = true;
}

}  // namespace berth::sim
