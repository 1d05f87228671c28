// What became of a packet. Every packet has exactly one fate.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"

namespace berth {

enum class FateKind : std::uint8_t {
    dropped,    // for the named reason
    delivered,  // to a socket: `match` and `association` say which and how it was found
    consumed,   // by the stack itself: an ARP packet, an echo request, a TIME-WAIT segment
    forwarded,  // to another link
    sent,       // outgoing: handed to the device
};

// Which probe of the demultiplexer found the receiver (DESIGN §5).
enum class DemuxMatch : std::uint8_t { nobody, four_tuple, listener_address, listener_wildcard };

struct Fate {
    FateKind kind = FateKind::dropped;
    DropReason reason = DropReason::none;
    DemuxMatch match = DemuxMatch::nobody;
    bool has_association = false;
    std::uint8_t state_before = 0;  // tcp::State, where the association is TCP's
    std::uint8_t state_after = 0;
    Association association{};
    const char* note = "";  // static text: "arp reply sent", "echo reply sent", "retransmission"

    static constexpr Fate dropped(DropReason why) {
        Fate fate;
        fate.reason = why;
        return fate;
    }
    static constexpr Fate sent(const char* note) {
        Fate fate;
        fate.kind = FateKind::sent;
        fate.note = note;
        return fate;
    }
    static constexpr Fate consumed(const char* note) {
        Fate fate;
        fate.kind = FateKind::consumed;
        fate.note = note;
        return fate;
    }
};

enum class Direction : std::uint8_t { in, out };

// Receives every packet's fate, once. The stack owns none of it; a capture is one implementation.
class FateObserver {
  public:
    virtual ~FateObserver() = default;
    // `frame` is the whole packet as the link carries it, valid during the call only.
    // `interface_index` is the order in which interfaces were added, from 0.
    virtual void on_packet(std::uint32_t interface_index, Direction direction, Time when,
                           Bytes frame, const Fate& fate) = 0;
};

}  // namespace berth
