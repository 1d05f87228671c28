// What the script expects the stack to say.
#pragma once

#include "harness/peer.hpp"
#include "harness/script.hpp"

namespace berth::harness {

class StackSide {
  public:
    StackSide(Script& script, Peer& peer) : script_(script), peer_(peer) {}

    // The stack has said, just now and next, this segment to the script's first peer.
    Heard sends(const Segment& expected, Where where = {}) {
        return sends_to(peer_, expected, where);
    }
    // The same to another peer.
    Heard sends_to(Peer& peer, const Segment& expected, Where where = {});
    // The stack has said it, but the network loses it.
    Heard loses(const Segment& expected, Where where = {});
    // The stack says it within `patience`; the clock stops at that moment.
    Heard sends_within(Duration patience, const Segment& expected, Where where = {});
    // Whatever it is, it went to the first peer: for tests that judge it themselves.
    Heard sends_something(Where where = {});
    // The stack has said an ICMP error of this type and code.
    Heard sends_icmp(wire::IcmpType type, std::uint8_t code, Where where = {});
    // Since the last line that named something, the stack has said nothing.
    void sends_nothing(Where where = {}) { script_.expect_quiet(where); }
    // Full-sized segments in order, `count` of them.
    void sends_run(std::size_t count, std::size_t segment_bytes, Where where = {});

  private:
    Heard expect(Peer& peer, const Segment& expected, bool received, Where where);
    bool next(Heard& heard, Where where);

    Script& script_;
    Peer& peer_;
};

}  // namespace berth::harness
