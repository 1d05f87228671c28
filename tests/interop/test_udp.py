#!/usr/bin/env python3
"""Datagrams against the kernel's: every size both ways, in fragments where they must be, and multicast."""

import os
import pathlib
import select
import socket
import struct
import subprocess

from interop import HOST, PEER, Serve, check, enter_namespace, main, run, skip, tool, until

enter_namespace()

GROUP = "233.252.0.1"
PORT = 5000


def example(name):
    path = pathlib.Path(tool()).parent / f"example_{name}"
    if not path.exists():
        skip(f"{path.name} is not built")
    return str(path)


def datagrams_of_every_size_come_back():
    with Serve("echo") as berth:
        kernel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        kernel.settimeout(10)
        kernel.connect((HOST, 7))
        kernel.send(b"hello")  # ARP has its answer from here on
        check(kernel.recv(100) == b"hello", "the first datagram came back")
        for size in (0, 1, 1472, 1473, 2953, 8000, 40000, 65507):
            sent = bytes(i * 7 % 251 for i in range(size))
            kernel.send(sent)
            check(kernel.recv(70000) == sent, f"{size} bytes came back as they were")
        kernel.close()
        names = {row["name"] for row in berth.ask("drops")["drops"]}
        check(not any(name.startswith("ip_fragment") for name in names), f"drops: {names}")


def multicast_both_ways():
    run("ip", "tuntap", "add", "dev", "tap2", "mode", "tap", check=True)
    run("ip", "addr", "add", f"{PEER}/24", "dev", "tap2", check=True)
    run("ip", "link", "set", "tap2", "up", check=True)
    environment = dict(os.environ, BERTH_LINK="tap:tap2", BERTH_ADDRESS=f"{HOST}/24")
    membership = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(PEER))

    # berth sends, the kernel has joined.
    kernel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    kernel.settimeout(10)
    kernel.bind((GROUP, PORT))
    kernel.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    answer = run(example("multicast"), "send", "from berth", env=environment)
    check(answer.returncode == 0, answer.stderr)
    data, source = kernel.recvfrom(100)
    check((data, source[0]) == (b"from berth", HOST), f"{data} from {source}")
    kernel.close()

    # The kernel sends, berth has joined.
    berth = subprocess.Popen([example("multicast"), "listen"], env=environment, stdout=subprocess.PIPE)
    try:
        kernel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        kernel.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(PEER))
        output = bytearray()

        def heard():
            kernel.sendto(b"from the kernel", (GROUP, PORT))
            if select.select([berth.stdout], [], [], 0.1)[0]:
                output.extend(os.read(berth.stdout.fileno(), 1000))
            return f"from the kernel from {PEER}".encode() in output

        until(heard, "berth hears what the kernel sends to the group")
        kernel.close()
    finally:
        berth.terminate()
        berth.wait(timeout=20)
        berth.stdout.close()


main(datagrams_of_every_size_come_back, multicast_both_ways)
