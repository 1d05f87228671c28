// The Internet checksum (RFC 1071), with the incremental update of RFC 1624.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "berth/address.hpp"

namespace berth::wire {

// A sum over 16-bit words in progress. Parts may be added in pieces of any length: a piece that
// ends on an odd byte is carried over to the next (RFC 1071 §2: byte order independence and odd
// lengths).
class Checksum {
  public:
    void add(Bytes bytes);
    void add16(std::uint16_t host_order_word);
    // The pseudo-header of UDP and TCP (RFC 768; RFC 9293 §3.1 MUST-2).
    void add_pseudo_header(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                           std::uint16_t length);
    // The one's complement of the sum, in host order: what the checksum field holds.
    std::uint16_t finish() const;

  private:
    std::uint64_t sum_ = 0;
    bool odd_ = false;
};

// The checksum of one range; a range that contains its own correct checksum gives 0.
std::uint16_t checksum_of(Bytes bytes);

// The checksum after one 16-bit word of what it covers changed (RFC 1624 eqn. 3).
std::uint16_t checksum_updated(std::uint16_t checksum, std::uint16_t old_word,
                               std::uint16_t new_word);

}  // namespace berth::wire
