// Segments changed where it hurts: numbers moved to the points that the checks of RFC 9293
// §3.10.7.4 turn on, options garbled, text cut, lengthened or exchanged; the checksums are right
// again afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "fuzz/tcp/input.hpp"
#include "tcp/connection.hpp"

namespace berth::fuzz {

using Packet = std::vector<std::uint8_t>;

// What the host that a segment is for holds of the connection: where the interesting points are.
struct Numbers {
    bool known = false;
    std::uint32_t iss = 0;
    std::uint32_t una = 0;
    std::uint32_t nxt = 0;
    std::uint32_t max_wnd = 0;
    std::uint32_t irs = 0;
    std::uint32_t rcv_nxt = 0;
    std::uint32_t rcv_wnd = 0;

    static Numbers of(const tcp::Connection& connection);
    // One of them, and a little beside it.
    std::uint32_t some_seq(Input& input, std::uint32_t otherwise) const;
    std::uint32_t some_ack(Input& input, std::uint32_t otherwise) const;
};

// `packet` is a whole IPv4 packet with a TCP segment.
void mutate(Packet& packet, Input& input, const Numbers& receiver);

// A segment that a third party makes up, with that many bytes of text.
Packet forge(const FourTuple& receiver, Input& input, const Numbers& numbers);

// A message of ICMP to the host that sent `quoted`, which is changed a little first.
Packet complain_about(const Packet& quoted, Input& input, const Numbers& sender);

void mend_checksums(Packet& packet);

}  // namespace berth::fuzz
