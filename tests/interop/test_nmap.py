#!/usr/bin/env python3
"""What nmap sees of a berth host: open and closed ports, over TCP and UDP and what its odder scans leave behind (ten ports at most)."""

import re
import socket

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


def serves_on(host):
    with socket.create_connection((HOST, 7), timeout=10) as connection:
        connection.sendall(b"still there?")
        check(connection.recv(100) == b"still there?", "echo after the scan")
    check(host.process.poll() is None, "berth serve has ended")


def scanned(host, *how, ports="6,7,8,80"):
    scan = run("nmap", "-n", "-Pn", *how, "-p", ports, HOST, timeout=180)
    check(scan.returncode == 0, f"nmap {how}: {scan.stderr}")
    serves_on(host)
    return scan.stdout


def every_scan_sees_what_the_rfc_says():
    with Serve("echo", "http") as host:
        # SYN: open answers SYN,ACK, closed RST. Of half-open connections nothing is left.
        found = states(scanned(host, "-sS"))
        check(found == {"6/tcp": "closed", "7/tcp": "open", "8/tcp": "closed", "80/tcp": "open"}, f"-sS: {found}")
        # ACK: open or closed, everybody answers RST (RFC 9293 §3.10.7.1 and §3.10.7.2).
        text = scanned(host, "-sA")
        check(" unfiltered " in text or set(states(text).values()) == {"unfiltered"}, f"-sA: {text}")
        check("filtered" not in text.replace("unfiltered", ""), f"-sA: {text}")
        # No flags, or FIN, PSH and URG without ACK: closed answers RST, a listener says nothing.
        for how in ("-sN", "-sX", "-sF"):
            found = states(scanned(host, how))
            check(found == {"6/tcp": "closed", "7/tcp": "open|filtered", "8/tcp": "closed", "80/tcp": "open|filtered"}, f"{how}: {found}")
        sockets = [row["state"] for row in host.ask("ss", "-t")["sockets"]]
        check("SYN-RECV" not in sockets, f"{sockets}")


def the_system_guess_does_not_upset_it():
    with Serve("echo", "http") as host:
        text = scanned(host, "-O", "--max-os-tries", "1")
        check("7/tcp" in text and "open" in text, text)
        drops = {row["name"] for row in host.ask("drops")["drops"]}
        check("tcp_no_syn_in_listen" in drops, f"{drops}")


main(tcp_ports_are_open_or_closed, udp_ports_are_open_or_closed, the_host_is_found_by_arp, every_scan_sees_what_the_rfc_says,
     the_system_guess_does_not_upset_it)
