// What only some kinds of sockets can do, for those that cannot.
#include "socket/socket.hpp"

namespace berth::socket {

Result<std::size_t, std::errc> Socket::send_with(std::span<const Bytes> parts,
                                                 std::optional<Endpoint> remote,
                                                 const SendControl&) {
    return send(parts, remote);
}

Result<ip::QueuedError, std::errc> Socket::take_queued_error() {
    return Failure{std::errc::operation_would_block};
}

std::errc Socket::join(const Membership&) {
    return std::errc::no_protocol_option;
}

std::errc Socket::leave(const Membership&) {
    return std::errc::no_protocol_option;
}

std::errc Socket::set_ip_options(Bytes) {
    return std::errc::no_protocol_option;
}

Result<std::size_t, std::errc> Socket::ip_options(MutableBytes) const {
    return Failure{std::errc::no_protocol_option};
}

}  // namespace berth::socket
