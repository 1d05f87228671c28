#!/usr/bin/env python3
"""dnsmasq as DHCP and DNS server for a berth host on a TAP: a lease, its renewal and its release; names.

The kernel's side of the TAP is 198.18.5.1, where dnsmasq serves 198.18.5.0/24.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading

from interop import check, enter_namespace, main, run, skip, tool, until

DNSMASQ = shutil.which("dnsmasq", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
SERVER = "198.18.5.1"
SILENT = "198.18.5.53"  # another address of the kernel's, without a DNS server
DEAD = "198.18.5.99"    # nobody's
STATIC = "198.18.5.9"   # of the hosts that only ask for names
WEB = "198.18.5.80"     # web.lab.test
PORT = "8080"
TAP = "tap5"
MANY = 200              # addresses of one name: more than fit into a datagram

enter_namespace()
if DNSMASQ is None:
    skip("dnsmasq is not installed (Debian's dnsmasq-base)")


def make_tap():
    if run("ip", "link", "show", TAP).returncode == 0:
        return
    run("ip", "tuntap", "add", "dev", TAP, "mode", "tap", check=True)
    for address in (SERVER, SILENT):
        run("ip", "address", "add", f"{address}/24", "dev", TAP, check=True)
    run("ip", "link", "set", TAP, "up", check=True)


class Dnsmasq:
    """dnsmasq with nothing of the system's settings, as a context; `log` is what it said."""

    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="berth-dnsmasq.")
        self.log_path = os.path.join(self.folder, "log")
        names = os.path.join(self.folder, "names")
        with open(names, "w") as file:
            for i in range(MANY):
                file.write(f"198.18.6.{i + 1} many.lab.test\n")
        self.command = [
            DNSMASQ, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-poll",
            f"--pid-file={self.folder}/pid", f"--dhcp-leasefile={self.folder}/leases", "--user=root", "--group=root",
            f"--listen-address={SERVER}", "--bind-interfaces", "--except-interface=lo", "--port=53",
            "--domain=lab.test", "--local=/lab.test/", "--local=/test/", f"--addn-hosts={names}", "--log-facility=-",
            "--log-dhcp", "--log-queries", "--edns-packet-max=1232",
            f"--host-record=web.lab.test,{WEB}", "--cname=www.lab.test,web.lab.test", *arguments]

    def __enter__(self):
        make_tap()
        log = open(self.log_path, "w")
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        log.close()
        until(lambda: "started" in self.log or self.process.poll() is not None, "dnsmasq starts")
        check(self.process.poll() is None, self.log)
        return self

    def __exit__(self, *trace):
        self.process.terminate()
        self.process.wait(timeout=10)
        shutil.rmtree(self.folder)

    @property
    def log(self):
        with open(self.log_path) as file:
            return file.read()


# Without --no-ping dnsmasq asks for the address first, and the kernel remembers for a moment that nobody had it.
DHCP = ["--dhcp-authoritative", "--no-ping", "--dhcp-range=198.18.5.100,198.18.5.150,255.255.255.0,120",
        "--dhcp-option=option:T1,3", "--dhcp-option=option:T2,60", "--dhcp-option=option:router,198.18.5.1"]


@contextlib.contextmanager
def serving(*arguments):
    """`berth serve --address dhcp`, ready: gives the process and its leased address."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        errors = tempfile.TemporaryFile(mode="w+")
        process = subprocess.Popen([tool(), "serve", "--link", f"tap:{TAP}", "--address", "dhcp", "--name", "leased",
                                    *arguments], stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            line = process.stdout.readline()
            errors.seek(0)
            check(line.startswith("berth: ready as leased at 198.18.5."), f"{line!r} {errors.read()}")
            yield process, line.split(" at ")[1].split(",")[0].split("/")[0]
        finally:
            if process.poll() is None:
                process.terminate()
            code = process.wait(timeout=20)
            process.stdout.close()
        errors.seek(0)
        check(code == 0, f"berth serve ended with {code}: {errors.read()}")


def host(*arguments, dns=(SERVER,)):
    """The words of a command that makes a host with a static address and these DNS servers."""
    words = ["--link", f"tap:{TAP}", "--address", f"{STATIC}/24", "--hosts", ""]
    for server in dns:
        words += ["--dns", server]
    return [*words, *arguments]


def a_lease_is_got_renewed_and_released():
    with Dnsmasq(*DHCP) as dnsmasq:
        with serving("http") as (process, address):
            page = run("curl", "-sS", "--noproxy", "*", f"http://{address}/")
            check(page.returncode == 0 and address in page.stdout, page.stdout + page.stderr)
            for message in ("DHCPDISCOVER", "DHCPOFFER", "DHCPREQUEST", "DHCPACK"):
                check(f"{message}({TAP})" in dnsmasq.log, f"{message}: {dnsmasq.log}")
            until(lambda: dnsmasq.log.count(f"DHCPACK({TAP})") >= 2, "the lease is renewed at T1", 15)
            check(dnsmasq.log.count(f"DHCPREQUEST({TAP})") >= 2, dnsmasq.log)
            page = run("curl", "-sS", "--noproxy", "*", f"http://{address}/")
            check(page.returncode == 0, page.stderr)
            check("DHCPRELEASE" not in dnsmasq.log, dnsmasq.log)
        until(lambda: f"DHCPRELEASE({TAP}) {address}" in dnsmasq.log, "the lease is given back")


def without_a_server_it_says_so():
    make_tap()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        answer = run(tool(), "serve", "--link", f"tap:{TAP}", "--address", "dhcp", "--dhcp-timeout", "1", "echo")
        check(answer.returncode == 1 and "no address by DHCP within 1 s" in answer.stderr, f"{answer.returncode} {answer.stderr}")
        check(len(answer.stderr.strip().splitlines()) == 1, answer.stderr)
        # Told to end while it waits, it does so at once.
        waiting = subprocess.Popen([tool(), "serve", "--link", f"tap:{TAP}", "--address", "dhcp", "--name", "waiting", "echo"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(lambda: run(tool(), "ss", "--host", "waiting").returncode == 0, "it waits")
        waiting.terminate()
        _, errors = waiting.communicate(timeout=5)
        check(waiting.returncode == 1 and "told to end" in errors, f"{waiting.returncode} {errors}")


def a_name_is_resolved_by_the_server_that_dhcp_names():
    with kernel_listener(), Dnsmasq(*DHCP, f"--dhcp-option=option:dns-server,{SERVER}") as dnsmasq:
        # The leased domain completes the short name.
        answer = run(tool(), "nc", "--link", f"tap:{TAP}", "--address", "dhcp", "--hosts", "", "-z", "-v", "web", PORT)
        check(answer.returncode == 0 and f"{WEB}:{PORT}" in answer.stderr, answer.stderr)
        check("query[A] web.lab.test from 198.18.5.1" in dnsmasq.log, dnsmasq.log)
        until(lambda: "DHCPRELEASE" in dnsmasq.log, "nc gives its lease back")


@contextlib.contextmanager
def kernel_listener():
    """The kernel listens at the address that `web.lab.test` has."""
    make_tap()
    run("ip", "address", "add", f"{WEB}/24", "dev", TAP)
    with socket.create_server((WEB, int(PORT)), backlog=16) as listener:
        def serve():
            with contextlib.suppress(OSError):  # the end: shut down below
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def names_and_aliases_are_resolved():
    with kernel_listener(), Dnsmasq() as dnsmasq:
        for name in ("web.lab.test", "www.lab.test", "WEB.lab.test."):
            answer = run(tool(), "nc", *host("-z", "-v", name, PORT))
            check(answer.returncode == 0 and f"{WEB}:{PORT}" in answer.stderr, f"{name}: {answer.stderr}")
        check("query[A] www.lab.test" in dnsmasq.log, dnsmasq.log)


def a_hosts_file_goes_first():
    with kernel_listener(), tempfile.NamedTemporaryFile("w", suffix=".hosts") as file:
        file.write(f"# names\n{WEB} elsewhere.test alias\n")
        file.flush()
        answer = run(tool(), "nc", "--link", f"tap:{TAP}", "--address", f"{STATIC}/24", "--hosts", file.name, "-z", "alias", PORT)
        check(answer.returncode == 0, answer.stderr)


def a_truncated_answer_is_asked_for_again_over_tcp():
    with Dnsmasq() as dnsmasq:
        capture = os.path.join(dnsmasq.folder, "tcp.pcapng")
        answer = run(tool(), "nc", *host("--capture", capture, "-z", "many.lab.test", PORT))
        # That network has no route; the sentence names the address that was found.
        check(answer.returncode == 1 and "198.18.6." in answer.stderr, f"{answer.returncode} {answer.stderr}")
        check(dnsmasq.log.count("query[A] many.lab.test") == 2, dnsmasq.log)
        if shutil.which("tshark"):
            shown = run("tshark", "-r", capture, "-Y", "dns", "-T", "fields", "-e", "_ws.col.Protocol", "-e", "ip.proto",
                        "-e", "dns.flags.truncated", "-e", "dns.count.answers").stdout.splitlines()
            check(any(f"\t6\t0\t{MANY}" in line for line in shown), f"no whole answer over TCP: {shown}")


def an_unknown_name_is_said_to_be_unknown():
    with Dnsmasq():
        answer = run(tool(), "nc", *host("-z", "nobody.lab.test", PORT))
        check(answer.returncode == 1 and "cannot resolve 'nobody.lab.test': there is no such name" in answer.stderr, answer.stderr)
    answer = run(tool(), "nc", *host("-z", "web.lab.test", PORT, dns=()))
    check(answer.returncode == 1 and "no DNS server is configured" in answer.stderr, answer.stderr)


def a_dead_server_is_passed_over():
    with kernel_listener(), Dnsmasq():
        # One that no station has, and one where the kernel says that nobody has the port.
        for dead in (DEAD, SILENT):
            answer = run(tool(), "nc", *host("-z", "-v", "web.lab.test", PORT, dns=(dead, SERVER)))
            check(answer.returncode == 0 and f"{WEB}:{PORT}" in answer.stderr, f"{dead}: {answer.stderr}")
        # And one that takes the query and says nothing.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind((SILENT, 53))
            answer = run(tool(), "nc", *host("-z", "web.lab.test", PORT, dns=(SILENT, SERVER)))
            check(answer.returncode == 0, answer.stderr)


main(a_lease_is_got_renewed_and_released, without_a_server_it_says_so, a_name_is_resolved_by_the_server_that_dhcp_names,
     names_and_aliases_are_resolved, a_hosts_file_goes_first, a_truncated_answer_is_asked_for_again_over_tcp,
     an_unknown_name_is_said_to_be_unknown, a_dead_server_is_passed_over)
