#include "wire/ethernet.hpp"

#include <algorithm>

namespace berth::wire {
namespace {

constexpr std::size_t destination_at = 0;
constexpr std::size_t source_at = 6;
constexpr std::size_t type_at = 12;

MacAddress load_mac(Bytes from, std::size_t at) {
    MacAddress address;
    std::copy_n(from.data() + at, address.octets.size(), address.octets.data());
    return address;
}

}  // namespace

Result<EthernetView, DropReason> EthernetView::parse(Bytes frame) {
    if (frame.size() < ethernet_header_bytes) return Failure{DropReason::ethernet_truncated};
    return EthernetView(frame);
}

MacAddress EthernetView::destination() const {
    return load_mac(frame_, destination_at);
}
MacAddress EthernetView::source() const {
    return load_mac(frame_, source_at);
}
EtherType EthernetView::type() const {
    return static_cast<EtherType>(load_be16(frame_, type_at));
}
Bytes EthernetView::payload() const {
    return frame_.subspan(ethernet_header_bytes);
}

void write(const EthernetHeader& header, MutableBytes to) {
    std::copy_n(header.destination.octets.data(), 6, to.data() + destination_at);
    std::copy_n(header.source.octets.data(), 6, to.data() + source_at);
    store_be16(to, type_at, static_cast<std::uint16_t>(header.type));
}

}  // namespace berth::wire
