// Makes sockets on a stack, and lists all that the stack holds (what `berth ss` shows).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "berth/address.hpp"
#include "socket/socket.hpp"
#include "stack.hpp"

namespace berth::socket {

// `protocol` counts for raw sockets only. nullptr: no more of that type, or a raw socket without a
// protocol.
std::unique_ptr<Socket> open(Stack& stack, Type type, std::uint8_t protocol = 0);

// One line of the socket table: a listener, a connection (with or without a socket), a half-open or
// TIME-WAIT record, a UDP port, a ping or raw socket. The local port of a ping socket is its
// identifier, that of a raw socket its protocol (both as ss has them).
struct Row {
    Protocol protocol = Protocol::tcp;
    std::string_view state;  // "LISTEN", "ESTAB" … as ss writes them; "UNCONN" and "ESTAB" for UDP
    std::size_t receive_queue =
        0;                       // bytes not yet read; for a listener: connections not yet accepted
    std::size_t send_queue = 0;  // bytes not yet acknowledged; for a listener: its backlog
    Endpoint local;
    Endpoint remote;                 // zero for a listener or unconnected port
    std::string_view netid = "tcp";  // "tcp", "udp", "icmp" for ping sockets, "raw"

    // More of what the four-tuple table holds, for who asks for it (`ss -imeo`).
    struct Details {
        tcp::Info info;
        bool is_connection = false;  // else a record: `info` has its state and timer only
        link::InterfaceIndex interface_index = 0;
        Ipv4Address next_hop;
    };
    std::optional<Details> details{};
};
std::vector<Row> rows(const Stack& stack);
// With details, whose times count from `now`.
std::vector<Row> detailed_rows(const Stack& stack, Time now);

}  // namespace berth::socket
