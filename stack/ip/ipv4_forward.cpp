// Somebody else's packet on its way through (RFC 1812 §5.2, §5.3): only when asked to be a router.
#include <utility>

#include "ip/fragmentation.hpp"
#include "ip/ipv4.hpp"
#include "ip/options.hpp"
#include "wire/checksum.hpp"

namespace berth::ip {

namespace {

constexpr std::size_t ttl_at = 8;
constexpr std::size_t checksum_at = 10;

constexpr Ipv4Prefix link_local{Ipv4Address(169, 254, 0, 0), 16};

// RFC 1624 §3, eqn. 3: the word of TTL and protocol goes down by 0x100.
void decrement_ttl(MutableBytes packet) {
    const std::uint16_t before = load_be16(packet, ttl_at);
    --packet[ttl_at];
    const std::uint16_t after = load_be16(packet, ttl_at);
    std::uint32_t sum = static_cast<std::uint16_t>(~load_be16(packet, checksum_at));
    sum += static_cast<std::uint16_t>(~before);
    sum += after;
    sum = (sum & 0xffffU) + (sum >> 16);
    sum = (sum & 0xffffU) + (sum >> 16);
    store_be16(packet, checksum_at, static_cast<std::uint16_t>(~sum));
}

// RFC 1812 §5.2.4: record route and timestamp, with the address of the interface that it leaves by.
std::optional<std::uint8_t> record_in(link::Frame& frame, const wire::Ipv4View& packet,
                                      const link::Interface& interface, Time now) {
    if (packet.options().empty() || interface.addresses().empty()) return std::nullopt;
    const auto offset = static_cast<std::size_t>(packet.packet().data() - frame.buffer.data());
    const MutableBytes bytes = frame.buffer.bytes().subspan(offset, packet.packet().size());
    const auto fault = record_passage(bytes, interface.addresses().front().address, now);
    store_be16(bytes, checksum_at, 0);
    store_be16(bytes, checksum_at, wire::checksum_of(bytes.first(packet.header_bytes())));
    return fault;
}

Fate forwarded(const char* note) {
    Fate fate;
    fate.kind = FateKind::forwarded;
    fate.note = note;
    return fate;
}

}  // namespace

// RFC 1812 §5.3.4, §5.3.7 and §4.2.2.11; RFC 2644: directed broadcasts end here; RFC 3927 §7:
// link-local addresses stay on their link.
bool Ipv4::may_forward(const wire::Ipv4View& packet, bool to_link_group) const {
    return !to_link_group && is_single_host(packet.source()) &&
           is_single_host(packet.destination()) && !link_local.contains(packet.source()) &&
           !link_local.contains(packet.destination());
}

Fate Ipv4::forward(link::Frame& frame, const wire::Ipv4View& packet,
                   link::InterfaceIndex interface_index, bool to_link_group, Time now) {
    using wire::IcmpType;
    const auto refuse = [&](DropReason reason, const Problem& problem) {
        tell(problem, packet, to_link_group, now);
        return Fate::dropped(reason);
    };
    if (!may_forward(packet, to_link_group)) return Fate::dropped(DropReason::ip_not_forwardable);
    if (packet.has_source_route()) {
        return refuse(DropReason::ip_source_routed,
                      {IcmpType::destination_unreachable, wire::icmp_code::source_route_failed});
    }
    if (packet.ttl() <= 1) {
        return refuse(DropReason::ip_ttl_exceeded,
                      {IcmpType::time_exceeded, wire::icmp_code::ttl_exceeded});
    }
    const Route* route = way_to(packet.destination());
    if (route == nullptr) {
        return refuse(DropReason::ip_no_route,
                      {IcmpType::destination_unreachable, wire::icmp_code::net_unreachable});
    }
    link::Interface& interface = interfaces_.at(route->interface_index);
    const Ipv4Address next_hop =
        route->gateway.is_unspecified() ? packet.destination() : route->gateway;
    const Path path{interface.index(), next_hop, {}, interface.mtu()};
    const bool fits = packet.packet().size() <= path.mtu;
    if (!fits && packet.header().dont_fragment) {
        return refuse(
            DropReason::ip_fragmentation_needed,
            {IcmpType::destination_unreachable, wire::icmp_code::fragmentation_needed, path.mtu});
    }
    const std::size_t pieces = fits ? 1 : Fragmenter(packet.packet(), path.mtu).count();
    if (pieces > interface.queue_room()) return Fate::dropped(DropReason::reply_queue_overflow);
    if (interface.index() == interface_index)
        tell_of_better_hop(packet, interface, next_hop, to_link_group, now);

    if (const auto fault = record_in(frame, packet, interface, now)) {
        return refuse(DropReason::ip_bad_option,
                      {IcmpType::parameter_problem, 0, std::uint32_t{*fault} << 24});
    }

    link::OwnedPacket owned;
    owned.fate = Fate::sent("forwarded");
    owned.offset = static_cast<std::uint32_t>(packet.packet().data() - frame.buffer.data());
    owned.length = static_cast<std::uint32_t>(packet.packet().size());
    owned.buffer = std::move(frame.buffer);
    decrement_ttl(owned.bytes());
    ++counters_.forwarded;
    if (fits) {
        enqueue(path, std::move(owned), now);
        return forwarded("forwarded");
    }
    enqueue_in_pieces(path, std::move(owned), now);
    return forwarded("forwarded in fragments");
}

// RFC 1812 §5.2.7.2: a neighbour that could have asked the next hop itself is told so.
void Ipv4::tell_of_better_hop(const wire::Ipv4View& packet, const link::Interface& interface,
                              Ipv4Address next_hop, bool to_link_group, Time now) {
    for (const Ipv4Prefix& own : interface.addresses()) {
        if (!own.contains(packet.source()) || !own.contains(next_hop)) continue;
        tell({wire::IcmpType::redirect, wire::icmp_code::redirect_host, next_hop.value}, packet,
             to_link_group, now);
        return;
    }
}

}  // namespace berth::ip
