// A datagram cut into pieces that a link takes (RFC 791 §3.2, "An Example Fragmentation
// Procedure"). Pieces may be cut again: offsets and the last piece's MF continue the original's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

class Fragmenter {
  public:
    // `packet` has a valid header (its checksum does not count) and lives as long as this. The MTU
    // is at least RFC 791's 68.
    Fragmenter(Bytes packet, std::size_t mtu);

    std::size_t count() const;

    struct Piece {
        Bytes header;  // complete, with checksum; valid until the next call
        Bytes payload;
    };
    std::optional<Piece> next();

  private:
    std::size_t header_bytes() const { return at_ == 0 ? first_header_bytes_ : header_bytes_; }
    std::size_t room(std::size_t header) const { return (mtu_ - header) / 8 * 8; }
    void keep_copied_options(Bytes options);

    Bytes packet_;
    std::size_t mtu_;
    std::size_t first_header_bytes_;
    std::size_t header_bytes_;  // of the later pieces: with the options that every piece bears
    std::array<std::uint8_t, wire::ipv4_max_header_bytes> header_{};
    std::array<std::uint8_t, wire::ipv4_max_header_bytes> later_options_{};
    std::size_t at_ = 0;  // payload bytes that are cut off already
};

}  // namespace berth::ip
