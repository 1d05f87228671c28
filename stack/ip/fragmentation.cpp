#include "ip/fragmentation.hpp"

#include <algorithm>

#include "wire/checksum.hpp"
#include "wire/ipv4_options.hpp"

namespace berth::ip {

namespace {

constexpr std::size_t total_length_at = 2;
constexpr std::size_t fragment_at = 6;
constexpr std::size_t checksum_at = 10;
constexpr std::uint16_t more_fragments_bit = 0x2000;
constexpr std::uint16_t offset_mask = 0x1fff;
constexpr std::uint8_t option_copied_bit = 0x80;  // RFC 791 §3.1: in all pieces, else in the first

}  // namespace

Fragmenter::Fragmenter(Bytes packet, std::size_t mtu)
    : packet_(packet),
      mtu_(mtu),
      first_header_bytes_(std::size_t{4} * (packet[0] & 0x0fU)),
      header_bytes_(wire::ipv4_header_bytes) {
    keep_copied_options(
        packet.subspan(wire::ipv4_header_bytes, first_header_bytes_ - wire::ipv4_header_bytes));
}

void Fragmenter::keep_copied_options(Bytes options) {
    std::size_t kept = 0;
    wire::walk_options(options, [&](Bytes option) {
        if ((option[0] & option_copied_bit) == 0) return;
        std::copy(option.begin(), option.end(), later_options_.begin() + static_cast<int>(kept));
        kept += option.size();
    });
    header_bytes_ = wire::ipv4_header_bytes + (kept + 3) / 4 * 4;
}

std::size_t Fragmenter::count() const {
    const std::size_t payload = packet_.size() - first_header_bytes_;
    if (first_header_bytes_ + payload <= mtu_) return 1;
    const std::size_t rest = payload - room(first_header_bytes_);
    // The last piece need not be a multiple of eight: it may be a little larger than the others.
    std::size_t pieces = 1;
    for (std::size_t left = rest; left > 0; ++pieces)
        left = header_bytes_ + left <= mtu_ ? 0 : left - room(header_bytes_);
    return pieces;
}

std::optional<Fragmenter::Piece> Fragmenter::next() {
    const Bytes payload = packet_.subspan(first_header_bytes_);
    if (at_ >= payload.size()) return std::nullopt;
    const std::size_t header = header_bytes();
    const bool is_last = header + (payload.size() - at_) <= mtu_;
    const std::size_t length = is_last ? payload.size() - at_ : room(header);

    const MutableBytes to(header_.data(), header);
    if (at_ == 0) {
        std::copy_n(packet_.begin(), header, to.begin());
    } else {
        std::copy_n(packet_.begin(), wire::ipv4_header_bytes, to.begin());
        std::copy_n(later_options_.begin(), header - wire::ipv4_header_bytes,
                    to.begin() + wire::ipv4_header_bytes);
        to[0] = static_cast<std::uint8_t>(0x40U | header / 4);
    }
    const std::uint16_t original = load_be16(packet_, fragment_at);
    const bool more = !is_last || (original & more_fragments_bit) != 0;
    const std::size_t offset = (original & offset_mask) + at_ / 8;
    store_be16(to, total_length_at, static_cast<std::uint16_t>(header + length));
    store_be16(to, fragment_at,
               static_cast<std::uint16_t>((more ? more_fragments_bit : 0U) | offset));
    store_be16(to, checksum_at, 0);
    store_be16(to, checksum_at, wire::checksum_of(to));
    const Piece piece{to, payload.subspan(at_, length)};
    at_ += length;
    return piece;
}

}  // namespace berth::ip
