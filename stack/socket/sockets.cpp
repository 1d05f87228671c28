#include "socket/sockets.hpp"

#include <optional>

#include "socket/ping_socket.hpp"
#include "socket/raw_socket.hpp"
#include "socket/tcp_socket.hpp"
#include "socket/udp_socket.hpp"

namespace berth::socket {

namespace {

Row row_of(const demux::Entry& entry) {
    Row row;
    row.local = entry.four_tuple.local;
    row.remote = entry.four_tuple.remote;
    switch (entry.kind) {
        case demux::EntryKind::connection: {
            const auto& connection = static_cast<const tcp::Connection&>(entry);
            row.state = tcp::ss_name_of(connection.state());
            row.receive_queue = connection.readable_bytes();
            row.send_queue = connection.unacknowledged_bytes();
            break;
        }
        case demux::EntryKind::half_open:
            row.state = tcp::ss_name_of(tcp::State::syn_received);
            break;
        default: row.state = tcp::ss_name_of(tcp::State::time_wait);
    }
    return row;
}

Row::Details details_of(const demux::Entry& entry, Time now) {
    Row::Details details;
    details.info = tcp::info_of(entry, now);
    details.is_connection = entry.kind == demux::EntryKind::connection;
    if (details.is_connection) {
        const ip::Path& path = static_cast<const tcp::Connection&>(entry).path();
        details.interface_index = path.interface_index;
        details.next_hop = path.next_hop;
    }
    return details;
}

Row row_of(const ip::DatagramPort& port, Port number, Protocol protocol, std::string_view netid) {
    Row row;
    row.protocol = protocol;
    row.netid = netid;
    row.state = port.is_connected() ? "ESTAB" : "UNCONN";
    row.receive_queue = port.queue.queued_bytes();
    row.local = {port.local_address(), number};
    row.remote = {port.remote_address(), 0};
    return row;
}

std::vector<Row> rows_of(const Stack& stack, std::optional<Time> details_at) {
    std::vector<Row> rows;
    stack.tcp().for_each_listener([&](const tcp::Listener& listener) {
        rows.push_back({Protocol::tcp,
                        tcp::ss_name_of(tcp::State::listen),
                        listener.accept_queue.size(),
                        listener.backlog,
                        listener.local,
                        {},
                        "tcp"});
    });
    stack.tcp().table().for_each([&](const demux::Entry& entry) {
        rows.push_back(row_of(entry));
        if (details_at) rows.back().details = details_of(entry, *details_at);
    });
    stack.udp().for_each([&](const udp::UdpPort& port) {
        if (!port.is_bound()) return;
        rows.push_back({Protocol::udp, port.is_connected() ? "ESTAB" : "UNCONN",
                        port.inbox.queued_bytes(), 0, port.local, port.remote(), "udp"});
    });
    stack.icmp().ping_ports().for_each([&](const icmp::PingPort& port) {
        if (port.identifier() != 0)
            rows.push_back(row_of(port, port.identifier(), Protocol::icmp, "icmp"));
    });
    stack.raw().for_each([&](const ip::RawPort& port) {
        rows.push_back(
            row_of(port, port.protocol(), static_cast<Protocol>(port.protocol()), "raw"));
    });
    return rows;
}

}  // namespace

std::unique_ptr<Socket> open(Stack& stack, Type type, std::uint8_t protocol) {
    switch (type) {
        case Type::stream: return std::make_unique<TcpSocket>(stack);
        case Type::datagram: return std::make_unique<UdpSocket>(stack);
        case Type::ping: return PingSocket::open(stack);
        case Type::raw: return RawSocket::open(stack, protocol);
    }
    return nullptr;
}

std::vector<Row> rows(const Stack& stack) {
    return rows_of(stack, std::nullopt);
}

std::vector<Row> detailed_rows(const Stack& stack, Time now) {
    return rows_of(stack, now);
}

}  // namespace berth::socket
