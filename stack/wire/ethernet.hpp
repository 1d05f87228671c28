// Ethernet II frames (RFC 894), with one IEEE 802.1Q tag or none: a view that cannot be wrong, and
// a writer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

// 0x8100 is not among them: it announces a tag, and the type comes behind that.
enum class EtherType : std::uint16_t { ipv4 = 0x0800, arp = 0x0806 };

using VlanId = std::uint16_t;  // 12 bits; 0: the frame belongs to no VLAN
inline constexpr VlanId first_vlan = 1;
inline constexpr VlanId last_vlan = 4094;  // IEEE 802.1Q §9.6: 4095 is reserved

struct EthernetHeader {
    MacAddress destination;
    MacAddress source;
    EtherType type = EtherType::ipv4;
    VlanId vlan = 0;

    constexpr bool operator==(const EthernetHeader&) const = default;
};

inline constexpr std::size_t ethernet_header_bytes = 14;
inline constexpr std::size_t vlan_tag_bytes = 4;

constexpr std::size_t ethernet_header_size(VlanId vlan) {
    return vlan == 0 ? ethernet_header_bytes : ethernet_header_bytes + vlan_tag_bytes;
}

class EthernetView {
  public:
    // ethernet_truncated: shorter than its header, than the tag that it announces, or than the
    // length in its 802.3 header. Of an 802.3 frame without SNAP the length passes for an unknown
    // type.
    static Result<EthernetView, DropReason> parse(Bytes frame);

    MacAddress destination() const;
    MacAddress source() const;
    EtherType type() const;  // behind the tag and the SNAP header, where there are any
    // Zero without a tag, and with one that gives only a priority (IEEE 802.1Q §6.9: VID 0).
    VlanId vlan() const;
    std::size_t header_bytes() const { return header_bytes_; }
    Bytes payload() const;  // may end in padding; the layer above knows its own length
    EthernetHeader header() const { return {destination(), source(), type(), vlan()}; }

  private:
    EthernetView(Bytes frame, std::size_t header_bytes, bool is_tagged)
        : frame_(frame), header_bytes_(header_bytes), is_tagged_(is_tagged) {}
    Bytes frame_;
    std::size_t header_bytes_;
    bool is_tagged_;
};

// Writes ethernet_header_size(header.vlan) bytes at the start of `to`; a tag has priority 0 (best
// effort) and may not be dropped first.
void write(const EthernetHeader& header, MutableBytes to);

}  // namespace berth::wire
