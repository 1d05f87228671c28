#!/usr/bin/env python3
"""TCP's extensions between berth and the kernel: what the captured SYNs agree on, and that data flows both ways."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import struct
import tempfile
import threading

from interop import HOST, PEER, Serve, Sockets, check, enter_namespace, frames, kernel_sysctl, main, skip, until

enter_namespace()
if shutil.which("tshark") is None:
    skip("tshark is not installed")

SYN = "tcp.flags.syn == 1"
SYN_FIELDS = ("tcp.flags.ack", "tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.sack_perm",
              "tcp.options.timestamp.tsval", "tcp.flags.ece", "tcp.flags.cwr")
LINUX = {"net.ipv4.tcp_timestamps": 1, "net.ipv4.tcp_window_scaling": 1, "net.ipv4.tcp_sack": 1, "net.ipv4.tcp_ecn": 2,
         "net.ipv4.tcp_fastopen": 1}
TCP_INFO_BYTES = 104
TCPI_OPT_ECN = 8
MSG_FASTOPEN = 0x20000000
TCP_FASTOPEN_CONNECT = 30


@contextlib.contextmanager
def capture_file():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield os.path.join(folder, "capture.pcapng")


def kernel_settings(settings):
    for name, value in {**LINUX, **settings}.items():
        kernel_sysctl(name, value)


def pattern(size, start=0):
    return bytes((start + i) % 251 for i in range(size))


def kernel_listener(port, *options):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for option in options:
        listener.setsockopt(*option)
    listener.settimeout(20)
    listener.bind((PEER, port))
    listener.listen(16)
    return listener


def echo_through(connection, size=200_000):
    """Data both ways at once: what a thread sends, the berth echo service brings back."""
    data = pattern(size)
    sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
    sender.start()
    received = b""
    while piece := connection.recv(65536):
        received += piece
    sender.join()
    check(received == data, f"{len(received)} bytes of {size} came back")


def both_ways(host, fd, kernel, size=100_000):
    """Between a socket of berth and one of the kernel, one way after the other."""
    data = pattern(size)
    reader = {}
    thread = threading.Thread(target=lambda: reader.update(data=receive_exactly(kernel, size)))
    thread.start()
    host.send(fd, data)
    thread.join()
    check(reader["data"] == data, "berth to the kernel")
    thread = threading.Thread(target=kernel.sendall, args=(data,))
    thread.start()
    check(host.receive_exactly(fd, size) == data, "the kernel to berth")
    thread.join()


def receive_exactly(connection, size):
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


class Handshake:
    """The SYN and the SYN,ACK of the first connection of a capture: which options they carry."""

    def __init__(self, path):
        syns = frames(path, SYN, *SYN_FIELDS)
        self.syn = next(frame for frame in syns if frame["tcp.flags.ack"] in ("0", "False"))
        self.syn_ack = next(frame for frame in syns if frame["tcp.flags.ack"] in ("1", "True"))

    def both(self, field):
        return bool(self.syn[field]), bool(self.syn_ack[field])

    def flags(self, frame, *names):
        return tuple(frame[f"tcp.flags.{name}"] in ("1", "True") for name in names)


def kernel_calls(berth, kernel, link="tap:tap0"):
    """The kernel connects to berth's echo service and sends; the handshake."""
    with capture_file() as path:
        settings = [word for name, value in berth.items() for word in ("--sysctl", f"{name}={value}")]
        with Serve("--capture", path, *settings, "echo", link=link):
            kernel_settings(kernel)
            with socket.create_connection((HOST, 7), timeout=60) as connection:
                echo_through(connection)
        return Handshake(path)


def berth_calls(berth, kernel):
    """berth connects to a listener of the kernel's."""
    with capture_file() as path:
        with Sockets(*(f"{name}={value}" for name, value in berth.items()), capture=path) as host:
            kernel_settings(kernel)
            with kernel_listener(5000) as listener:
                fd = host.call("socket")
                host.call("connect", fd, PEER, 5000)
                connection, _ = listener.accept()
                with connection:
                    both_ways(host, fd, connection)
                host.call("close", fd)
        return Handshake(path)


# ---- what the SYNs agree on

def an_option_is_used_when_both_offer_it(knob, field):
    for berth, kernel in ((1, 1), (1, 0), (0, 1)):
        for calls, caller, callee in ((kernel_calls, kernel, berth), (berth_calls, berth, kernel)):
            found = calls({knob: berth}, {knob: kernel}).both(field)
            check(found == (bool(caller), bool(caller and callee)), f"{calls.__name__}, {knob} {berth}/{kernel}: {found}")


def timestamps_on_and_off():
    an_option_is_used_when_both_offer_it("net.ipv4.tcp_timestamps", "tcp.options.timestamp.tsval")


def window_scale_on_and_off():
    an_option_is_used_when_both_offer_it("net.ipv4.tcp_window_scaling", "tcp.options.wscale.shift")


def sack_on_and_off():
    an_option_is_used_when_both_offer_it("net.ipv4.tcp_sack", "tcp.options.sack_perm")


def ecn_is_negotiated_as_rfc3168_says():
    for berth, granted in ((0, False), (1, True), (2, True)):
        handshake = kernel_calls({"net.ipv4.tcp_ecn": berth}, {"net.ipv4.tcp_ecn": 1})
        check(handshake.flags(handshake.syn, "ece", "cwr") == (True, True), "the kernel asks for ECN")
        found = handshake.flags(handshake.syn_ack, "ece", "cwr")
        check(found == (granted, False), f"berth with tcp_ecn={berth} answers {found}")
    for berth, asks in ((0, False), (1, True), (2, False)):
        handshake = berth_calls({"net.ipv4.tcp_ecn": berth}, {"net.ipv4.tcp_ecn": 1})
        check(handshake.flags(handshake.syn, "ece", "cwr") == (asks, asks), f"berth with tcp_ecn={berth}: {handshake.syn}")
        check(handshake.flags(handshake.syn_ack, "ece", "cwr") == (asks, False), f"{handshake.syn_ack}")


def a_fresh_connection_offers_what_linux_offers_in_its_order():
    with capture_file() as path:
        with Sockets(capture=path) as host:
            kernel_settings({})
            with kernel_listener(5000) as listener, socket.socket() as client:
                fd = host.call("socket")
                host.call("connect", fd, PEER, 5000)
                listener.accept()[0].close()
                server = host.listener(5001)
                client.connect((HOST, 5001))
                host.call("accept", server)
        kinds = [frame["tcp.option_kind"] for frame in frames(path, SYN, "tcp.option_kind")]
        # MSS, SACK permitted, timestamps, NOP, window scale; the SYN,ACKs likewise.
        check(kinds == ["2,4,8,1,3"] * 4, f"{kinds}")


# ---- TCP_INFO

def both_ends_tell_the_same_in_tcp_info():
    with Sockets() as host:
        kernel_settings({"net.ipv4.tcp_ecn": 1})
        server = host.listener(5001)
        with socket.create_connection((HOST, 5001), timeout=20) as connection:
            fd = host.call("accept", server)
            both_ways(host, fd, connection)
            ours = host.get(fd, socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
            theirs = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
            check(ours[0] == theirs[0] == 1, "both are ESTABLISHED")
            check(ours[5] & 7 == theirs[5] & 7 == 7, f"timestamps, SACK, window scale: {ours[5]} {theirs[5]}")
            check((ours[6] & 15, ours[6] >> 4) == (theirs[6] >> 4, theirs[6] & 15), "the shifts are each other's")
            ours, theirs = (struct.unpack_from("24I", info, 8) for info in (ours, theirs))
            # snd_mss is the third, pmtu the fourteenth, advmss the twentieth.
            check((ours[2], ours[13], ours[19]) == (theirs[2], theirs[13], theirs[19]) == (1448, 1500, 1448), f"{ours} {theirs}")


# ---- loss

def loss_is_repaired_with_sack_from_both():
    with capture_file() as path:
        with Serve("--capture", path, "echo", link="tap:tap0,loss=2%,seed=7") as host:
            kernel_settings({})
            with socket.create_connection((HOST, 7), timeout=60) as connection:
                echo_through(connection, 1_000_000)
            counters = {row["name"]: row["value"] for row in host.ask("nstat", "-z")["counters"]}
            check(counters["TcpRetransSegs"] > 0, "nothing was lost")
        from_berth = frames(path, f"ip.src == {HOST} && tcp.options.sack_le", "tcp.options.sack_le")
        from_kernel = frames(path, f"ip.src == {PEER} && tcp.options.sack_le", "tcp.options.sack_le")
        check(from_berth and from_kernel, f"SACK blocks: {len(from_berth)} of berth's, {len(from_kernel)} of the kernel's")


def a_duplicate_is_answered_with_dsack():
    with capture_file() as path:
        with Serve("--capture", path, "echo", link="tap:tap0,loss=5%,duplicate=20%,seed=7"):
            kernel_settings({})
            with socket.create_connection((HOST, 7), timeout=60) as connection:
                echo_through(connection, 300_000)
        # RFC 2883 §4: the first block lies below the acknowledgment.
        dsacks = frames(path, f"ip.src == {HOST} && tcp.options.sack.dsack_le", "tcp.options.sack.dsack_le")
        check(dsacks, "berth reports no duplicate")


# ---- options of one socket

def keep_alives_of_the_kernel_are_answered():
    with capture_file() as path:
        with Serve("--capture", path, "echo"):
            kernel_settings({})
            with socket.create_connection((HOST, 7), timeout=20) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for name, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
                    connection.setsockopt(socket.IPPROTO_TCP, name, value)
                until(lambda: len(frames(path, f"ip.src == {HOST} && tcp.analysis.keep_alive_ack", "tcp.ack")) >= 2, "two probes are answered", 15)
                echo_through(connection, 1000)


def keep_alives_of_berth_are_sent_and_answered():
    with capture_file() as path:
        with Sockets(capture=path) as host:
            kernel_settings({})
            with kernel_listener(5000) as listener:
                fd = host.call("socket")
                host.set(fd, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for name, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
                    host.set(fd, socket.IPPROTO_TCP, name, value)
                host.call("connect", fd, PEER, 5000)
                connection, _ = listener.accept()
                with connection:
                    probes = lambda: frames(path, f"ip.src == {HOST} && tcp.analysis.keep_alive", "tcp.seq", "tcp.len")
                    until(lambda: len(probes()) >= 2, "two probes are sent", 15)
                    both_ways(host, fd, connection, 1000)
                    # Nobody answers any more: given up after two probes, a second apart.
                    os.system(f"ip addr del {PEER}/24 dev tap0")
                    with contextlib.suppress(OSError):
                        host.call("recv", fd, 1, 0)
                        raise AssertionError("the connection outlived its peer")
                host.call("close", fd)


def urgent_data_goes_both_ways():
    with Sockets() as host:
        kernel_settings({})
        server = host.listener(5001)
        with socket.create_connection((HOST, 5001), timeout=20) as connection:
            fd = host.call("accept", server)
            connection.sendall(b"ab")
            connection.send(b"!", socket.MSG_OOB)
            connection.sendall(b"cd")
            until(lambda: host.receive(fd, 16, socket.MSG_PEEK), "something arrives")
            check(urgent_of(host, fd) == b"!", "the kernel's urgent byte")
            check(host.receive_exactly(fd, 2) + host.receive_exactly(fd, 2) == b"abcd", "the rest is in order, without it")
            host.send(fd, b"12")
            host.send(fd, b"?", socket.MSG_OOB)
            host.send(fd, b"34")
            until(lambda: urgent_of_kernel(connection) == b"?", "berth's urgent byte")
            check(receive_exactly(connection, 2) + receive_exactly(connection, 2) == b"1234", "the rest")


def urgent_of(host, fd):
    end = []
    until(lambda: end or end.append(host.receive(fd, 1, socket.MSG_OOB)) is None, "the urgent byte is here")
    return end[0]


def urgent_of_kernel(connection):
    with contextlib.suppress(OSError):
        return connection.recv(1, socket.MSG_OOB)
    return None


def half_close_lets_the_other_half_finish():
    with Sockets() as host:
        kernel_settings({})
        server = host.listener(5001)
        with socket.create_connection((HOST, 5001), timeout=20) as connection:
            fd = host.call("accept", server)
            connection.sendall(b"question")
            connection.shutdown(socket.SHUT_WR)
            check(host.receive_exactly(fd, 100) == b"question", "the question")
            host.send(fd, b"answer")
            host.call("close", fd)
            check(receive_exactly(connection, 100) == b"answer", "the answer after the FIN")
        with socket.create_connection((HOST, 5001), timeout=20) as connection:
            fd = host.call("accept", server)
            host.send(fd, b"question")
            host.call("shutdown", fd, socket.SHUT_WR)
            check(receive_exactly(connection, 100) == b"question", "berth's question")
            connection.sendall(b"answer")
            connection.close()
            check(host.receive_exactly(fd, 100) == b"answer", "the kernel's answer after berth's FIN")


def linger_of_zero_sends_a_reset():
    abort = struct.pack("ii", 1, 0)
    with Sockets() as host:
        kernel_settings({})
        server = host.listener(5001)
        with socket.create_connection((HOST, 5001), timeout=20) as connection:
            fd = host.call("accept", server)
            host.set(fd, socket.SOL_SOCKET, socket.SO_LINGER, abort)
            host.call("close", fd)
            try:
                check(connection.recv(1) is None, "a FIN instead of a RST")
            except ConnectionResetError:
                pass
        connection = socket.create_connection((HOST, 5001), timeout=20)
        fd = host.call("accept", server)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abort)
        connection.close()
        try:
            check(host.call("recv", fd, 1, 0) is None, "a FIN instead of a RST")
        except OSError as error:
            check(error.errno == errno.ECONNRESET, f"{error}")


def user_timeouts_end_connections_that_nobody_answers():
    patience = 1500
    with Sockets() as host:
        kernel_settings({})
        server = host.listener(5001)
        with socket.create_connection((HOST, 5001), timeout=20) as connection:
            fd = host.call("accept", server)
            host.set(fd, socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
            os.system(f"ip addr del {PEER}/24 dev tap0")
            host.send(fd, b"is anybody there?")
            try:
                host.call("recv", fd, 1, 0)
                raise AssertionError("somebody was there")
            except OSError as error:
                check(error.errno in (errno.ETIMEDOUT, errno.EHOSTUNREACH), f"{error}")
    with Sockets() as host:
        kernel_settings({})
        server = host.listener(5001)
        with socket.create_connection((HOST, 5001), timeout=20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
            host.call("accept", server)
            host.process.send_signal(signal.SIGSTOP)
            connection.sendall(b"is anybody there?")
            try:
                connection.recv(1)
                raise AssertionError("somebody was there")
            except TimeoutError as error:
                check(error.errno == errno.ETIMEDOUT, f"not by the user timeout: {error}")
            finally:
                host.process.send_signal(signal.SIGCONT)


# ---- hardening

def syn_cookies_keep_what_the_syn_offered():
    with capture_file() as path:
        with Serve("--capture", path, "--sysctl", "net.ipv4.tcp_syncookies=2", "echo") as host:
            kernel_settings({})
            with socket.create_connection((HOST, 7), timeout=20) as connection:
                echo_through(connection)
            counters = {row["name"]: row["value"] for row in host.ask("nstat", "-z")["counters"]}
            check(counters["TcpExtSyncookiesSent"] >= 1 and counters["TcpExtSyncookiesRecv"] == 1, f"{counters}")
        handshake = Handshake(path)
        for field in SYN_FIELDS[1:5]:
            check(handshake.both(field) == (True, True), f"{field}: {handshake.syn_ack}")


# ---- Fast Open (RFC 7413)

def fast_open_from_the_kernel():
    with capture_file() as path:
        with Sockets("net.ipv4.tcp_fastopen=3", capture=path) as host:
            kernel_settings({"net.ipv4.tcp_fastopen": 3})
            server = host.listener(5001, (socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16))
            for text in (b"first, with a cookie asked for", b"second, in the SYN"):
                with socket.socket() as connection:
                    connection.sendto(text, MSG_FASTOPEN, (HOST, 5001))  # blocks: else it is EINPROGRESS without a cookie
                    connection.settimeout(20)
                    fd = host.call("accept", server)
                    check(host.receive_exactly(fd, len(text)) == text, f"{text}")
                    host.send(fd, b"heard")
                    check(receive_exactly(connection, 5) == b"heard", "the answer")
                    host.call("close", fd)
        fast_open_happened(path)


def fast_open_to_the_kernel():
    with capture_file() as path:
        with Sockets("net.ipv4.tcp_fastopen=3", capture=path) as host:
            kernel_settings({"net.ipv4.tcp_fastopen": 3})
            with kernel_listener(5000, (socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)) as listener:
                for text in (b"first, with a cookie asked for", b"second, in the SYN"):
                    fd = host.call("socket")
                    host.set(fd, socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
                    host.call("connect", fd, PEER, 5000)
                    host.send(fd, text)
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(20)
                        check(receive_exactly(connection, len(text)) == text, f"{text}")
                        connection.sendall(b"heard")
                        check(host.receive_exactly(fd, 5) == b"heard", "the answer")
                        host.call("close", fd)
        fast_open_happened(path)


def fast_open_happened(path):
    syns = frames(path, f"{SYN} && tcp.flags.ack == 0", "tcp.len", "tcp.options.tfo.cookie")
    check([bool(int(frame["tcp.len"])) for frame in syns] == [False, True], f"{syns}")
    check(bool(syns[1]["tcp.options.tfo.cookie"]), f"{syns}")


main(timestamps_on_and_off, window_scale_on_and_off, sack_on_and_off, ecn_is_negotiated_as_rfc3168_says,
     a_fresh_connection_offers_what_linux_offers_in_its_order, both_ends_tell_the_same_in_tcp_info,
     loss_is_repaired_with_sack_from_both, a_duplicate_is_answered_with_dsack, keep_alives_of_the_kernel_are_answered,
     keep_alives_of_berth_are_sent_and_answered, urgent_data_goes_both_ways, half_close_lets_the_other_half_finish,
     linger_of_zero_sends_a_reset, user_timeouts_end_connections_that_nobody_answers, syn_cookies_keep_what_the_syn_offered,
     fast_open_from_the_kernel, fast_open_to_the_kernel)
