// TCP options (RFC 9293 §3.2): between the wire's list and the values that it stands for. For the
// rest of wire/; everyone else meets options in TcpHeader.
#pragma once

#include <cstddef>

#include "base/bytes.hpp"
#include "wire/tcp.hpp"

namespace berth::wire {

// `list` is what lies between the fixed header and the payload. Any bytes will do.
TcpOptions parse_tcp_options(Bytes list);

// How many bytes write_tcp_options will write: 0 … 40, a multiple of 4.
std::size_t tcp_options_size(const TcpOptions& options);

// Writes them at the start of `to`, which holds at least tcp_options_size(options) bytes; returns
// how many it wrote. SACK blocks beyond those that fit are left out.
std::size_t write_tcp_options(const TcpOptions& options, MutableBytes to);

}  // namespace berth::wire
