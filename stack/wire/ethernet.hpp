// Ethernet II frames (RFC 894): a view that cannot be wrong, and a writer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

enum class EtherType : std::uint16_t { ipv4 = 0x0800, arp = 0x0806 };

struct EthernetHeader {
    MacAddress destination;
    MacAddress source;
    EtherType type = EtherType::ipv4;

    constexpr bool operator==(const EthernetHeader&) const = default;
};

inline constexpr std::size_t ethernet_header_bytes = 14;

class EthernetView {
  public:
    static Result<EthernetView, DropReason> parse(Bytes frame);

    MacAddress destination() const;
    MacAddress source() const;
    EtherType type() const;
    Bytes payload() const;  // may end in padding; the layer above knows its own length
    EthernetHeader header() const { return {destination(), source(), type()}; }

  private:
    explicit EthernetView(Bytes frame) : frame_(frame) {}
    Bytes frame_;
};

// Writes ethernet_header_bytes at the start of `to`.
void write(const EthernetHeader& header, MutableBytes to);

}  // namespace berth::wire
