// The options that ping and raw sockets share, over the port below them.
#pragma once

#include <cstdint>
#include <optional>
#include <system_error>

#include "base/result.hpp"
#include "ip/datagram_port.hpp"
#include "socket/socket.hpp"

namespace berth::socket {

class DatagramOptions {
  public:
    // Nothing: not one of those that are shared.
    std::optional<std::errc> set(const ip::Ipv4& ip, ip::DatagramPort& port, Option option,
                                 std::int64_t value);
    std::optional<Result<std::int64_t, std::errc>> get(const ip::Ipv4& ip, ip::DatagramPort& port,
                                                       Option option) const;

  private:
    static constexpr std::uint32_t default_send_buffer_bytes = 212'992;  // as Linux's wmem_default

    // Told, not needed: a datagram leaves at once or is refused.
    std::uint32_t send_buffer_ = default_send_buffer_bytes;
    bool reuse_address_ = false;  // kept for who asks for it
    // Acted on by who hands out ancillary data.
    bool packet_info_ = false;
    bool receive_ttl_ = false;
    bool receive_tos_ = false;
};

}  // namespace berth::socket
