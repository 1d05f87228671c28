// ICMP messages (RFC 792).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"

namespace berth::wire {

enum class IcmpType : std::uint8_t {
    echo_reply = 0,
    destination_unreachable = 3,
    source_quench = 4,
    redirect = 5,
    echo_request = 8,
    time_exceeded = 11,
    parameter_problem = 12,
    timestamp_request = 13,
    timestamp_reply = 14,
    information_request = 15,
    information_reply = 16,
    address_mask_request = 17,
    address_mask_reply = 18,
};

namespace icmp_code {
inline constexpr std::uint8_t net_unreachable = 0;
inline constexpr std::uint8_t host_unreachable = 1;
inline constexpr std::uint8_t protocol_unreachable = 2;
inline constexpr std::uint8_t port_unreachable = 3;
inline constexpr std::uint8_t fragmentation_needed = 4;
inline constexpr std::uint8_t source_route_failed = 5;
// RFC 1122 §3.2.2.1 and RFC 1812 §5.2.7.1.
inline constexpr std::uint8_t net_unknown = 6;
inline constexpr std::uint8_t host_unknown = 7;
inline constexpr std::uint8_t host_isolated = 8;
inline constexpr std::uint8_t net_prohibited = 9;
inline constexpr std::uint8_t host_prohibited = 10;
inline constexpr std::uint8_t net_unreachable_for_tos = 11;
inline constexpr std::uint8_t host_unreachable_for_tos = 12;
inline constexpr std::uint8_t communication_prohibited = 13;
inline constexpr std::uint8_t host_precedence_violation = 14;
inline constexpr std::uint8_t precedence_cutoff = 15;
// Of redirect.
inline constexpr std::uint8_t redirect_net = 0;
inline constexpr std::uint8_t redirect_host = 1;
// Of time exceeded.
inline constexpr std::uint8_t ttl_exceeded = 0;
inline constexpr std::uint8_t reassembly_time_exceeded = 1;
// Of parameter problem (RFC 792, RFC 1122 §3.2.2.5).
inline constexpr std::uint8_t see_pointer = 0;
inline constexpr std::uint8_t required_option_missing = 1;
}  // namespace icmp_code

// The second word of a parameter problem: which octet of the quoted header is wrong.
constexpr std::uint32_t icmp_pointer(std::uint8_t octet) {
    return std::uint32_t{octet} << 24;
}

struct IcmpHeader {
    IcmpType type = IcmpType::echo_request;
    std::uint8_t code = 0;
    std::uint32_t rest =
        0;  // the second word: identifier and sequence number, or a gateway, or an MTU

    constexpr bool operator==(const IcmpHeader&) const = default;
};

inline constexpr std::size_t icmp_header_bytes = 8;

// True for the messages about other packets; nothing is ever sent about one of these (RFC 1122
// §3.2.2).
constexpr bool is_icmp_error(IcmpType type) {
    return type == IcmpType::destination_unreachable || type == IcmpType::source_quench ||
           type == IcmpType::redirect || type == IcmpType::time_exceeded ||
           type == IcmpType::parameter_problem;
}

class IcmpView {
  public:
    // Checks length and checksum. An unknown type parses: what to do with it is the ICMP layer's
    // business.
    static Result<IcmpView, DropReason> parse(Bytes message);

    IcmpType type() const;
    std::uint8_t code() const;
    std::uint32_t rest() const;
    Bytes payload() const;
    IcmpHeader header() const { return {type(), code(), rest()}; }

  private:
    explicit IcmpView(Bytes message) : message_(message) {}
    Bytes message_;
};

// Writes icmp_header_bytes at the start of `to`; the checksum covers the header and `payload`.
void write(const IcmpHeader& header, Bytes payload, MutableBytes to);

}  // namespace berth::wire
