// The text forms of berth/address.hpp.
#include "berth/address.hpp"

#include <cstddef>

namespace berth {
namespace {

// Takes a decimal number without sign or leading zeros off the front of `text`; nullopt if there is
// none or it is beyond `maximum` (at most 99,999).
std::optional<std::uint32_t> take_decimal(std::string_view& text, std::uint32_t maximum) {
    constexpr std::size_t max_digits = 5;
    std::uint32_t number = 0;
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        if (digits == max_digits) return std::nullopt;
        number = number * 10 + static_cast<std::uint32_t>(text[digits] - '0');
        ++digits;
    }
    if (digits == 0 || (digits > 1 && text[0] == '0') || number > maximum) return std::nullopt;
    text.remove_prefix(digits);
    return number;
}

bool take_char(std::string_view& text, char wanted) {
    if (text.empty() || text[0] != wanted) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Ipv4Address> take_ipv4_address(std::string_view& text) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        if (i > 0 && !take_char(text, '.')) return std::nullopt;
        const auto octet = take_decimal(text, 255);
        if (!octet) return std::nullopt;
        value = value << 8 | *octet;
    }
    return Ipv4Address(value);
}

std::optional<std::uint8_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    return std::nullopt;
}

}  // namespace

std::string to_string(Ipv4Address address) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += std::to_string(address.value >> shift & 0xff);
        if (shift > 0) text += '.';
    }
    return text;
}

std::string to_string(MacAddress address) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t octet : address.octets) {
        if (!text.empty()) text += ':';
        text += digits[octet >> 4];
        text += digits[octet & 0xf];
    }
    return text;
}

std::string to_string(const Ipv4Prefix& prefix) {
    return to_string(prefix.address) + '/' + std::to_string(prefix.length);
}

std::string to_string(const Endpoint& endpoint) {
    return to_string(endpoint.address) + ':' + std::to_string(endpoint.port);
}

std::string to_string(const FourTuple& four_tuple) {
    return to_string(four_tuple.local) + " <-> " + to_string(four_tuple.remote);
}

std::string to_string(Protocol protocol) {
    switch (protocol) {
        case Protocol::icmp: return "icmp";
        case Protocol::igmp: return "igmp";
        case Protocol::tcp: return "tcp";
        case Protocol::udp: return "udp";
    }
    return "protocol " + std::to_string(static_cast<unsigned>(protocol));
}

std::optional<Ipv4Address> parse_ipv4_address(std::string_view text) {
    const auto address = take_ipv4_address(text);
    return text.empty() ? address : std::nullopt;
}

std::optional<MacAddress> parse_mac_address(std::string_view text) {
    constexpr std::size_t text_length = 17;
    if (text.size() != text_length) return std::nullopt;
    MacAddress address;
    for (std::size_t i = 0; i < address.octets.size(); ++i) {
        if (i > 0 && !take_char(text, ':')) return std::nullopt;
        const auto high = hex_digit(text[0]);
        const auto low = hex_digit(text[1]);
        if (!high || !low) return std::nullopt;
        address.octets[i] = static_cast<std::uint8_t>(*high << 4 | *low);
        text.remove_prefix(2);
    }
    return address;
}

std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) {
    const auto address = take_ipv4_address(text);
    if (!address) return std::nullopt;
    if (text.empty()) return Ipv4Prefix{*address, 32};
    if (!take_char(text, '/')) return std::nullopt;
    const auto length = take_decimal(text, 32);
    if (!length || !text.empty()) return std::nullopt;
    return Ipv4Prefix{*address, static_cast<std::uint8_t>(*length)};
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto address = take_ipv4_address(text);
    if (!address || !take_char(text, ':')) return std::nullopt;
    const auto port = parse_port(text);
    if (!port) return std::nullopt;
    return Endpoint{*address, *port};
}

std::optional<Port> parse_port(std::string_view text) {
    const auto port = take_decimal(text, 65535);
    if (!port || !text.empty()) return std::nullopt;
    return static_cast<Port>(*port);
}

}  // namespace berth
