#include "fuzz/tcp/story.hpp"

#include <cstdio>
#include <cstdlib>

#include "harness/segment.hpp"
#include "tcp/state.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::fuzz {

bool tells_story() {
    static const bool tells = std::getenv("BERTH_FUZZ_STORY") != nullptr;
    return tells;
}

void tell(Time now, const std::string& what) {
    if (!tells_story()) return;
    std::fprintf(stderr, "%14.6f %s\n", static_cast<double>(now.ns) / 1e9, what.c_str());
}

void tell_packet(const char* host, Direction direction, Time now, Bytes packet, const Fate& fate) {
    const bool in = direction == Direction::in;
    std::string line = std::string(host) + (in ? " <- " : " -> ");
    const auto ip = wire::Ipv4View::parse(packet);
    if (ip && ip->protocol() == static_cast<std::uint8_t>(Protocol::tcp)) {
        const auto segment =
            wire::TcpView::parse(ip->payload(), ip->source(), ip->destination(), true);
        if (segment)
            line += std::to_string(segment->source_port()) + ">" +
                    std::to_string(segment->destination_port()) + " " +
                    harness::to_text(segment->header(), segment->payload().size(), {});
    } else {
        line += "not TCP";
    }
    if (in) {
        line += "  // ";
        line += fate.kind == FateKind::dropped ? text_of(fate.reason).name : "taken";
        if (fate.has_association)
            line += ", " + std::string(tcp::name_of(static_cast<tcp::State>(fate.state_before))) +
                    " to " + std::string(tcp::name_of(static_cast<tcp::State>(fate.state_after)));
    } else {
        line += std::string("  // ") + fate.note;
    }
    tell(now, line);
}

}  // namespace berth::fuzz
