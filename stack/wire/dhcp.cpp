#include "wire/dhcp.hpp"

#include <algorithm>
#include <array>

namespace berth::wire {

namespace {

constexpr std::uint8_t op_request = 1;
constexpr std::uint8_t op_reply = 2;
constexpr std::uint8_t hardware_ethernet = 1;
constexpr std::uint8_t ethernet_address_bytes = 6;
constexpr std::uint8_t max_hardware_bytes = 16;  // of the field chaddr

constexpr std::size_t chaddr_at = 28;
constexpr std::size_t sname_at = 44;
constexpr std::size_t sname_bytes = 64;
constexpr std::size_t file_at = 108;
constexpr std::size_t file_bytes = 128;
constexpr std::size_t cookie_at = 236;
constexpr std::uint32_t cookie = 0x63825363;  // RFC 2131 §3

constexpr std::size_t max_piece_bytes = 255;  // an option's length is one byte

// The options of one field up to its end option; false: one leads beyond the field. RFC 2131 §4.1
// asks for an end option; a field that simply ends is understood as well.
template <class Visitor>
bool walk(Bytes field, Visitor visit) {
    std::size_t at = 0;
    while (at < field.size() && field[at] != dhcp_option::end) {
        const std::uint8_t code = field[at++];
        if (code == dhcp_option::pad) continue;
        if (at == field.size()) return false;
        const std::size_t length = field[at++];
        if (length > field.size() - at) return false;
        visit(code, field.subspan(at, length));
        at += length;
    }
    return true;
}

}  // namespace

// RFC 2131 §4.1 and RFC 3396 §5: the options field, then file, then sname.
template <class Visitor>
void DhcpView::for_each_piece(std::uint8_t code, Visitor visit) const {
    const auto take = [&](std::uint8_t each, Bytes piece) {
        if (each == code) visit(piece);
    };
    walk(message_.subspan(dhcp_fixed_bytes), take);
    if (options_in_file_) walk(message_.subspan(file_at, file_bytes), take);
    if (options_in_sname_) walk(message_.subspan(sname_at, sname_bytes), take);
}

Result<DhcpView, DhcpProblem> DhcpView::parse(Bytes message) {
    if (message.size() < dhcp_fixed_bytes) return Failure{DhcpProblem::truncated};
    if (message[0] != op_request && message[0] != op_reply) return Failure{DhcpProblem::bad_field};
    const bool is_ethernet = message[1] == hardware_ethernet;
    if (message[2] > max_hardware_bytes || (is_ethernet && message[2] != ethernet_address_bytes))
        return Failure{DhcpProblem::bad_field};
    if (load_be32(message, cookie_at) != cookie) return Failure{DhcpProblem::no_cookie};

    DhcpView view(message);
    const auto ignore = [](std::uint8_t, Bytes) {};
    if (!walk(message.subspan(dhcp_fixed_bytes), ignore)) return Failure{DhcpProblem::bad_option};
    // §4.1: the overload option is looked for in the options field only, before the other two.
    if (view.has_option(dhcp_option::overload)) {
        const auto where = view.option_u8(dhcp_option::overload);
        if (!where || *where < 1 || *where > 3) return Failure{DhcpProblem::bad_option};
        view.options_in_file_ = (*where & 1) != 0;
        view.options_in_sname_ = (*where & 2) != 0;
        if ((view.options_in_file_ && !walk(message.subspan(file_at, file_bytes), ignore)) ||
            (view.options_in_sname_ && !walk(message.subspan(sname_at, sname_bytes), ignore)))
            return Failure{DhcpProblem::bad_option};
    }
    const auto type = view.option_u8(dhcp_option::message_type);
    if (!type || *type < static_cast<std::uint8_t>(DhcpMessageType::discover) ||
        *type > static_cast<std::uint8_t>(DhcpMessageType::inform))
        return Failure{DhcpProblem::bad_type};
    view.type_ = static_cast<DhcpMessageType>(*type);
    return view;
}

std::optional<MacAddress> DhcpView::hardware_address() const {
    if (message_[1] != hardware_ethernet) return std::nullopt;
    MacAddress mac;
    std::copy_n(message_.data() + chaddr_at, mac.octets.size(), mac.octets.data());
    return mac;
}

std::optional<std::size_t> DhcpView::copy_option(std::uint8_t code, MutableBytes to) const {
    std::optional<std::size_t> length;
    for_each_piece(code, [&](Bytes piece) {
        const std::size_t before = length.value_or(0);
        const std::size_t room = to.size() - std::min(before, to.size());
        std::copy_n(piece.begin(), std::min(piece.size(), room),
                    to.end() - static_cast<std::ptrdiff_t>(room));
        length = before + piece.size();
    });
    return length;
}

std::optional<std::uint8_t> DhcpView::option_u8(std::uint8_t code) const {
    std::array<std::uint8_t, 1> value{};
    if (copy_option(code, value) != value.size()) return std::nullopt;
    return value[0];
}

std::optional<std::uint16_t> DhcpView::option_u16(std::uint8_t code) const {
    std::array<std::uint8_t, 2> value{};
    if (copy_option(code, value) != value.size()) return std::nullopt;
    return load_be16(value, 0);
}

std::optional<std::uint32_t> DhcpView::option_u32(std::uint8_t code) const {
    std::array<std::uint8_t, 4> value{};
    if (copy_option(code, value) != value.size()) return std::nullopt;
    return load_be32(value, 0);
}

std::optional<Ipv4Address> DhcpView::option_address(std::uint8_t code) const {
    const auto value = option_u32(code);
    if (!value) return std::nullopt;
    return Ipv4Address(*value);
}

DhcpWriter::DhcpWriter(MutableBytes to, const DhcpHeader& header, DhcpMessageType type) : to_(to) {
    std::fill_n(to_.begin(), dhcp_fixed_bytes, std::uint8_t{0});
    to_[0] = header.reply ? op_reply : op_request;
    to_[1] = hardware_ethernet;
    to_[2] = ethernet_address_bytes;
    store_be32(to_, 4, header.xid);
    store_be16(to_, 8, header.seconds);
    store_be16(to_, 10, header.wants_broadcast ? 0x8000 : 0);
    store_be32(to_, 12, header.client_address.value);
    store_be32(to_, 16, header.your_address.value);
    store_be32(to_, 20, header.next_server.value);
    store_be32(to_, 24, header.relay.value);
    const auto& octets = header.hardware_address.octets;
    std::copy(octets.begin(), octets.end(), to_.data() + chaddr_at);
    store_be32(to_, cookie_at, cookie);
    u8(dhcp_option::message_type, static_cast<std::uint8_t>(type));
}

DhcpWriter& DhcpWriter::bytes(std::uint8_t code, Bytes contents) {
    do {
        const Bytes piece = contents.first(std::min(contents.size(), max_piece_bytes));
        // The end option must still fit behind it.
        if (at_ + 2 + piece.size() + 1 > to_.size()) {
            fits_ = false;
            return *this;
        }
        to_[at_] = code;
        to_[at_ + 1] = static_cast<std::uint8_t>(piece.size());
        std::copy(piece.begin(), piece.end(), to_.data() + at_ + 2);
        at_ += 2 + piece.size();
        contents = contents.subspan(piece.size());
    } while (!contents.empty());
    return *this;
}

DhcpWriter& DhcpWriter::u8(std::uint8_t code, std::uint8_t value) {
    return bytes(code, Bytes(&value, 1));
}

DhcpWriter& DhcpWriter::u16(std::uint8_t code, std::uint16_t value) {
    std::array<std::uint8_t, 2> contents{};
    store_be16(contents, 0, value);
    return bytes(code, contents);
}

DhcpWriter& DhcpWriter::u32(std::uint8_t code, std::uint32_t value) {
    std::array<std::uint8_t, 4> contents{};
    store_be32(contents, 0, value);
    return bytes(code, contents);
}

std::optional<std::size_t> DhcpWriter::finish() {
    if (!fits_) return std::nullopt;
    to_[at_++] = dhcp_option::end;
    const std::size_t length = std::max(at_, dhcp_least_bytes);
    std::fill(to_.begin() + static_cast<std::ptrdiff_t>(at_),
              to_.begin() + static_cast<std::ptrdiff_t>(length), std::uint8_t{0});
    return length;
}

}  // namespace berth::wire
