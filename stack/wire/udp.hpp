// UDP datagrams (RFC 768).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

inline constexpr std::size_t udp_header_bytes = 8;

class UdpView {
  public:
    // `segment` is the IP payload. Checks the length field (the datagram may be shorter than the IP
    // payload; the rest is cut off) and, unless the link vouches for it or the sender sent none
    // (zero), the checksum.
    static Result<UdpView, DropReason> parse(Bytes segment, Ipv4Address source,
                                             Ipv4Address destination, bool checksum_vouched);

    Port source_port() const;
    Port destination_port() const;
    Bytes payload() const;

  private:
    explicit UdpView(Bytes datagram) : datagram_(datagram) {}
    Bytes datagram_;
};

// Writes udp_header_bytes at the start of `to`, with the checksum over pseudo-header, header and
// `payload` (in slices). A sum of zero is sent as all ones (RFC 768).
void write_udp(Endpoint source, Endpoint destination, std::span<const Bytes> payload,
               MutableBytes to);

}  // namespace berth::wire
