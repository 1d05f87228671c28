#include "host/socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace berth::host {

Result<Endpoint, int> endpoint_from(const sockaddr* address, socklen_t length) {
    if (address == nullptr) return Failure{EFAULT};
    if (length < sizeof(sockaddr_in) || length > sizeof(sockaddr_storage)) return Failure{EINVAL};
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    // bind(2) lets the family of the wildcard address be left out, for the sake of old programs.
    const bool wildcard_without_family =
        in.sin_family == AF_UNSPEC && in.sin_addr.s_addr == htonl(INADDR_ANY);
    if (in.sin_family != AF_INET && !wildcard_without_family) return Failure{EAFNOSUPPORT};
    return Endpoint{Ipv4Address(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
}

bool is_unspecified_family(const sockaddr* address, socklen_t length) {
    if (address == nullptr || length < sizeof address->sa_family) return false;
    sa_family_t family = 0;
    std::memcpy(&family, &address->sa_family, sizeof family);
    return family == AF_UNSPEC;
}

int check_room(const sockaddr* address, const socklen_t* length) {
    if (length == nullptr || address == nullptr) return EFAULT;
    return *length > static_cast<socklen_t>(INT_MAX) ? EINVAL : 0;
}

void store_endpoint(const Endpoint& endpoint, sockaddr* address, socklen_t* length) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    in.sin_addr.s_addr = htonl(endpoint.address.value);
    std::memcpy(address, &in, std::min<std::size_t>(*length, sizeof in));
    *length = sizeof in;
}

}  // namespace berth::host
