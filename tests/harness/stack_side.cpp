#include "harness/stack_side.hpp"

#include "wire/ipv4.hpp"

namespace berth::harness {

bool StackSide::next(Heard& heard, Where where) {
    if (!script_.goes_on()) return false;
    // After put() and app calls the stack was polled already; this hears what a bare change of the
    // device (room again) made possible.
    script_.settle(where);
    if (script_.heard().empty()) {
        script_.fail(where, "The stack has sent nothing.");
        return false;
    }
    heard = std::move(script_.heard().front());
    script_.heard().pop_front();
    if (heard.when != script_.now()) {
        script_.fail(where, "The stack sent it " + seconds_text(script_.now() - heard.when) +
                                " s before the present line of the script.");
        return false;
    }
    return true;
}

Heard StackSide::expect(Peer& peer, const Segment& expected, bool received, Where where) {
    Heard heard;
    if (!next(heard, where)) return heard;
    if (heard.protocol != Protocol::tcp) {
        script_.fail(where,
                     "The stack sent a packet of " + to_string(heard.protocol) + ", not of tcp.");
        return heard;
    }
    if (heard.four_tuple != peer.four_tuple()) {
        script_.fail(where, "The stack's segment belongs to " + to_string(heard.four_tuple) +
                                ", not to " + to_string(peer.four_tuple()) + ".");
        return heard;
    }
    peer.matches(expected, heard, received, where);
    return heard;
}

Heard StackSide::sends_to(Peer& peer, const Segment& expected, Where where) {
    return expect(peer, expected, true, where);
}

Heard StackSide::loses(const Segment& expected, Where where) {
    Heard heard = expect(peer_, expected, false, where);
    if (script_.goes_on()) script_.tell("      (the network loses it)");
    return heard;
}

Heard StackSide::sends_within(Duration patience, const Segment& expected, Where where) {
    if (script_.expect_quiet(where)) script_.await(patience, where);
    return expect(peer_, expected, true, where);
}

Heard StackSide::sends_something(Where where) {
    Heard heard;
    next(heard, where);
    return heard;
}

Heard StackSide::sends_icmp(wire::IcmpType type, std::uint8_t code, Where where) {
    Heard heard;
    if (!next(heard, where)) return heard;
    const auto ip = wire::Ipv4View::parse(heard.packet);
    if (heard.protocol != Protocol::icmp || !ip) {
        script_.fail(where,
                     "The stack sent a packet of " + to_string(heard.protocol) + ", not of icmp.");
        return heard;
    }
    const auto message = wire::IcmpView::parse(ip->payload());
    if (!message || message->type() != type || message->code() != code) {
        script_.fail(where, "The stack's ICMP message is not of type " +
                                std::to_string(static_cast<int>(type)) + " and code " +
                                std::to_string(code) + ".");
    }
    return heard;
}

void StackSide::sends_run(std::size_t count, std::size_t segment_bytes, Where where) {
    for (std::size_t i = 0; i < count && script_.goes_on(); ++i) {
        Segment segment;
        segment.length = segment_bytes;
        sends(segment, where);
    }
}

}  // namespace berth::harness
