#!/usr/bin/env python3
"""A berth router between two kernel namespaces, and a berth host beyond it (RFC 1812, RFC 1191, RFC 791)."""

import contextlib
import hashlib
import os
import subprocess
import tempfile

from interop import Serve, check, enter_namespace, main, run, tool, until

enter_namespace()

WEST, WEST_ROUTER = "192.0.2.1", "192.0.2.2"
EAST, EAST_ROUTER = "198.51.100.1", "198.51.100.2"
BEYOND, BEYOND_ROUTER = "203.0.113.1", "203.0.113.2"


class Side:
    """A network namespace that holds the kernel's end of one TAP."""

    def __init__(self, device, address, gateway):
        self.device, self.address, self.gateway = device, address, gateway
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
              "the namespace is there")

    def take_device(self):
        run("ip", "link", "set", self.device, "netns", str(self.holder.pid), check=True)
        for command in (["ip", "link", "set", "lo", "up"],
                        ["ip", "addr", "add", f"{self.address}/24", "dev", self.device],
                        ["ip", "link", "set", self.device, "up"],
                        ["ip", "route", "add", "default", "via", self.gateway]):
            result = self.run(*command)
            check(result.returncode == 0, f"{command}: {result.stderr}")

    def inside(self, *command):
        return ["nsenter", "-t", str(self.holder.pid), "--net", *command]

    def run(self, *command, **options):
        return run(*self.inside(*command), **options)

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Router(Serve):
    """`berth serve --forward` with three links: two TAPs and a switch for other berths."""

    def __init__(self, *arguments, east_link="tap:east"):
        super().__init__(name="router", link="tap:west", peer=False)
        self.switch = os.path.join(self.folder, "switch.sock")
        self.command = [tool(), "serve", "--forward", "--name", "router",
                        "--link", "tap:west", "--address", f"{WEST_ROUTER}/24",
                        "--link", east_link, "--address", f"{EAST_ROUTER}/24",
                        "--link", f"unix:{self.switch},listen", "--address", f"{BEYOND_ROUTER}/24", *arguments]


@contextlib.contextmanager
def routed(*arguments, **options):
    with contextlib.ExitStack() as stack:
        west = Side("west", WEST, WEST_ROUTER)
        stack.callback(west.close)
        east = Side("east", EAST, EAST_ROUTER)
        stack.callback(east.close)
        router = stack.enter_context(Router(*arguments, **options))
        west.take_device()
        east.take_device()
        yield west, router, east


def ping_crosses_the_router():
    with routed() as (west, router, east):
        for size in ("56", "1472", "1473", "4000", "20000"):
            answer = west.run("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", size, EAST)
            check(answer.returncode == 0 and " 0% packet loss" in answer.stdout, f"-s {size}: {answer.stdout}{answer.stderr}")
            check("ttl=63" in answer.stdout, answer.stdout)
        back = east.run("ping", "-c", "1", "-W", "2", WEST)
        check(back.returncode == 0, back.stdout)
        counters = router.ask("drops")
        check(not any(row["name"] == "ip_not_for_us" for row in counters["drops"]), str(counters))


def the_router_itself_answers_pings_in_pieces():
    with routed() as (west, router, east):
        for size in ("1473", "8000", "60000"):
            answer = west.run("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", size, WEST_ROUTER)
            check(answer.returncode == 0, f"-s {size}: {answer.stdout}{answer.stderr}")


def traceroute_and_tracepath_see_the_router():
    with routed() as (west, router, east):
        trace = west.run("traceroute", "-n", "-q", "1", "-w", "2", EAST)
        lines = trace.stdout.splitlines()[1:]
        check(len(lines) == 2 and WEST_ROUTER in lines[0] and EAST in lines[1], trace.stdout + trace.stderr)
        icmp = west.run("traceroute", "-I", "-n", "-q", "1", "-w", "2", EAST)
        lines = icmp.stdout.splitlines()[1:]
        check(len(lines) == 2 and WEST_ROUTER in lines[0] and EAST in lines[1], icmp.stdout + icmp.stderr)
        path = west.run("tracepath", "-n", EAST)
        check("pmtu 1500" in path.stdout and "hops 2" in path.stdout, path.stdout + path.stderr)


def expired_and_unroutable_packets_are_reported():
    with routed() as (west, router, east):
        expired = west.run("ping", "-n", "-c", "1", "-W", "2", "-t", "1", EAST)
        check(f"From {WEST_ROUTER}" in expired.stdout and "Time to live exceeded" in expired.stdout, expired.stdout)
        nowhere = west.run("ping", "-n", "-c", "1", "-W", "2", "198.18.0.1")
        check("Destination Net Unreachable" in nowhere.stdout, nowhere.stdout)
        silent = west.run("ping", "-n", "-c", "1", "-W", "6", "198.51.100.77")
        check("Destination Host Unreachable" in silent.stdout, silent.stdout)


def curl_fetches_fifty_megabytes():
    with routed() as (west, router, east), tempfile.TemporaryDirectory() as folder:
        content = os.urandom(1 << 20) * 50
        with open(os.path.join(folder, "file"), "wb") as file:
            file.write(content)
        server = subprocess.Popen(east.inside("python3", "-m", "http.server", "--directory", folder, "--bind", EAST, "8000"),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: "8000" in east.run("ss", "-Htln").stdout, "the server listens")
            target = os.path.join(folder, "copy")
            answer = west.run("curl", "-sS", "--noproxy", "*", "-o", target, f"http://{EAST}:8000/file", timeout=120)
            check(answer.returncode == 0, answer.stderr)
            with open(target, "rb") as file:
                check(hashlib.sha256(file.read()).digest() == hashlib.sha256(content).digest(), "the copy differs")
        finally:
            server.kill()
            server.wait()
        sockets = router.ask("ss")["sockets"]
        check(not [row for row in sockets if row["state"] == "ESTAB"], f"a router has no connections: {sockets}")


def the_path_mtu_is_found():
    with routed(east_link="tap:east,mtu=1280") as (west, router, east):
        answer = west.run("ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", "1400", EAST)
        check("mtu = 1280" in answer.stdout or "mtu=1280" in answer.stdout, answer.stdout + answer.stderr)
        path = west.run("tracepath", "-n", EAST)
        check("pmtu 1280" in path.stdout, path.stdout)
        # Datagrams that may be cut are: pieces in, larger pieces cut again, one datagram out.
        cut = west.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "-M", "dont", "-s", "6000", EAST)
        check(cut.returncode == 0, cut.stdout + cut.stderr)


def a_berth_host_beyond_the_router_sees_the_path():
    with routed() as (west, router, east):
        host = ["--link", f"unix:{router.switch}", "--address", f"{BEYOND}/24", "--gateway", BEYOND_ROUTER]
        ping = run(tool(), "ping", *host, "-c", "2", "-i", "0.2", WEST)
        check(ping.returncode == 0 and "ttl=63" in ping.stdout, ping.stdout + ping.stderr)
        trace = run(tool(), "traceroute", *host, "-n", "-q", "1", WEST)
        lines = trace.stdout.splitlines()[1:]
        check(len(lines) == 2 and BEYOND_ROUTER in lines[0] and WEST in lines[1], trace.stdout + trace.stderr)
        check(trace.returncode == 0, f"{trace.returncode} {trace.stderr}")


main(ping_crosses_the_router, the_router_itself_answers_pings_in_pieces, traceroute_and_tracepath_see_the_router,
     expired_and_unroutable_packets_are_reported, curl_fetches_fifty_megabytes, the_path_mtu_is_found,
     a_berth_host_beyond_the_router_sees_the_path)
