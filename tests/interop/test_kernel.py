#!/usr/bin/env python3
"""berth on a TAP against the kernel's own ping, curl and nc (issue rows: ping, nc both ways, UDP echo, refusals)."""

import socket
import subprocess
import tempfile
import os

from interop import HOST, PEER, Serve, check, enter_namespace, main, run, tool, until

enter_namespace()


def ping_is_answered():
    with Serve("echo"):
        for size in ("0", "56", "1400", "1472"):
            answer = run("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", size, HOST)
            check(answer.returncode == 0 and " 0% packet loss" in answer.stdout, f"ping -s {size}: {answer.stdout}")


def curl_fetches_a_page():
    with Serve("http"):
        answer = run("curl", "-sS", "--noproxy", "*", "-i", f"http://{HOST}/")
        check("200 OK" in answer.stdout, answer.stdout + answer.stderr)
        head = run("curl", "-sS", "--noproxy", "*", "-I", f"http://{HOST}/nowhere")
        check("404" in head.stdout, head.stdout)


def nc_talks_to_echo():
    with Serve("echo"):
        answer = run("nc", "-N", "-w", "5", HOST, "7", input="hello\nworld\n")
        check(answer.stdout == "hello\nworld\n", repr(answer.stdout) + answer.stderr)


def nc_talks_both_ways():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        # The TAP must be there before the kernel can listen on its address.
        run("ip", "tuntap", "add", "dev", "tap1", "mode", "tap", check=True)
        run("ip", "addr", "add", f"{PEER}/24", "dev", "tap1", check=True)
        run("ip", "link", "set", "tap1", "up", check=True)
        berth = [tool(), "nc", "--link", "tap:tap1", "--address", f"{HOST}/24"]
        # berth calls the kernel's nc.
        server = subprocess.Popen(["nc", "-N", "-l", PEER, "5000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        until(lambda: "5000" in run("ss", "-Htln").stdout, "the kernel's nc listens")
        server.stdin.write("from the kernel\n")
        server.stdin.close()
        client = run(*berth, "-N", PEER, "5000", input="from berth\n")
        check(client.stdout == "from the kernel\n" and client.returncode == 0, f"{client.returncode} {client.stdout!r} {client.stderr}")
        check(server.stdout.read() == "from berth\n", "what berth said did not arrive")
        check(server.wait(timeout=20) == 0, f"the kernel's nc ended with {server.returncode}")
        server.stdout.close()
        # The kernel's nc calls berth.
        server = subprocess.Popen(berth + ["-v", "-N", "-l", "5002"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        server.stdin.write("from berth\n")
        server.stdin.close()
        server.stderr.readline()  # it says that it listens
        caller = run("nc", "-N", "-w", "5", HOST, "5002", input="from the kernel\n")
        check(caller.stdout == "from berth\n", f"{caller.stdout!r} {caller.stderr}")
        check(server.stdout.read() == "from the kernel\n", "what the kernel's nc said did not arrive")
        check(server.wait(timeout=20) == 0, f"berth nc ended with {server.returncode}: {server.stderr.read()}")
        server.stdout.close()
        server.stderr.close()
        # Nobody there: refused, exit code 1.
        refused = run(tool(), "nc", "--link", "tap:tap1", "--address", f"{HOST}/24", PEER, "5001", input="")
        check(refused.returncode == 1 and "refused" in refused.stderr.lower(), f"{refused.returncode} {refused.stderr}")
        run("ip", "link", "del", "tap1", check=True)


def udp_echo_answers():
    with Serve("echo"):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(5)
        for size in (0, 1, 1000, 1472):
            data = bytes(i % 251 for i in range(size))
            client.sendto(data, (HOST, 7))
            check(client.recvfrom(2000) == (data, (HOST, 7)), f"{size} bytes")
        client.close()


def nobody_there_is_refused():
    with Serve("echo") as serve:
        try:
            socket.create_connection((HOST, 4444), timeout=5)
            raise AssertionError("port 4444 was open")
        except ConnectionRefusedError:
            pass
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect((HOST, 4444))
        client.settimeout(5)
        client.send(b"x")
        try:
            client.recv(10)
            raise AssertionError("UDP port 4444 answered")
        except ConnectionRefusedError:
            pass
        client.close()
        names = {row["name"] for row in serve.ask("drops")["drops"]}
        check({"tcp_no_connection", "udp_no_socket"} <= names, f"drops: {names}")


def small_services_speak():
    with Serve():
        check(run("nc", "-w", "5", HOST, "13").stdout.strip() != "", "daytime said nothing")
        seconds = subprocess.run(["nc", "-w", "5", HOST, "37"], capture_output=True, timeout=20).stdout
        check(len(seconds) == 4, f"time said {seconds!r}")
        connection = socket.create_connection((HOST, 19), timeout=5)
        data = b""
        while len(data) < 100_000:
            data += connection.recv(65536)
        check(data.count(b"\r\n") >= 1350, "chargen's lines are 72 characters long")
        connection.close()


def sockets_and_exit_are_clean():
    with Serve("echo") as serve:
        first = socket.create_connection((HOST, 7))
        second = socket.create_connection((HOST, 7))
        rows = [r for r in serve.ask("ss", "-t", "-a", "-n")["sockets"] if r["state"] == "ESTAB"]
        remotes = {(r["remote"]["address"], r["remote"]["port"]) for r in rows}
        check(remotes == {first.getsockname(), second.getsockname()}, f"{rows}")
        check({(r["local"]["address"], r["local"]["port"]) for r in rows} == {(HOST, 7)}, f"{rows}")
        first.close()
        second.close()
        until(lambda: not [r for r in serve.ask("ss", "-t", "-a")["sockets"] if r["state"] == "ESTAB"], "both connections end")


main(ping_is_answered, curl_fetches_a_page, nc_talks_to_echo, nc_talks_both_ways, udp_echo_answers,
     nobody_there_is_refused, small_services_speak, sockets_and_exit_are_clean)
