#include "sim/wire_watch.hpp"

#include <algorithm>

#include "tcp/sequence.hpp"
#include "tcp/state.hpp"

namespace berth::sim {

using tcp::SequenceNumber;
using tcp::State;

namespace {

// RFC 9293 §3.8.6.3: an ACK may be delayed by less than half a second.
constexpr Duration longest_ack_delay = milliseconds(500);
// A peer that announces less is sent this much all the same (stack/tcp/path_mtu.cpp).
constexpr std::uint16_t smallest_mss = 64;

bool is_after(std::uint32_t a, std::uint32_t b) {
    return tcp::after(SequenceNumber(a), SequenceNumber(b));
}

std::uint32_t end_of(const wire::TcpView& segment) {
    return segment.seq() + static_cast<std::uint32_t>(segment.payload().size()) +
           (segment.flags().syn ? 1 : 0) + (segment.flags().fin ? 1 : 0);
}

}  // namespace

void WireWatch::complain(const std::string& what) {
    if (complaint_.empty())
        complaint_ =
            what + " (" + to_string(current_.local) + " to " + to_string(current_.remote) + ")";
}

void WireWatch::on_packet(std::uint32_t, Direction direction, Time when, Bytes frame,
                          const Fate& fate) {
    ++(direction == Direction::in ? packets_in_ : packets_out_);
    if (digests)
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
    current_ = direction == Direction::out ? FourTuple{from, to} : FourTuple{to, from};
    if (direction == Direction::out) {
        watch_out({from, to}, *segment, ip->payload().size() - segment->payload().size());
    } else {
        watch_in({to, from}, *segment, fate, when);
    }
}

// --- what arrives ---

void WireWatch::watch_in(const FourTuple& four_tuple, const wire::TcpView& segment,
                         const Fate& fate, Time when) {
    const wire::TcpFlags flags = segment.flags();
    const bool taken = fate.kind == FateKind::delivered;
    const auto after = static_cast<State>(fate.state_after);
    Conversation& conversation = conversations_[four_tuple];
    if (flags.syn && taken) watch_syn_in(conversation, segment, fate);
    // The ACK of a SYN cookie, once more when its connection is over: it makes another one, with
    // the same numbers (RFC 4987 §3.6 knows no cure).
    const bool heard_by_listener =
        fate.match == DemuxMatch::listener_address || fate.match == DemuxMatch::listener_wildcard;
    if (taken && !flags.syn && heard_by_listener && conversation.completed)
        conversation.ambiguous = true;
    if (taken && (!flags.syn || flags.ack)) complete(conversation, segment);
    if (fate.reason == DropReason::tcp_receive_buffer_full && conversation.has_promise &&
        !is_after(segment.seq(), conversation.acknowledged))
        complain("text inside the promised window was refused");
    const bool lives = fate.has_association && tcp::is_synchronized(after) &&
                       after != State::time_wait && !flags.rst;
    if (!lives) conversation.owes_since = Time::never();
    if (lives && taken && !segment.payload().empty())
        conversation.owes_since = earlier(conversation.owes_since, when);

    // An ACK of what was never sent allows nothing.
    if (!flags.ack || flags.rst || !conversation.syn_out ||
        segment.ack() - conversation.iss > conversation.highest - conversation.iss)
        return;
    const unsigned shift = !flags.syn && conversation.both_scale ? conversation.peer_shift : 0U;
    const std::uint32_t edge = segment.ack() + (std::uint32_t{segment.window()} << shift);
    if (!conversation.has_allowance || is_after(edge, conversation.allowed_edge))
        conversation.allowed_edge = edge;
    conversation.has_allowance = true;
}

void WireWatch::complete(Conversation& conversation, const wire::TcpView& segment) {
    if (conversation.completed) return;
    conversation.completed = true;
    if (!conversation.cookie) return;
    const auto timestamps = segment.options().timestamps;
    if (segment.ack() != conversation.iss + 1 || !timestamps ||
        timestamps->echo != conversation.timestamp_sent)
        conversation.ambiguous = true;
}

void WireWatch::watch_syn_in(Conversation& conversation, const wire::TcpView& segment,
                             const Fate& fate) {
    const auto before = static_cast<State>(fate.state_before);
    if (before != State::listen && before != State::syn_sent) return;  // a repetition
    const wire::TcpOptions options = segment.options();
    const auto shift = std::min<std::uint8_t>(options.window_scale.value_or(0), 14);
    const std::uint16_t mss = options.mss.value_or(536);
    if (before == State::listen) {
        const bool again = conversation.syn_in && !conversation.completed;
        conversation = {};
        conversation.ambiguous = again;
        conversation.cookie = static_cast<State>(fate.state_after) == State::listen;
    }
    conversation.syn_in = true;
    conversation.peer_shift = shift;
    conversation.peer_mss = mss;
    conversation.both_scale = conversation.own_scale && options.window_scale.has_value();
    if (before == State::syn_sent) {
        // What the SYN itself allows: its window is never scaled (RFC 7323 §2.2).
        conversation.allowed_edge = conversation.iss + 1 + segment.window();
        conversation.has_allowance = true;
    }
}

// --- what leaves ---

void WireWatch::watch_out(const FourTuple& four_tuple, const wire::TcpView& segment,
                          std::size_t header_bytes) {
    const wire::TcpFlags flags = segment.flags();
    if (flags.rst) {
        ++resets_out_;
        if (flags.syn || flags.fin) complain("a reset was sent with SYN or FIN");
        conversations_[four_tuple].owes_since = Time::never();
        return;
    }
    Conversation& conversation = conversations_[four_tuple];
    if (flags.syn) watch_syn_out(conversation, segment);
    if (flags.ack) conversation.owes_since = Time::never();
    if (conversation.ambiguous) return;
    watch_sequence_out(conversation, segment);
    if (!segment.payload().empty())
        watch_text_out(four_tuple, conversation, segment, header_bytes - wire::tcp_header_bytes);
    if (flags.ack) watch_ack_out(conversation, segment);
}

void WireWatch::watch_syn_out(Conversation& conversation, const wire::TcpView& segment) {
    const wire::TcpFlags flags = segment.flags();
    if (flags.fin) complain("SYN and FIN were sent together");
    if (!flags.ack &&
        (!conversation.syn_out || conversation.completed || conversation.iss != segment.seq()))
        conversation = {};  // an attempt of its own
    // A cookie changes with time, and a record's answer may still lie in a queue when another SYN
    // has made another record.
    if (conversation.syn_out && conversation.iss != segment.seq()) conversation.ambiguous = true;
    const auto scale = segment.options().window_scale;
    conversation.own_scale = scale.has_value();
    conversation.own_shift = scale.value_or(0);
    conversation.both_scale = scale.has_value() && flags.ack && conversation.syn_in;
    if (const auto timestamps = segment.options().timestamps)
        conversation.timestamp_sent = timestamps->value;
    if (conversation.syn_out) return;
    conversation.syn_out = true;
    conversation.iss = segment.seq();
    conversation.highest = segment.seq();
}

void WireWatch::watch_sequence_out(Conversation& conversation, const wire::TcpView& segment) {
    // A TIME-WAIT record or a half-open one may outlive what was seen of its beginning.
    if (!conversation.syn_out) return;
    const wire::TcpFlags flags = segment.flags();
    const std::uint32_t end = end_of(segment);
    if (is_after(segment.seq(), conversation.highest))
        complain("a segment leaves out sequence numbers");
    if (is_after(conversation.iss, segment.seq())) complain("a segment lies before the SYN");
    if (flags.fin) {
        if (conversation.fin_sent && conversation.fin != end - 1)
            complain("the FIN was sent in two places");
        conversation.fin_sent = true;
        conversation.fin = end - 1;
    }
    if (is_after(end, conversation.highest)) conversation.highest = end;
    if (conversation.fin_sent && is_after(conversation.highest, conversation.fin + 1))
        complain("something was sent after the FIN");
}

void WireWatch::watch_text_out(const FourTuple& four_tuple, Conversation& conversation,
                               const wire::TcpView& segment, std::size_t option_bytes) {
    const std::size_t size = segment.payload().size();
    if (size + option_bytes > std::max(conversation.peer_mss, smallest_mss) &&
        (conversation.syn_in || !segment.flags().syn))
        complain("a segment exceeds the peer's MSS");
    const std::uint32_t begin = segment.seq() + (segment.flags().syn ? 1 : 0);
    // One byte beyond is a zero-window probe (RFC 9293 §3.8.6.1). Text on a SYN (RFC 7413) goes
    // before any window is known.
    if (!segment.flags().syn &&
        (!conversation.has_allowance ||
         is_after(begin + static_cast<std::uint32_t>(size), conversation.allowed_edge + 1)))
        complain("data was sent beyond the offered window");
    if (conversation.syn_out)
        on_text_sent(four_tuple, begin - conversation.iss - 1, segment.payload());
}

void WireWatch::watch_ack_out(Conversation& conversation, const wire::TcpView& segment) {
    const bool syn = segment.flags().syn;
    if (conversation.has_ack && is_after(conversation.acknowledged, segment.ack()))
        complain("an acknowledgment was taken back");
    conversation.has_ack = true;
    conversation.acknowledged = segment.ack();
    const unsigned shift = syn || !conversation.both_scale ? 0U : conversation.own_shift;
    const std::uint32_t edge = segment.ack() + (std::uint32_t{segment.window()} << shift);
    // RFC 7323 §2.4: the SYN's window need not be a multiple of what the field can say.
    const std::uint32_t slack = conversation.promised_by_syn ? (1U << shift) - 1 : 0;
    // A SYN that goes again (simultaneous open) cannot say more than 64 KB.
    const bool says_all = !syn || segment.window() < 0xffff;
    if (conversation.has_promise && says_all && is_after(conversation.promised_edge, edge + slack))
        complain("the right edge of the offered window moved back, from " +
                 std::to_string(conversation.promised_edge - segment.ack()) + " to " +
                 std::to_string(edge - segment.ack()));
    conversation.promised_by_syn =
        syn || (conversation.promised_by_syn && !is_after(edge, conversation.promised_edge));
    if (!conversation.promised_by_syn || syn || !conversation.has_promise)
        conversation.promised_edge = edge;
    conversation.has_promise = true;
}

// --- debts ---

void WireWatch::check_debts(Time now) {
    for (const auto& [four_tuple, conversation] : conversations_)
        if (!conversation.owes_since.is_never() &&
            now - conversation.owes_since > longest_ack_delay) {
            current_ = four_tuple;
            complain("an acknowledgment was owed for more than half a second");
        }
}

void WireWatch::forgive_debts() {
    for (auto& [four_tuple, conversation] : conversations_)
        conversation.owes_since = Time::never();
}

}  // namespace berth::sim
