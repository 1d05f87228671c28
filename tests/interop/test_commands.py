#!/usr/bin/env python3
"""ping, traceroute, neigh and route: as hosts of their own over Unix sockets, and asked of running hosts."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time

from interop import HOST, PEER, Serve, check, enter_namespace, main, run, tool, until

enter_namespace()

CLIENT = "192.0.2.3"
NEAR, FAR_ROUTER, FAR = "192.0.2.1", "198.51.100.1", "198.51.100.7"


class Lab:
    """Berth hosts over Unix sockets in a folder of their own; all of them end with the context."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="berth-commands.")
        os.environ["XDG_RUNTIME_DIR"] = self.folder
        self.running = []
        return self

    def switch(self, name="a"):
        return f"unix:{self.folder}/{name}.switch"

    def serve(self, name, *arguments):
        errors = open(os.path.join(self.folder, name + ".errors"), "w+")
        process = subprocess.Popen([tool(), "serve", "--name", name, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True)
        self.running.append((process, errors))
        line = process.stdout.readline()
        check(line.startswith("berth: ready"), f"{name}: {line!r} {open(errors.name).read()}")
        return line

    def client(self, address=CLIENT, switch="a", *arguments):
        return ["--link", self.switch(switch), "--address", f"{address}/24", *arguments]

    def __exit__(self, kind, value, trace):
        for process, errors in reversed(self.running):
            process.terminate()
            code = process.wait(timeout=20)
            process.stdout.close()
            errors.close()
            if kind is None:
                check(code == 0, f"{process.args}: exit code {code}: {open(errors.name).read()}")


@contextlib.contextmanager
def one_server():
    with Lab() as lab:
        lab.serve("server", "--link", lab.switch() + ",listen", "--address", f"{HOST}/24", "echo")
        yield lab


@contextlib.contextmanager
def routed(far_options=""):
    """client -- switch a -- router -- switch b -- far server."""
    with Lab() as lab:
        router = lab.serve("router", "--forward", "--link", lab.switch("a") + ",listen", "--address", f"{NEAR}/24",
                           "--link", lab.switch("b") + ",listen" + far_options, "--address", f"{FAR_ROUTER}/24")
        check("forwarding between 2 links" in router, router)
        lab.serve("far", "--link", lab.switch("b"), "--address", f"{FAR}/24", "--gateway", FAR_ROUTER, "echo")
        yield lab


def berth(*arguments, **options):
    return run(tool(), *arguments, **options)


def expect(answer, code, *texts):
    everything = f"exit code {answer.returncode}\n{answer.stdout}{answer.stderr}"
    check(answer.returncode == code, f"wanted {code}: {everything}")
    for text in texts:
        check(re.search(text, answer.stdout + answer.stderr, re.M), f"wanted {text!r}: {everything}")
    return answer


# ---- ping

def ping_answers_look_as_iputils_writes_them():
    with one_server() as lab:
        answer = expect(berth("ping", *lab.client(), "-c", "3", "-i", "0.1", HOST), 0,
                        rf"^PING {HOST} \({HOST}\) 56\(84\) bytes of data\.$",
                        rf"^64 bytes from {HOST}: icmp_seq=1 ttl=64 time=\d+(\.\d+)? ms$", "icmp_seq=3",
                        rf"^--- {HOST} ping statistics ---$",
                        r"^3 packets transmitted, 3 received, 0% packet loss, time \d+ms$",
                        r"^rtt min/avg/max/mdev = \d+\.\d{3}/\d+\.\d{3}/\d+\.\d{3}/\d+\.\d{3} ms$")
        milliseconds = int(re.search(r"time (\d+)ms", answer.stdout).group(1))
        check(milliseconds >= 195, f"three at 0.1 s took {milliseconds} ms")


def ping_sizes():
    with one_server() as lab:
        for size in (0, 1, 1472, 1473, 20000):
            expect(berth("ping", *lab.client(), "-c", "1", "-W", "5", "-s", str(size), HOST), 0,
                   rf"{size}\({size + 28}\) bytes of data", rf"^{size + 8} bytes from {HOST}", " 0% packet loss")
        # More pieces than may wait for an unknown neighbour: the first may be lost, the second is not.
        expect(berth("ping", *lab.client(), "-c", "2", "-i", "0.2", "-W", "5", "-s", "65507", HOST), 0, rf"^65515 bytes from {HOST}: icmp_seq=2")
        expect(berth("ping", *lab.client(), "-c", "1", "-W", "1", "-s", "2000", "-M", "do", HOST), 1,
               r"local error: message too long, mtu=1500", r"1 packets transmitted, 0 received, \+1 errors, 100% packet loss")


def ping_quiet_stamped_and_with_a_pattern():
    with one_server() as lab:
        quiet = expect(berth("ping", *lab.client(), "-q", "-c", "2", "-i", "0.01", HOST), 0, "2 packets transmitted, 2 received")
        check("icmp_seq" not in quiet.stdout, quiet.stdout)
        expect(berth("ping", *lab.client(), "-D", "-p", "ff00", "-c", "1", HOST), 0, r"^PATTERN: 0xff00$", r"^\[\d+\.\d{6}\] 64 bytes from ")


def ping_nobody():
    with one_server() as lab:
        expect(berth("ping", *lab.client(), "-c", "1", "-W", "6", "192.0.2.77"), 1,
               rf"^From {CLIENT} icmp_seq=1 Destination Host Unreachable$", r"\+1 errors, 100% packet loss")
        expect(berth("ping", *lab.client(), "-c", "1", "203.0.113.1"), 2, "^berth ping: no route")
        expect(berth("ping", *lab.client(), "-c", "0", HOST), 2)
        expect(berth("ping", *lab.client(), "--host", "server", HOST), 2, "choose one")
        expect(berth("ping", *lab.client(), "-c", "1", "192.0.2.255"), 2, "broadcast")


def ping_counts_answers_until_its_deadline():
    with one_server() as lab:
        started = time.monotonic()
        expect(berth("ping", *lab.client(), "-w", "1", "-i", "0.2", HOST), 0, "packets transmitted")
        check(time.monotonic() - started < 5, "-w 1 took longer than five seconds")
        expect(berth("ping", *lab.client(), "-w", "1", "-c", "50", "-i", "0.2", HOST), 1, "packets transmitted")


def ping_as_json():
    with one_server() as lab:
        answer = expect(berth("ping", *lab.client(), "--json", "-c", "2", "-i", "0.01", HOST), 0)
        events = [json.loads(line) for line in answer.stdout.splitlines()]
        check(all(event["schema"] == 1 for event in events), answer.stdout)
        check([event["event"] for event in events] == ["begin", "reply", "reply", "end", "statistics"], answer.stdout)
        check(events[1]["from"] == HOST and events[1]["ttl"] == 64 and events[1]["time_ns"] > 0, answer.stdout)
        check(events[-1]["received"] == 2 and events[-1]["rtt_ms"]["min"] <= events[-1]["rtt_ms"]["max"], answer.stdout)


def ping_from_a_running_host():
    with one_server() as lab:
        lab.serve("other", "--link", lab.switch(), "--address", f"{CLIENT}/24", "discard")
        expect(berth("ping", "--host", "other", "-c", "2", "-i", "0.1", HOST), 0, rf"^64 bytes from {HOST}", "2 received, 0%")
        expect(berth("ping", "--host", "server", "-c", "1", CLIENT), 0, rf"^64 bytes from {CLIENT}")
        # Itself, by its own address and by 127.0.0.1: no link takes part.
        expect(berth("ping", "--host", "other", "-c", "1", CLIENT), 0, "1 received")
        expect(berth("ping", "--host", "other", "-c", "1", "localhost"), 0, r"^PING localhost \(127.0.0.1\)", "1 received")
        expect(berth("ping", "-c", "1", HOST), 2, "several hosts are running: other, server")
        sockets = json.loads(berth("ss", "--json", "--host", "other").stdout)["sockets"]
        check(not [row for row in sockets if row["protocol"] == "icmp"], f"ping left its socket behind: {sockets}")


def an_interrupted_ping_shows_its_statistics():
    with one_server() as lab:
        for where in (lab.client(), ["--host", "server"]):
            target = HOST if where[0] == "--link" else "127.0.0.1"
            process = subprocess.Popen([tool(), "ping", *where, "-i", "0.1", target], stdout=subprocess.PIPE, text=True)
            for line in process.stdout:
                if "icmp_seq=2" in line:
                    break
            # A ping socket has no ports, but is one: ss -w shows it while it lives.
            if where[0] == "--host":
                shown = berth("ss", "-w", "--host", "server").stdout
                check("icmp" in shown, shown)
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
            check(process.wait(timeout=10) == 0, f"exit code {process.returncode}: {rest}")
            check("ping statistics" in rest and "0% packet loss" in rest, rest)
            process.stdout.close()


def measurements_are_bounded():
    with one_server() as lab:
        pings = [subprocess.Popen([tool(), "ping", "--host", "server", "-i", "0.2", "127.0.0.1"], stdout=subprocess.PIPE, text=True)
                 for _ in range(8)]
        for ping in pings:
            until(lambda: "icmp_seq=1" in ping.stdout.readline(), "each of eight pings answers")
        expect(berth("ping", "--host", "server", "-c", "1", "127.0.0.1"), 2, "8 measurements under way")
        check(berth("ss", "--host", "server").returncode == 0, "the control socket is held up")
        pings[0].kill()
        pings[0].wait()
        until(lambda: berth("ping", "--host", "server", "-c", "1", "127.0.0.1").returncode == 0, "a place is free again")
        for ping in pings[1:]:
            ping.terminate()
            ping.wait(timeout=10)
        for ping in pings:
            ping.stdout.close()


def ping_across_a_router():
    with routed() as lab:
        client = lab.client("192.0.2.9", "a", "--gateway", NEAR)
        expect(berth("ping", *client, "-c", "2", "-i", "0.1", FAR), 0, rf"^64 bytes from {FAR}: icmp_seq=1 ttl=63 time=", "2 received")
        expect(berth("ping", *client, "-c", "1", "-t", "1", FAR), 1, rf"^From {NEAR} icmp_seq=1 Time to live exceeded$")
        expect(berth("ping", *client, "-c", "1", "198.18.0.1"), 1, rf"^From {NEAR} icmp_seq=1 Destination Net Unreachable$")
        sockets = json.loads(berth("ss", "--json", "--host", "router").stdout)["sockets"]
        check(sockets == [], f"a router has no sockets: {sockets}")
        from_router = expect(berth("ping", "--host", "router", "-c", "1", FAR), 0, "ttl=64")
        check("1 received" in from_router.stdout, from_router.stdout)


def the_path_mtu_is_learned_and_shown():
    with routed(",mtu=1400") as lab:
        client = lab.client("192.0.2.9", "a", "--gateway", NEAR)
        expect(berth("ping", *client, "-c", "1", "-M", "do", "-s", "1400", FAR), 1, rf"^From {NEAR} icmp_seq=1 Frag needed and DF set \(mtu = 1400\)$")
        lab.serve("client", *client, "discard")
        expect(berth("route", "get", FAR, "--host", "client"), 0, "mtu 1500$")
        berth("ping", "--host", "client", "-c", "1", "-M", "do", "-s", "1400", FAR)
        expect(berth("route", "get", FAR, "--host", "client"), 0, rf"^{FAR} via {NEAR} dev unix:\S+ src 192.0.2.9 mtu 1400$")


# ---- traceroute

def traceroute_sees_the_router():
    with routed() as lab:
        client = lab.client("192.0.2.9", "a", "--gateway", NEAR)
        udp = expect(berth("traceroute", *client, "-w", "2", FAR), 0,
                     rf"^traceroute to {FAR} \({FAR}\), 30 hops max, 60 byte packets$",
                     rf"^ 1  {NEAR} \({NEAR}\)(  \d+\.\d{{3}} ms){{3}}$", rf"^ 2  {FAR} \({FAR}\)(  \d+\.\d{{3}} ms){{3}}$")
        check(len(udp.stdout.splitlines()) == 3, udp.stdout)
        expect(berth("traceroute", *client, "-n", "-I", "-q", "1", "-w", "2", FAR, "100"), 0, "100 byte packets",
               rf"^ 1  {NEAR}  \d+\.\d+ ms$", rf"^ 2  {FAR}  \d+\.\d+ ms$")
        first = expect(berth("traceroute", *client, "-n", "-f", "2", "-q", "1", FAR), 0, rf"^ 2  {FAR}")
        check(NEAR not in first.stdout, first.stdout)
        expect(berth("traceroute", *client, "-n", "-m", "1", "-q", "1", FAR), 1, rf"^ 1  {NEAR}")


def traceroute_marks_what_is_wrong():
    with routed() as lab:
        client = lab.client("192.0.2.9", "a", "--gateway", NEAR)
        expect(berth("traceroute", *client, "-n", "-q", "1", "198.18.0.1"), 0, rf"^ \d  {NEAR}  \d+\.\d+ ms !N$")
        expect(berth("traceroute", *client, "-n", "-q", "1", "-m", "2", "-w", "6", "198.51.100.77"), 0, rf"^ 2  {NEAR}  \d+\.\d+ ms !H$")
        expect(berth("traceroute", *client, "-f", "3", "-m", "2", FAR), 2, "^berth traceroute: -f")


def traceroute_finds_the_path_mtu():
    with routed(",mtu=1400") as lab:
        client = lab.client("192.0.2.9", "a", "--gateway", NEAR)
        expect(berth("traceroute", *client, "-n", "--mtu", "-w", "2", FAR), 0, "1500 byte packets",
               rf"^ 1  {NEAR}  \d+\.\d+ ms F=1500$", rf"^ 2  {FAR}  \d+\.\d+ ms F=1400$")


def traceroute_from_a_running_host_and_as_json():
    with routed() as lab:
        expect(berth("traceroute", "--host", "far", "-n", "-q", "1", NEAR), 0, rf"^ 1  {NEAR}")
        answer = expect(berth("traceroute", "--host", "router", "-n", "-q", "2", "--json", FAR), 0)
        events = [json.loads(line) for line in answer.stdout.splitlines()]
        check([event["event"] for event in events] == ["begin", "probe", "probe", "end"], answer.stdout)
        check(events[1]["from"] == FAR and events[1]["type"] == 3 and events[1]["code"] == 3 and events[-1]["reached"], answer.stdout)


# ---- neigh and route

def neighbours_are_shown_and_changed():
    with one_server() as lab:
        expect(berth("ping", *lab.client(), "--mac", "02:00:00:00:00:03", "-c", "1", HOST), 0)
        expect(berth("neigh", "--host", "server"), 0, rf"^{CLIENT} dev unix:\S+ lladdr 02:00:00:00:00:03 (REACHABLE|STALE|DELAY|PROBE)$")
        expect(berth("neigh", "show", "-s"), 0, rf"^{CLIENT} .* used \d+/\S+ probes \d+ pending 0 ")
        rows = json.loads(berth("neigh", "--json").stdout)
        check(rows["schema"] == 1 and rows["neighbours"][0]["mac"] == "02:00:00:00:00:03", str(rows))
        berth("ping", "--host", "server", "-c", "1", "-W", "6", "192.0.2.99")
        expect(berth("neigh"), 0, r"^192\.0\.2\.99 dev unix:\S+ FAILED$")
        expect(berth("neigh", "add", "192.0.2.50", "lladdr", "02:00:00:00:00:50"), 0)
        expect(berth("neigh"), 0, r"^192\.0\.2\.50 .* lladdr 02:00:00:00:00:50 PERMANENT$")
        expect(berth("neigh", "flush"), 0)
        left = expect(berth("neigh"), 0, "PERMANENT").stdout
        check(len(left.splitlines()) == 1, left)
        expect(berth("neigh", "del", "192.0.2.50"), 0)
        expect(berth("neigh", "del", "192.0.2.50"), 1, "is not known there")
        expect(berth("neigh", "add", "192.0.2.50"), 2, "hardware address is missing")
        expect(berth("neigh", "add", "192.0.2.50", "lladdr", "01:00:00:00:00:50"), 1)


def routes_are_shown_and_changed():
    with one_server() as lab:
        lab.serve("many", *lab.client(), "--address", "203.0.113.5/25", "--gateway", NEAR, "--route", "198.51.100.0/24 via 192.0.2.2 metric 7", "discard")
        shown = expect(berth("route", "--host", "many"), 0, rf"^default via {NEAR} dev unix:\S+$",
                       rf"^192\.0\.2\.0/24 dev unix:\S+ scope link src {CLIENT}$", r"^203\.0\.113\.0/25 dev unix:\S+ scope link src 203\.0\.113\.5$",
                       r"^198\.51\.100\.0/24 via 192\.0\.2\.2 dev unix:\S+ metric 7$")
        check(shown.stdout.startswith("default"), shown.stdout)
        # Multihomed: the route picks the local address.
        get = lambda *words: berth("route", "get", *words, "--host", "many")
        expect(get("192.0.2.9"), 0, rf"^192\.0\.2\.9 dev unix:\S+ src {CLIENT} mtu 1500$")
        expect(get("203.0.113.9"), 0, r"^203\.0\.113\.9 dev unix:\S+ src 203\.0\.113\.5 mtu 1500$")
        expect(get("198.51.100.9"), 0, r"^198\.51\.100\.9 via 192\.0\.2\.2 dev ")
        expect(get("198.51.100.9", "from", "203.0.113.5"), 0, r"src 203\.0\.113\.5")
        expect(get("127.0.0.1"), 0, r"^local 127\.0\.0\.1 dev lo src 127\.0\.0\.1$")
        expect(get(CLIENT), 0, rf"^local {CLIENT} dev lo src {CLIENT}$")
        expect(get("192.0.2.255"), 0, r"^broadcast 192\.0\.2\.255 dev ")
        expect(get("not-an-address"), 2)
        expect(berth("route", "add", "198.18.0.0/15", "via", HOST, "--host", "many"), 0)
        expect(berth("route", "add", "198.18.0.0/15", "via", HOST, "--host", "many"), 1, "is there already")
        expect(get("198.19.1.1"), 0, rf"via {HOST}")
        expect(berth("route", "del", "default", "--host", "many"), 0)
        expect(berth("route", "del", "198.18.0.0/15", "--host", "many"), 0)
        expect(get("198.19.1.1"), 1, "cannot be reached: no route leads there")
        expect(berth("route", "add", "198.18.0.0/15", "via", "198.18.0.9", "--host", "many"), 1, "on no network of this host")
        expect(berth("route", "add", "198.18.0.1/15", "via", HOST, "--host", "many"), 2, "bits beyond its length")


# ---- counters, tunables, and what TCP knows

def counters_are_shown_by_pattern():
    with one_server() as lab:
        expect(berth("nc", *lab.client(), "-N", HOST, "7", input="hello\n"), 0, "hello")
        shown = expect(berth("nstat"), 0, "^#server$", r"^TcpPassiveOpens +1$", r"^TcpCurrEstab +0$|^TcpMaxConn ").stdout
        check("AttemptFails" not in shown, f"a zero is shown: {shown}")
        tcp = expect(berth("nstat", "-az", "Tcp*"), 0, r"^TcpAttemptFails +0$", r"^TcpExtTW +\d+$").stdout
        check(all(line.startswith(("#", "Tcp")) for line in tcp.splitlines()), tcp)
        rows = json.loads(expect(berth("nstat", "-z", "--json", "TcpRto*"), 0).stdout)
        check(rows["schema"] == 1 and [row["name"] for row in rows["counters"]] == ["TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax"], f"{rows}")
        check(all(row["gauge"] for row in rows["counters"]), f"{rows}")
        expect(berth("nstat", "Nonsense*"), 1, "no counter is called 'Nonsense\\*'")
        expect(berth("nstat", "--nonsense"), 2)


def tunables_are_shown_as_they_stand():
    with one_server() as lab:
        lab.serve("tuned", *lab.client(), "--sysctl", "net.ipv4.tcp_rmem=4096 65536 1048576", "--sysctl", "net.ipv4.tcp_sack=0", "discard")
        expect(berth("sysctl", "--host", "tuned", "net.ipv4.tcp_*"), 0, r"^net\.ipv4\.tcp_rmem = 4096 65536 1048576$", r"^net\.ipv4\.tcp_sack = 0$")
        rows = json.loads(expect(berth("sysctl", "--host", "server", "--json", "*.tcp_sack"), 0).stdout)
        check(rows["sysctls"][0]["value"] == "1" and rows["schema"] == 1, f"{rows}")
        expect(berth("sysctl", "--host", "tuned", "nonsense"), 1, "there is no sysctl 'nonsense'")
        expect(berth("serve", *lab.client("192.0.2.4"), "--sysctl", "net.ipv4.tcp_rmem=65536"), 2, "three numbers")


def ss_shows_mtu_mss_and_buffer():
    with one_server() as lab, subprocess.Popen([tool(), "nc", *lab.client(), HOST, "7"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        client.stdin.write("hello\n")
        client.stdin.flush()
        check(client.stdout.readline() == "hello\n", "the echo")
        shown = lambda *words: berth("ss", "-tn", *words, "--host", "server")
        # The MTU is 1500, the MSS what a segment's headers leave of it, the buffer neither.
        expect(shown("-im"), 0, r"^\t skmem:\(r\d+,rb\d+,t0,tb\d+,.* ts .*wscale:\d+,\d+ rto:.* mss:1448 pmtu:1500 rcvmss:.* advmss:1448 cwnd:10 ")
        expect(shown("-i"), 0, " bytes_acked:6 bytes_received:6 ")
        expect(shown("-e"), 0, rf"^ESTAB .* dev:unix:\S+ via:{CLIENT}$")
        check("skmem" not in shown().stdout and "timer" not in shown("-i").stdout, "what nobody asked for")
        row = next(row for row in json.loads(shown("-o", "--json").stdout)["sockets"] if row["state"] == "ESTAB")
        check(row["tcp_info"]["bytes_acked"] == 6 and row["memory"]["receive"] == 0 and row["path"]["next_hop"] == CLIENT, f"{row}")
        check("tcp_info" not in json.loads(shown("--json").stdout)["sockets"][0], "details that nobody asked for")
        client.stdin.close()
        until(lambda: "TIME-WAIT" in shown().stdout or client.poll() is not None, "the client ends")
        client.kill()


# ---- against the kernel

def the_kernel_and_berth_ping_each_other_on_a_tap():
    with Serve("echo") as host:
        expect(berth("ping", "--host", host.name, "-c", "2", "-i", "0.1", PEER), 0, rf"^64 bytes from {PEER}: icmp_seq=2", "2 received, 0%")
        kernel = run("ping", "-c", "2", "-i", "0.2", HOST)
        check(kernel.returncode == 0, kernel.stdout)
        expect(berth("neigh", "--host", host.name), 0, rf"^{PEER} dev tap:tap0 lladdr ")
        expect(berth("route", "--host", host.name), 0, rf"^192\.0\.2\.0/24 dev tap:tap0 scope link src {HOST}$")
        expect(berth("traceroute", "--host", host.name, "-n", "-q", "1", PEER), 0, rf"^ 1  {PEER}  \d")
        # The wildcard's services by name and by number.
        check("echo" in berth("ss", "-tl").stdout and ":7 " in berth("ss", "-tln").stdout, "service names")


main(ping_answers_look_as_iputils_writes_them, ping_sizes, ping_quiet_stamped_and_with_a_pattern, ping_nobody,
     ping_counts_answers_until_its_deadline, ping_as_json, ping_from_a_running_host, an_interrupted_ping_shows_its_statistics,
     measurements_are_bounded, ping_across_a_router, the_path_mtu_is_learned_and_shown, traceroute_sees_the_router,
     traceroute_marks_what_is_wrong, traceroute_finds_the_path_mtu, traceroute_from_a_running_host_and_as_json,
     counters_are_shown_by_pattern, tunables_are_shown_as_they_stand, ss_shows_mtu_mss_and_buffer,
     neighbours_are_shown_and_changed, routes_are_shown_and_changed, the_kernel_and_berth_ping_each_other_on_a_tap)
