// A source route (RFC 791 §3.1, RFC 1122 §3.2.1.8 (c)): the routers by which a packet is to go.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "berth/address.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

struct SourceRoute {
    // What 40 bytes of options hold: kind, length, pointer and nine addresses.
    static constexpr std::size_t max_hops = 9;
    static constexpr std::size_t max_bytes = 40;

    std::array<Ipv4Address, max_hops> hops{};  // in the order of travel, without the destination
    std::uint8_t count = 0;                    // 0: no route, packets go as they would
    bool strict = false;                       // no other routers between these

    bool operator==(const SourceRoute&) const = default;
    bool empty() const { return count == 0; }
    // What the header's destination field says while the packet is on its way to the first of them.
    Ipv4Address first_hop(Ipv4Address destination) const { return empty() ? destination : hops[0]; }
    // What the option takes in a header.
    std::size_t option_bytes() const { return empty() ? 0 : std::size_t{4} * count + 4; }
    // Writes the option for packets to `destination` (at most max_bytes), padding left to the
    // header's writer; the bytes written.
    std::size_t write(Ipv4Address destination, MutableBytes to) const;

    // The same list as from_options() takes it; as much as `to` holds.
    std::size_t write_as_given(MutableBytes to) const;

    // As an application gives it (IP_OPTIONS): one source route option that lists the routers, with
    // no-operations around it. Nothing: it is anything else. No bytes at all: the empty route.
    static std::optional<SourceRoute> from_options(Bytes options);
    // The way back to the sender of a packet that has come to the end of its route; nothing: it has
    // none, or one that is not completed.
    static std::optional<SourceRoute> back_from(const wire::Ipv4View& packet);
};

}  // namespace berth::ip
