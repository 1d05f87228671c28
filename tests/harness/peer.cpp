#include "harness/peer.hpp"

#include <algorithm>

#include "harness/pattern.hpp"
#include "wire/ipv4.hpp"

namespace berth::harness {
namespace {

constexpr std::uint8_t largest_shift = 14;  // RFC 7323 §2.3
// What a zero-window probe may send beyond the offered window (RFC 9293 §3.8.6.1).
constexpr std::uint32_t probe_bytes = 1;

std::uint32_t sequence_length(const wire::TcpHeader& header, std::size_t payload_bytes) {
    return static_cast<std::uint32_t>(payload_bytes) + (header.flags.syn ? 1 : 0) +
           (header.flags.fin ? 1 : 0);
}

}  // namespace

void SeenRanges::add(std::uint32_t begin, std::uint32_t end) {
    if (begin == end) return;
    std::uint32_t& known_end = ranges_[begin];
    known_end = std::max(known_end, end);
    highest_ = std::max(highest_, end);
    for (const auto& [from, to] : ranges_)
        if (from <= contiguous_) contiguous_ = std::max(contiguous_, to);
}

Peer::Peer(Script& script, Endpoint own_endpoint, std::string name)
    : endpoint(own_endpoint),
      stack_endpoint(script.local),
      script_(script),
      name_(std::move(name)) {
    script_.join(*this);
}

Peer::~Peer() {
    script_.leave(*this);
}

void Peer::starts_over(std::uint32_t new_isn) {
    isn = new_isn;
    spoke_ = false;
    sent_ = {};
    heard_ = {};
    stack_isn_known_ = false;
    stack_isn_ = 0;
    named_up_to_ = 0;
    offered_edge_ = 0;
    stack_window_ = 0;
    stack_right_edge_ = 0;
    own_shift_.reset();
    stack_shift_.reset();
    offered_timestamps_ = false;
    stack_offered_timestamps_ = false;
    stack_packets_.clear();
}

// RFC 7323 §2.2: scaling is on only if both sides offered it; a shift above 14 counts as 14.
std::uint8_t Peer::shift(std::optional<std::uint8_t> own) const {
    if (!own_shift_ || !stack_shift_) return 0;
    return std::min(*own, largest_shift);
}

std::uint32_t Peer::timestamp_now() const {
    return static_cast<std::uint32_t>(1000 + script_.elapsed().milliseconds());
}

wire::TcpHeader Peer::header_of(const Segment& segment) const {
    wire::TcpHeader header;
    header.source_port = endpoint.port;
    header.destination_port = stack_endpoint.port;
    header.seq = isn + segment.seq.value_or(sent_.highest());
    header.flags.syn = segment.syn;
    header.flags.fin = segment.fin;
    header.flags.rst = segment.rst;
    header.flags.psh = segment.psh.value_or(segment.length != 0);
    header.flags.ack = !segment.no_ack && (segment.ack.has_value() || stack_isn_known_);
    if (header.flags.ack) header.ack = stack_isn_ + segment.ack.value_or(heard_.contiguous());
    header.window = segment.win.value_or(window);
    if (segment.urg) {
        header.flags.urg = true;
        header.urgent_pointer = *segment.urg;
    }
    header.flags.ece = segment.ece.value_or(false);
    header.flags.cwr = segment.cwr.value_or(false);
    header.options.fast_open = segment.fast_open;
    header.options.mss = segment.mss;
    header.options.window_scale = segment.wscale;
    header.options.sack_permitted = segment.sack_ok.value_or(false);
    if (segment.ts) {
        header.options.timestamps = wire::TcpTimestamps{segment.ts->val, segment.ts->ecr};
    } else if (timestamps_agreed() && !segment.no_ts && !segment.rst) {
        header.options.timestamps = wire::TcpTimestamps{timestamp_now(), latest_stack_timestamp_};
    }
    for (const wire::TcpSackBlock& block : segment.sack) {
        header.options.sack_blocks[header.options.sack_block_count++] = {stack_isn_ + block.left,
                                                                         stack_isn_ + block.right};
    }
    return header;
}

std::vector<std::uint8_t> Peer::payload_of(const Segment& segment, std::uint32_t seq) const {
    if (segment.text) return {segment.text->begin(), segment.text->end()};
    const std::uint32_t first = seq + (segment.syn ? 1 : 0);  // a SYN comes before its data
    return pattern(Source::peer, first - 1, segment.length);
}

void Peer::note_own_options(const wire::TcpHeader& header) {
    if (!header.flags.syn) return;
    own_shift_ = header.options.window_scale;
    offered_timestamps_ = header.options.timestamps.has_value();
}

void Peer::sends(const Segment& segment, Where where) {
    if (!script_.expect_quiet(where)) return;
    const wire::TcpHeader header = header_of(segment);
    const std::uint32_t seq = header.seq - isn;
    const std::vector<std::uint8_t> payload = payload_of(segment, seq);
    Packet packet =
        segment.raw_options.empty()
            ? tcp_packet(header, endpoint.address, stack_endpoint.address, payload)
            : tcp_packet_with_raw_options(header, endpoint.address, stack_endpoint.address,
                                          segment.raw_options, payload);
    if (segment.bad_checksum) packet.back() = static_cast<std::uint8_t>(packet.back() ^ 1U);

    note_own_options(header);
    spoke_ = true;
    if (!segment.rst && !segment.bad_checksum)
        sent_.add(seq, seq + sequence_length(header, payload.size()));
    if (header.flags.ack && !segment.rst) {
        const std::uint32_t bytes = std::uint32_t{header.window}
                                    << (header.flags.syn ? 0 : shift(own_shift_));
        offered_edge_ = std::max(offered_edge_, header.ack - stack_isn_ + bytes);
    }
    // Fast Open (RFC 7413 §4.2.2): a SYN's window may be used before its SYN,ACK is acknowledged.
    if (header.flags.syn && segment.fast_open)
        offered_edge_ = std::max<std::uint32_t>(offered_edge_, 1U + header.window);
    script_.tell(name_ + " > stack: " + to_text(header, payload.size(), {isn, stack_isn_}));
    script_.put(packet, where);
    if (script_.goes_on() && script_.last_fate().kind == FateKind::dropped) {
        script_.tell("      (" + fate_text(script_.last_fate()) + ")");
    }
}

void Peer::sends_icmp(wire::IcmpType type, std::uint8_t code, std::uint32_t rest, Where where) {
    put_icmp(latest_stack_packet_, {type, code, rest}, where);
}

void Peer::sends_icmp_about(std::uint32_t seq, wire::IcmpType type, std::uint8_t code,
                            std::uint32_t rest, Where where) {
    const auto packet = stack_packets_.find(seq);
    if (packet == stack_packets_.end()) {
        script_.fail(where, "The stack has sent no segment with seq " + std::to_string(seq) + ".");
        return;
    }
    put_icmp(packet->second, {type, code, rest}, where);
}

void Peer::put_icmp(Bytes quoted_packet, wire::IcmpHeader header, Where where) {
    if (!script_.expect_quiet(where)) return;
    const std::size_t quoted =
        std::min<std::size_t>(quoted_packet.size(), wire::ipv4_header_bytes + 8);
    script_.tell(name_ + " > stack: ICMP type " + std::to_string(static_cast<int>(header.type)) +
                 " code " + std::to_string(header.code));
    script_.put(
        icmp_packet(endpoint.address, stack_endpoint.address, header, quoted_packet.first(quoted)),
        where);
    if (script_.goes_on() && script_.last_fate().kind == FateKind::dropped) {
        script_.tell("      (" + fate_text(script_.last_fate()) + ")");
    }
}

void Peer::overhear(const Heard& heard, Where where) {
    const wire::TcpHeader& header = heard.header;
    if (header.flags.syn && !stack_isn_known_) {
        stack_isn_ = header.seq;
        stack_isn_known_ = true;
    }
    if (header.flags.syn) {
        stack_shift_ = header.options.window_scale;
        stack_offered_timestamps_ = header.options.timestamps.has_value();
    }
    script_.tell("stack > " + name_ + ": " +
                 to_text(header, heard.payload.size(), {stack_isn_, isn}));
    latest_stack_packet_ = heard.packet;
    if (header.flags.rst) return;
    const std::uint32_t seq = header.seq - stack_isn_;
    stack_packets_[seq] = heard.packet;
    const std::uint32_t end = seq + sequence_length(header, heard.payload.size());

    // RFC 9293 §3.8.6: never beyond the window, apart from a probe; a FIN has no place in the
    // buffer.
    const std::uint32_t data_end = end - (header.flags.fin ? 1 : 0);
    if (!heard.payload.empty() && !header.options.fast_open &&
        data_end > offered_edge_ + probe_bytes) {
        script_.fail(where, "The stack sent data up to " + std::to_string(data_end) +
                                " where it was allowed " + std::to_string(offered_edge_) + ".");
    }
    if (!header.flags.ack) return;
    // RFC 9293 §3.8.6 SHLD-14: the right edge of the window never moves back.
    stack_window_ = std::uint32_t{header.window} << (header.flags.syn ? 0 : shift(stack_shift_));
    const std::uint32_t edge = header.ack - isn + stack_window_;
    if (edge < stack_right_edge_) {
        script_.fail(where, "The stack shrank its window: the right edge was " +
                                std::to_string(stack_right_edge_) + " and is now " +
                                std::to_string(edge) + ".");
    }
    stack_right_edge_ = edge;
}

bool Peer::matches(const Segment& expected, const Heard& heard, bool received, Where where) {
    const std::string wrong = difference(expected, heard);
    if (!wrong.empty()) {
        script_.fail(where, wrong);
        return false;
    }
    receive(heard, received);
    return true;
}

void Peer::takes(const Heard& heard, Where where) {
    Segment expected;
    expected.length = heard.payload.size();
    const std::string wrong = payload_difference(expected, heard);
    if (!wrong.empty()) script_.fail(where, wrong);
    receive(heard, true);
}

void Peer::receive(const Heard& heard, bool received) {
    if (heard.header.options.timestamps && received)
        latest_stack_timestamp_ = heard.header.options.timestamps->value;
    if (heard.header.flags.rst) return;
    const std::uint32_t seq = heard.header.seq - stack_isn_;
    const std::uint32_t end = seq + sequence_length(heard.header, heard.payload.size());
    named_up_to_ = std::max(named_up_to_, end);
    if (received) heard_.add(seq, end);
}

std::string Peer::difference(const Segment& expected, const Heard& heard) const {
    const wire::TcpHeader& header = heard.header;
    const auto differs = [](const std::string& what, std::uint64_t actual, std::uint64_t wanted) {
        return "The stack's segment has " + what + " " + std::to_string(actual) + ", expected " +
               std::to_string(wanted) + ".";
    };
    const auto flag_differs = [](const char* flag, bool wanted) {
        return std::string("The stack's segment ") +
               (wanted ? "lacks the flag " : "has the flag ") + flag + ".";
    };
    if (header.flags.syn != expected.syn) return flag_differs("SYN", expected.syn);
    if (header.flags.fin != expected.fin) return flag_differs("FIN", expected.fin);
    if (header.flags.rst != expected.rst) return flag_differs("RST", expected.rst);
    const bool with_ack =
        !expected.no_ack && (expected.ack.has_value() || (!expected.rst && spoke_));
    if (header.flags.ack != with_ack) return flag_differs("ACK", with_ack);
    if (expected.psh && header.flags.psh != *expected.psh)
        return flag_differs("PSH", *expected.psh);
    if (expected.ece && header.flags.ece != *expected.ece)
        return flag_differs("ECE", *expected.ece);
    if (expected.cwr && header.flags.cwr != *expected.cwr)
        return flag_differs("CWR", *expected.cwr);
    if (header.flags.urg != expected.urg.has_value())
        return flag_differs("URG", expected.urg.has_value());

    // A new segment continues where those that the script has named ended.
    const std::uint32_t seq = header.seq - stack_isn_;
    const std::uint32_t next = expected.syn ? 0 : named_up_to_;
    if (seq != expected.seq.value_or(next)) return differs("seq", seq, expected.seq.value_or(next));
    if (with_ack) {
        const std::uint32_t ack = header.ack - isn;
        const std::uint32_t wanted = expected.ack.value_or(sent_.contiguous());
        if (ack != wanted) return differs("ack", ack, wanted);
    }
    if (expected.win && header.window != *expected.win)
        return differs("win", header.window, *expected.win);
    const std::string option_wrong = option_difference(expected, header);
    return option_wrong.empty() ? payload_difference(expected, heard) : option_wrong;
}

std::string Peer::option_difference(const Segment& expected, const wire::TcpHeader& header) const {
    const auto number = [](auto value) {
        return value ? std::to_string(*value) : std::string("none");
    };
    const wire::TcpOptions& options = header.options;
    if (expected.mss && options.mss != expected.mss) {
        return "The stack's segment has mss " + number(options.mss) + ", expected " +
               number(expected.mss) + ".";
    }
    if (expected.wscale && options.window_scale != expected.wscale) {
        return "The stack's segment has wscale " + number(options.window_scale) + ", expected " +
               number(expected.wscale) + ".";
    }
    if (expected.sack_ok && options.sack_permitted != *expected.sack_ok) {
        return std::string("The stack's segment ") + (*expected.sack_ok ? "lacks" : "has") +
               " the option SACK permitted.";
    }
    if (expected.ts && (!options.timestamps || options.timestamps->value != expected.ts->val ||
                        options.timestamps->echo != expected.ts->ecr)) {
        return "The stack's segment lacks the timestamps val " + std::to_string(expected.ts->val) +
               " ecr " + std::to_string(expected.ts->ecr) + ".";
    }
    if (expected.fast_open && options.fast_open != expected.fast_open)
        return "The stack's segment lacks the expected Fast Open option.";
    if (expected.no_fast_open && options.fast_open)
        return "The stack's segment has a Fast Open option.";
    if (expected.no_ts && options.timestamps) return "The stack's segment has timestamps.";
    // RFC 7323 §3.2: once agreed, every segment but a RST carries them.
    if (timestamps_agreed() && !expected.no_ts && !header.flags.rst && !options.timestamps) {
        return "The stack's segment has no timestamps although they were agreed.";
    }
    if (expected.sack.empty()) return {};
    if (options.sack_block_count != expected.sack.size()) {
        return "The stack's segment has " + std::to_string(options.sack_block_count) +
               " SACK blocks, expected " + std::to_string(expected.sack.size()) + ".";
    }
    for (std::size_t i = 0; i < expected.sack.size(); ++i) {
        const wire::TcpSackBlock block{options.sack_blocks[i].left - isn,
                                       options.sack_blocks[i].right - isn};
        if (!(block == expected.sack[i]))
            return "SACK block " + std::to_string(i) + " is not the expected one.";
    }
    return {};
}

std::string Peer::payload_difference(const Segment& expected, const Heard& heard) const {
    const std::size_t wanted = expected.text ? expected.text->size() : expected.length;
    if (heard.payload.size() != wanted) {
        return "The stack's segment has length " + std::to_string(heard.payload.size()) +
               ", expected " + std::to_string(wanted) + ".";
    }
    const std::uint32_t first = heard.header.seq - stack_isn_ + (heard.header.flags.syn ? 1 : 0);
    const auto content =
        expected.text ? std::vector<std::uint8_t>(expected.text->begin(), expected.text->end())
                      : pattern(Source::app, std::uint64_t{first} - 1, heard.payload.size());
    if (heard.payload != content)
        return "The payload of the stack's segment is not what the application sent at that place.";
    return {};
}

}  // namespace berth::harness
