// DHCP messages (RFC 2131 §2, options RFC 2132): a checked view, and a writer.
//
// A message is a UDP payload: 236 bytes of fixed fields, a cookie, options. The options may go on
// in the fields `file` and `sname` (option overload), and a long option may be split into several
// with one code, whose contents belong together (RFC 3396).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

inline constexpr Port dhcp_server_port = 67;
inline constexpr Port dhcp_client_port = 68;
inline constexpr std::size_t dhcp_fixed_bytes = 240;  // the header and the cookie
// RFC 951 §3: a BOOTP message has at least these, and relays drop shorter ones.
inline constexpr std::size_t dhcp_least_bytes = 300;

enum class DhcpMessageType : std::uint8_t {
    discover = 1,
    offer,
    request,
    decline,
    ack,
    nak,
    release,
    inform,
};

namespace dhcp_option {
inline constexpr std::uint8_t pad = 0;
inline constexpr std::uint8_t subnet_mask = 1;
inline constexpr std::uint8_t router = 3;
inline constexpr std::uint8_t dns_servers = 6;
inline constexpr std::uint8_t domain_name = 15;
inline constexpr std::uint8_t interface_mtu = 26;
inline constexpr std::uint8_t requested_address = 50;
inline constexpr std::uint8_t lease_time = 51;
inline constexpr std::uint8_t overload = 52;
inline constexpr std::uint8_t message_type = 53;
inline constexpr std::uint8_t server_identifier = 54;
inline constexpr std::uint8_t parameter_request_list = 55;
inline constexpr std::uint8_t message = 56;
inline constexpr std::uint8_t max_message_size = 57;
inline constexpr std::uint8_t renewal_time = 58;
inline constexpr std::uint8_t rebinding_time = 59;
inline constexpr std::uint8_t client_identifier = 61;
inline constexpr std::uint8_t classless_routes = 121;  // RFC 3442
inline constexpr std::uint8_t end = 255;
}  // namespace dhcp_option

// Why bytes are no DHCP message.
enum class DhcpProblem : std::uint8_t {
    truncated,   // shorter than the fixed fields
    bad_field,   // op, htype or hlen has a value that RFC 2131 does not know
    no_cookie,   // BOOTP without options, or something else altogether
    bad_option,  // an option's length leads beyond its field, or the overload option is none
    bad_type,    // the message type is missing, longer than one byte, or unknown
};

class DhcpView {
  public:
    static Result<DhcpView, DhcpProblem> parse(Bytes message);

    bool is_reply() const { return message_[0] == 2; }  // BOOTREPLY: from a server
    DhcpMessageType type() const { return type_; }
    std::uint32_t xid() const { return load_be32(message_, 4); }
    std::uint16_t seconds() const { return load_be16(message_, 8); }
    bool wants_broadcast() const { return (message_[10] & 0x80) != 0; }
    Ipv4Address client_address() const { return address_at(12); }  // ciaddr
    Ipv4Address your_address() const { return address_at(16); }    // yiaddr
    Ipv4Address next_server() const { return address_at(20); }     // siaddr
    Ipv4Address relay() const { return address_at(24); }           // giaddr
    // chaddr of an Ethernet station; nothing: of another kind of hardware.
    std::optional<MacAddress> hardware_address() const;

    bool has_option(std::uint8_t code) const { return copy_option(code, {}).has_value(); }
    // The option's contents, all its pieces in their order (options, file, sname: RFC 3396 §5). As
    // much as fits is copied; the value is the whole length.
    std::optional<std::size_t> copy_option(std::uint8_t code, MutableBytes to) const;
    // Options of exactly so many bytes; of any other length they count as absent.
    std::optional<std::uint8_t> option_u8(std::uint8_t code) const;
    std::optional<std::uint16_t> option_u16(std::uint8_t code) const;
    std::optional<std::uint32_t> option_u32(std::uint8_t code) const;
    std::optional<Ipv4Address> option_address(std::uint8_t code) const;

  private:
    explicit DhcpView(Bytes message) : message_(message) {}

    Ipv4Address address_at(std::size_t at) const { return Ipv4Address(load_be32(message_, at)); }
    template <class Visitor>
    void for_each_piece(std::uint8_t code, Visitor visit) const;

    Bytes message_;
    DhcpMessageType type_ = DhcpMessageType::discover;
    bool options_in_file_ = false;
    bool options_in_sname_ = false;
};

struct DhcpHeader {
    bool reply = false;
    std::uint32_t xid = 0;
    std::uint16_t seconds = 0;
    bool wants_broadcast = false;
    Ipv4Address client_address;
    Ipv4Address your_address;
    Ipv4Address next_server;
    Ipv4Address relay;
    MacAddress hardware_address;
};

// Writes a message from front to back. What does not fit is left out, and finish() says so.
class DhcpWriter {
  public:
    // `to` has at least dhcp_least_bytes.
    DhcpWriter(MutableBytes to, const DhcpHeader& header, DhcpMessageType type);

    // Contents of more than 255 bytes are split (RFC 3396 §6).
    DhcpWriter& bytes(std::uint8_t code, Bytes contents);
    DhcpWriter& u8(std::uint8_t code, std::uint8_t value);
    DhcpWriter& u16(std::uint8_t code, std::uint16_t value);
    DhcpWriter& u32(std::uint8_t code, std::uint32_t value);
    DhcpWriter& address(std::uint8_t code, Ipv4Address value) { return u32(code, value.value); }
    // Ends the options and pads; the message's length, or nothing if an option did not fit.
    std::optional<std::size_t> finish();

  private:
    MutableBytes to_;
    std::size_t at_ = dhcp_fixed_bytes;
    bool fits_ = true;
};

}  // namespace berth::wire
