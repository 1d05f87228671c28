#!/usr/bin/env python3
"""What nmap sees of a berth host: open and closed ports, over TCP and UDP (ten ports at most)."""

import re

from interop import HOST, Serve, check, enter_namespace, main, run

enter_namespace()


def states(output):
    return dict(re.findall(r"^(\d+/(?:tcp|udp))\s+(\S+)", output, re.M))


def tcp_ports_are_open_or_closed():
    with Serve("echo", "http"):
        scan = run("nmap", "-n", "-Pn", "-sT", "-p", "6,7,9,79,80,81,443,8080", HOST, timeout=120)
        found = states(scan.stdout)
        check(found.get("7/tcp") == "open" and found.get("80/tcp") == "open", scan.stdout + scan.stderr)
        closed = [port for port, state in found.items() if state == "closed"]
        check(len(closed) == 6, scan.stdout)


def udp_ports_are_open_or_closed():
    with Serve("echo") as host:
        scan = run("nmap", "-n", "-Pn", "-sU", "--max-retries", "2", "-p", "7,8,9,53,123", HOST, timeout=120)
        found = states(scan.stdout)
        check(found.get("7/udp", "").startswith("open"), scan.stdout + scan.stderr)
        check(all(found.get(f"{port}/udp") == "closed" for port in (8, 9, 53, 123)), scan.stdout)
        drops = {row["name"]: row["count"] for row in host.ask("drops")["drops"]}
        check(drops.get("udp_no_socket", 0) >= 4, str(drops))


def the_host_is_found_by_arp():
    with Serve("echo"):
        scan = run("nmap", "-n", "-sn", "-PR", HOST, timeout=60)
        check("1 host up" in scan.stdout, scan.stdout + scan.stderr)


main(tcp_ports_are_open_or_closed, udp_ports_are_open_or_closed, the_host_is_found_by_arp)
