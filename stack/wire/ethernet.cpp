#include "wire/ethernet.hpp"

#include <algorithm>

namespace berth::wire {
namespace {

constexpr std::size_t destination_at = 0;
constexpr std::size_t source_at = 6;
constexpr std::size_t type_at = 12;
constexpr std::size_t tag_control_at = 14;

constexpr std::uint16_t tag_protocol = 0x8100;
constexpr std::uint16_t vlan_mask = 0x0fff;

MacAddress load_mac(Bytes from, std::size_t at) {
    MacAddress address;
    std::copy_n(from.data() + at, address.octets.size(), address.octets.data());
    return address;
}

}  // namespace

Result<EthernetView, DropReason> EthernetView::parse(Bytes frame) {
    if (frame.size() < ethernet_header_bytes) return Failure{DropReason::ethernet_truncated};
    if (load_be16(frame, type_at) != tag_protocol)
        return EthernetView(frame, ethernet_header_bytes);
    constexpr std::size_t tagged_bytes = ethernet_header_bytes + vlan_tag_bytes;
    if (frame.size() < tagged_bytes) return Failure{DropReason::ethernet_truncated};
    return EthernetView(frame, tagged_bytes);
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
    if (header_bytes_ == ethernet_header_bytes) return 0;
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
