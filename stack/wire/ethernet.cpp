#include "wire/ethernet.hpp"

#include <algorithm>
#include <array>

namespace berth::wire {
namespace {

constexpr std::size_t destination_at = 0;
constexpr std::size_t source_at = 6;
constexpr std::size_t type_at = 12;
constexpr std::size_t tag_control_at = 14;

constexpr std::uint16_t tag_protocol = 0x8100;
constexpr std::uint16_t vlan_mask = 0x0fff;

// RFC 1122 §2.3.3: at most this is an IEEE 802.3 length, more is an EtherType.
constexpr std::size_t greatest_802_3_length = 1500;
// RFC 1042: LLC's addresses and control, the organization code zero, and the EtherType.
constexpr std::array<std::uint8_t, 6> snap_prefix = {0xaa, 0xaa, 0x03, 0, 0, 0};
constexpr std::size_t snap_bytes = snap_prefix.size() + 2;

bool begins_with_snap(Bytes body) {
    return body.size() >= snap_bytes &&
           std::equal(snap_prefix.begin(), snap_prefix.end(), body.begin());
}

MacAddress load_mac(Bytes from, std::size_t at) {
    MacAddress address;
    std::copy_n(from.data() + at, address.octets.size(), address.octets.data());
    return address;
}

}  // namespace

Result<EthernetView, DropReason> EthernetView::parse(Bytes frame) {
    if (frame.size() < ethernet_header_bytes) return Failure{DropReason::ethernet_truncated};
    const bool is_tagged = load_be16(frame, type_at) == tag_protocol;
    const std::size_t header_bytes = ethernet_header_bytes + (is_tagged ? vlan_tag_bytes : 0);
    if (frame.size() < header_bytes) return Failure{DropReason::ethernet_truncated};
    const std::size_t length = load_be16(frame, header_bytes - 2);
    const Bytes body = frame.subspan(header_bytes);
    if (length > greatest_802_3_length || !begins_with_snap(body))
        return EthernetView(frame, header_bytes, is_tagged);
    if (length < snap_bytes || length > body.size()) return Failure{DropReason::ethernet_truncated};
    return EthernetView(frame.first(header_bytes + length), header_bytes + snap_bytes, is_tagged);
}

MacAddress EthernetView::destination() const {
    return load_mac(frame_, destination_at);
}
MacAddress EthernetView::source() const {
    return load_mac(frame_, source_at);
}
EtherType EthernetView::type() const {
    return static_cast<EtherType>(load_be16(frame_, header_bytes_ - 2));
}
VlanId EthernetView::vlan() const {
    if (!is_tagged_) return 0;
    return load_be16(frame_, tag_control_at) & vlan_mask;
}
Bytes EthernetView::payload() const {
    return frame_.subspan(header_bytes_);
}

void write(const EthernetHeader& header, MutableBytes to) {
    std::copy_n(header.destination.octets.data(), 6, to.data() + destination_at);
    std::copy_n(header.source.octets.data(), 6, to.data() + source_at);
    if (header.vlan != 0) {
        store_be16(to, type_at, tag_protocol);
        store_be16(to, tag_control_at, header.vlan & vlan_mask);
    }
    store_be16(to, ethernet_header_size(header.vlan) - 2, static_cast<std::uint16_t>(header.type));
}

}  // namespace berth::wire
