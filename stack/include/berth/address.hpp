// The values that name places in a network: addresses, ports, endpoints, four-tuples.
//
// Plain values: trivially copyable, no allocation, safe from any thread. Everything is held in host
// byte order; the wire layer alone knows network order. This header is a leaf: every folder of the
// stack may include it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

// A port: a 16-bit number that names a service at an address, per protocol. Zero is "no port": in a
// bind it means "choose for me".
using Port = std::uint16_t;

// The three ranges of RFC 6335 §6.
enum class PortRange : std::uint8_t { well_known, registered, dynamic };
constexpr PortRange port_range(Port port) {
    if (port < 1024) return PortRange::well_known;
    return port < 49152 ? PortRange::registered : PortRange::dynamic;
}

struct Ipv4Address {
    std::uint32_t value = 0;  // host byte order: 192.0.2.1 is 0xC0000201

    constexpr Ipv4Address() = default;
    constexpr explicit Ipv4Address(std::uint32_t host_order) : value(host_order) {}
    constexpr Ipv4Address(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d)
        : value(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d) {}

    constexpr bool is_unspecified() const { return value == 0; }
    constexpr bool is_loopback() const { return value >> 24 == 127; }
    constexpr bool is_multicast() const { return value >> 28 == 0xe; }
    constexpr bool is_limited_broadcast() const { return value == 0xffffffff; }
    // 240/4 apart from the limited broadcast address (RFC 1112 §4: class E).
    constexpr bool is_reserved() const { return value >> 28 == 0xf && !is_limited_broadcast(); }
    // 0/8: "this network" (RFC 1122 §3.2.1.3), never a destination and only a source before an
    // address is known.
    constexpr bool is_this_network() const { return value >> 24 == 0; }

    constexpr auto operator<=>(const Ipv4Address&) const = default;
};

struct MacAddress {
    std::array<std::uint8_t, 6> octets{};

    constexpr bool is_group() const { return (octets[0] & 1) != 0; }
    constexpr bool is_broadcast() const {
        for (auto octet : octets)
            if (octet != 0xff) return false;
        return true;
    }
    constexpr bool is_zero() const {
        for (auto octet : octets)
            if (octet != 0) return false;
        return true;
    }
    static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }

    constexpr auto operator<=>(const MacAddress&) const = default;
};

// A network in CIDR form, or an interface's address together with the length of its network
// ("192.0.2.2/24"); `network()` drops the host bits.
struct Ipv4Prefix {
    Ipv4Address address;
    std::uint8_t length = 32;  // bits, 0 … 32

    constexpr std::uint32_t mask() const {
        return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
    }
    constexpr Ipv4Address network() const { return Ipv4Address(address.value & mask()); }
    // Directed broadcast (RFC 919). A /31 (RFC 3021) and a /32 have none: `has_broadcast()` is
    // false.
    constexpr Ipv4Address broadcast() const { return Ipv4Address(address.value | ~mask()); }
    constexpr bool has_broadcast() const { return length <= 30; }
    constexpr bool contains(Ipv4Address other) const {
        return (other.value & mask()) == (address.value & mask());
    }

    constexpr auto operator<=>(const Ipv4Prefix&) const = default;
};

// An address and a port. As a local endpoint an unspecified address is the wildcard.
struct Endpoint {
    Ipv4Address address;
    Port port = 0;

    constexpr auto operator<=>(const Endpoint&) const = default;
};

// What identifies a connection: two sockets may share a local endpoint and differ in the remote
// one.
struct FourTuple {
    Endpoint local;
    Endpoint remote;

    constexpr auto operator<=>(const FourTuple&) const = default;
};

enum class Protocol : std::uint8_t { icmp = 1, igmp = 2, tcp = 6, udp = 17 };

// The five-tuple.
struct Association {
    Protocol protocol = Protocol::tcp;
    FourTuple four_tuple;

    constexpr auto operator<=>(const Association&) const = default;
};

// Text forms, and back. The parsers accept exactly the canonical form ("192.0.2.1", no octal, no
// short forms; "192.0.2.0/24"; "192.0.2.1:80"; "02:00:00:00:00:01") and give nullopt for the rest.
std::string to_string(Ipv4Address);
std::string to_string(MacAddress);
std::string to_string(const Ipv4Prefix&);
std::string to_string(const Endpoint&);
std::string to_string(const FourTuple&);  // "192.0.2.2:80 <-> 192.0.2.1:40000"
std::string to_string(Protocol);          // "tcp"
std::optional<Ipv4Address> parse_ipv4_address(std::string_view);
std::optional<MacAddress> parse_mac_address(std::string_view);
std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view);  // without "/n": a /32
std::optional<Endpoint> parse_endpoint(std::string_view);
std::optional<Port> parse_port(std::string_view);

}  // namespace berth
