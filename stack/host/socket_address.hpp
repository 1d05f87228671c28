// Between the system's struct sockaddr and berth's Endpoint.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::host {

// errno values as bind(2) and connect(2) give them: EFAULT, EINVAL (too short), EAFNOSUPPORT.
Result<Endpoint, int> endpoint_from(const sockaddr* address, socklen_t length);
// connect(2) with AF_UNSPEC: forget the peer.
bool is_unspecified_family(const sockaddr* address, socklen_t length);

// 0 or an errno value. Writes as many bytes as fit and the length that the whole address has.
int check_room(const sockaddr* address, const socklen_t* length);
void store_endpoint(const Endpoint& endpoint, sockaddr* address, socklen_t* length);

}  // namespace berth::host
