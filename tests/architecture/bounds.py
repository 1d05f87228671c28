#!/usr/bin/env python3
"""The table of bounds in SECURITY.md, made from the named constants in the source.

    bounds.py ROOT           check: exit 1 and a line for each difference
    bounds.py ROOT --write   make the table anew
"""

import pathlib
import re
import sys

# file, name, unit, what it bounds, what happens beyond it
BOUNDS = [
    ("stack/link/neighbour_cache.hpp", "entries", "entries", "neighbours remembered, unless configured (at most 65,536)", "failed, then never used, then least recently used entries go"),
    ("stack/link/neighbour_cache.hpp", "incomplete", "entries", "neighbours asked for at one time", "the one asked longest ago goes, or the packet is refused"),
    ("stack/link/neighbour_cache.hpp", "pending_per_neighbour", "packets", "packets that wait for one neighbour", "`neighbour_pending_overflow`"),
    ("stack/link/neighbour_cache.hpp", "pending", "packets", "packets that wait for all neighbours", "`neighbour_pending_overflow`"),
    ("stack/link/interface.hpp", "claim_limit", "addresses", "addresses that an interface probes for, announces or has defended", "the claim is refused; a contested address is not defended"),
    ("stack/link/interface.hpp", "queue_limit_packets", "packets", "answers and datagrams that wait for a device", "`reply_queue_overflow`; a send says EAGAIN"),
    ("stack/ip/route_table.hpp", "limit_routes", "routes", "the route table (not a peer's to fill)", "the route is refused"),
    ("stack/icmp/error_limiter.hpp", "per_second", "errors/s", "ICMP errors sent to all peers", "counted as suppressed"),
    ("stack/icmp/error_limiter.hpp", "burst", "errors", "ICMP errors in a burst", "counted as suppressed"),
    ("stack/icmp/error_limiter.hpp", "peer_per_second", "errors/s", "ICMP errors sent to one peer", "counted as suppressed"),
    ("stack/icmp/error_limiter.hpp", "peer_burst", "errors", "ICMP errors to one peer in a burst", "counted as suppressed"),
    ("stack/icmp/error_limiter.hpp", "peer_buckets", "buckets", "token buckets of peers", "peers share a bucket, by a keyed hash"),
    ("stack/icmp/icmp.hpp", "echo_replies_per_second", "replies/s", "echo requests answered", "`icmp_echo_limit`"),
    ("stack/icmp/icmp.hpp", "echo_burst", "replies", "echo requests answered at once", "`icmp_echo_limit`"),
    ("stack/icmp/ping_ports.hpp", "limit_ports", "sockets", "ping sockets, one per identifier", "no more can be opened"),
    ("stack/ip/raw_ports.hpp", "limit_ports", "sockets", "raw sockets, so copies of a packet", "no more can be opened"),
    ("stack/ip/datagram_port.hpp", "limit_quoted_bytes", "bytes", "of the datagram that a queued error of a ping or raw socket is about", "cut"),
    ("stack/ip/redirect_cache.hpp", "limit_entries", "destinations", "first hops learned from redirects", "the oldest goes"),
    ("stack/ip/group_memberships.hpp", "limit_sources", "sources", "sources that one group is heard from", "ENOBUFS"),
    ("stack/ip/igmp.hpp", "limit_groups", "groups", "groups with something still to be reported", "reported once, not repeated"),
    ("stack/ip/igmp.hpp", "limit_source_changes", "sources", "changed sources of a group that are reported again", "the oldest is not repeated"),
    ("stack/ip/igmp.hpp", "limit_recorded_sources", "sources", "sources that queriers ask about one group", "the whole group is answered"),
    ("stack/ip/path_mtu_cache.hpp", "limit_entries", "destinations", "path MTUs remembered", "the least recently learned goes"),
    ("stack/ip/path_mtu_cache.hpp", "min_mtu", "bytes", "the smallest path MTU that ICMP can talk us into", "packets of that size go without DF"),
    ("stack/ip/reassembly.hpp", "high_bytes", "bytes", "incomplete datagrams, by true cost", "the oldest go: `ip_fragment_memory`"),
    ("stack/ip/reassembly.hpp", "datagrams_per_source", "datagrams", "incomplete datagrams of one source", "its oldest goes: `ip_fragment_source_limit`"),
    ("stack/ip/incomplete_datagram.hpp", "limit_pieces", "pieces", "pieces of one datagram", "it is discarded: `ip_fragment_tiny`"),
    ("stack/ip/datagram_queue.hpp", "default_limit_bytes", "bytes", "datagrams that wait in a socket, by true cost", "`udp_queue_full` and its like; counted per socket"),
    ("stack/ip/datagram_queue.hpp", "limit_errors", "errors", "errors queued for a socket that asks for them", "the newest are lost; the pending error stays"),
    ("stack/udp/udp.hpp", "limit_quoted_bytes", "bytes", "of the datagram that such an error is about", "cut"),
    ("stack/udp/udp.hpp", "limit_sharers", "sockets", "sockets that share one UDP (address, port), so copies of a group datagram", "bind says EADDRINUSE"),
    ("stack/ip/joined_groups.hpp", "limit_groups", "groups", "multicast groups of one socket", "ENOBUFS"),
    ("stack/ip/joined_groups.hpp", "limit_sources", "sources", "sources named for one of them", "ENOBUFS"),
    ("stack/ip/group_memberships.hpp", "limit_groups", "groups", "multicast groups of the host", "ENOBUFS"),
    ("stack/tcp/config.hpp", "max_connections", "connections", "connections and half-open records", "`tcp_no_memory`"),
    ("stack/tcp/config.hpp", "max_half_open", "records", "half-open connections", "a SYN cookie, or `tcp_half_open_full`"),
    ("stack/tcp/listener.hpp", "least_half_open", "records", "half-open connections of one listener, where its backlog is smaller", "likewise"),
    ("stack/tcp/fast_open.hpp", "limit_entries", "servers", "Fast Open cookies remembered", "the oldest goes"),
    ("stack/tcp/config.hpp", "max_time_wait", "records", "TIME-WAIT records", "the oldest goes; counted"),
    ("stack/tcp/config.hpp", "max_orphans", "connections", "connections whose socket is closed", "close aborts with RST"),
    ("stack/tcp/config.hpp", "max_backlog", "connections", "a listener's accept queue", "`tcp_accept_queue_full`"),
    ("stack/tcp/config.hpp", "challenge_acks_per_second", "ACKs/s", "answers of half-open and TIME-WAIT records (RFC 5961)", "counted as suppressed"),
    ("stack/tcp/config.hpp", "receive_buffer_bytes", "bytes", "unread bytes of a connection (SO_RCVBUF); out-of-order data may cost twice that", "`tcp_out_of_window`, `tcp_receive_buffer_full`"),
    ("stack/tcp/config.hpp", "send_buffer_bytes", "bytes", "unacknowledged bytes of a connection (SO_SNDBUF)", "a send says EAGAIN or blocks"),
    ("stack/tcp/source_routes.hpp", "max_routes", "associations", "TCP associations with a source route", "an OPEN with one fails; a peer's is not followed"),
    ("stack/tcp/config.hpp", "receive_buffer_max_bytes", "bytes", "what tuning makes of the receive buffer", "it grows no further"),
    ("stack/tcp/receiver.hpp", "max_duplicates", "ACKs", "duplicate ACKs owed at one time", "one ACK answers for the rest"),
    ("stack/tcp/receiver.hpp", "least_out_of_order_bytes", "bytes", "out-of-order data of a small buffer, by true cost", "what lies furthest goes first: `OfoPruned`, `TCPOFODrop`"),
    ("stack/tcp/sack_blocks.hpp", "limit_duplicates", "blocks", "D-SACK blocks that wait for an ACK", "the others are not reported"),
    ("stack/socket/option_range.hpp", "max_buffer_bytes", "bytes", "what a program may ask for as a buffer", "clamped"),
    ("stack/base/buffer.hpp", "small_blocks_kept", "blocks", "free 2 KB blocks kept", "given back to the allocator"),
    ("stack/base/slab.hpp", "empty_pages_kept", "pages", "empty 32 KiB pages kept for connections, half-open and TIME-WAIT records each", "given back to the allocator"),
    ("stack/base/buffer.hpp", "large_blocks_kept", "blocks", "free 66 KB blocks kept", "given back to the allocator"),
    ("stack/services/dhcp.hpp", "limit_messages_at_once", "messages", "DHCP messages taken at one time", "they wait in the socket's queue"),
    ("stack/services/dhcp_lease.hpp", "limit_routes", "routes", "routes of a DHCP lease", "the rest is passed over"),
    ("stack/services/dhcp_lease.hpp", "limit_dns_servers", "servers", "DNS servers of a DHCP lease", "the rest is passed over"),
    ("stack/services/dhcp_lease.hpp", "least_mtu_bytes", "bytes", "the smallest MTU that a DHCP server may set", "not obeyed"),
    ("stack/host/resolver_hosts.hpp", "limit_hosts_bytes", "bytes", "a hosts file", "the rest is passed over"),
    ("stack/host/resolver_hosts.hpp", "limit_addresses_per_name", "addresses", "addresses of one name", "the rest is passed over"),
    ("stack/host/control_server.hpp", "limit_clients", "clients", "programs that ask one control socket at a time", "refused"),
    ("stack/host/control_server.hpp", "limit_request_bytes", "bytes", "a control request", "refused"),
    ("drivers/unix_link.hpp", "max_peers", "peers", "programs on one `unix:` switch", "refused"),
    ("drivers/mac_table.hpp", "max_stations_per_port", "addresses", "stations learned per port of that switch", "not learned; frames are flooded"),
    ("drivers/frame_stream.hpp", "max_queued_bytes", "bytes", "frames queued for one `unix:` peer", "dropped and counted"),
    ("drivers/frame_stream.hpp", "max_frame_bytes", "bytes", "a frame that a `unix:` peer announces", "the peer is disconnected"),
    ("apps/berth/services/server.hpp", "connection_limit", "connections", "`berth serve`, all services", "closed at once"),
    ("apps/berth/services/http_session.hpp", "request_limit_bytes", "bytes", "the head of an HTTP request", "431"),
    ("apps/berth/services/stream_session.hpp", "output_limit_bytes", "bytes", "output that a service holds for a slow reader", "it reads no more meanwhile"),
]

BEGIN = "<!-- bounds: made by tests/architecture/bounds.py --write -->"
END = "<!-- end of bounds -->"


def value_of(root, file, name):
    text = (root / file).read_text()
    found = re.search(rf"\b{name}\s*=\s*([^;]+);", text)
    if not found:
        raise SystemExit(f"bounds: {file} has no constant {name}; mend the list in tests/architecture/bounds.py")
    value = found.group(1).replace("'", "").strip()
    value = value.replace("BufferPool::large_block_bytes", "66 * 1024")
    value = re.sub(r"std::size_t\{(\d+)\}", r"\1", value)
    value = re.sub(r"GroupMemberships::(\w+)", lambda m: value_of(root, "stack/ip/group_memberships.hpp", m[1]).replace(",", ""), value)
    number = eval(value, {"__builtins__": {}})  # the project's own source: integers and operators
    return f"{number:,}"


def table(root):
    rows = ["| bound | what it bounds | beyond it | constant |", "|---:|---|---|---|"]
    for file, name, unit, what, beyond in BOUNDS:
        rows.append(f"| {value_of(root, file, name)} {unit} | {what} | {beyond} | `{name}` in `{file}` |")
    return "\n".join(rows)


def main():
    root = pathlib.Path(sys.argv[1])
    path = root / "SECURITY.md"
    text = path.read_text()
    head, rest = text.split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    wanted = f"{head}{BEGIN}\n{table(root)}\n{END}{tail}"
    if "--write" in sys.argv:
        path.write_text(wanted)
    elif text != wanted:
        print("SECURITY.md does not say what the source says; run tests/architecture/bounds.py . --write")
        return 1
    print(f"{len(BOUNDS)} bounds stand in SECURITY.md as in the source")
    return 0


sys.exit(main())
