"""What the interop tests share: a network namespace of their own, a berth host in it, and the kernel's programs.

A test script calls `enter_namespace()` first: it runs itself again inside `unshare --net` (with a user
namespace where the caller is not root), or exits with 77 where the system allows no such thing. Addresses
are from 192.0.2.0/24 only; nothing leaves the namespace.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
HOST = "192.0.2.2"
PEER = "192.0.2.1"


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def tool():
    path = os.environ.get("BERTH")
    if not path or not os.access(path, os.X_OK):
        sys.exit("interop: set BERTH to the path of the berth tool")
    return path


def enter_namespace(needs_tap=True):
    """Runs the script again inside a network namespace; returns only there."""
    if os.environ.get("BERTH_INTEROP_INSIDE") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run(command + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
        skip("no network namespace can be made here")
    if needs_tap and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        skip("/dev/net/tun cannot be opened here")
    environment = dict(os.environ, BERTH_INTEROP_INSIDE="1")
    sys.exit(subprocess.run(command + [sys.executable, sys.argv[0]] + sys.argv[1:], env=environment).returncode)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def run(*command, **options):
    """Runs a program to its end; its output as text."""
    options.setdefault("timeout", 60)
    return subprocess.run(command, capture_output=True, text=True, **options)


class Serve:
    """`berth serve` on a TAP, as a context: started and ready inside, ended properly at the end."""

    def __init__(self, *arguments, link="tap:tap0", name="interop", peer=True):
        self.folder = tempfile.mkdtemp(prefix="berth-interop.")
        os.environ["XDG_RUNTIME_DIR"] = self.folder
        self.name = name
        command = [tool(), "serve", "--link", link, "--address", f"{HOST}/24", "--name", name]
        if peer:
            command += ["--peer-address", f"{PEER}/24"]
        self.command = command + list(arguments)

    def __enter__(self):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        for line in self.process.stdout:
            if line.startswith("berth: ready"):
                return self
        self.process.wait()
        self.errors.seek(0)
        raise AssertionError(f"berth serve ended with {self.process.returncode}: {self.errors.read()}")

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "nothing within 20 s of SIGTERM"
        self.errors.seek(0)
        errors = self.errors.read()
        self.process.stdout.close()
        if kind is None:
            check(code == 0, f"berth serve ended with {code}: {errors}")

    def ask(self, *arguments):
        return json.loads(self.show(*arguments, "--json"))

    def show(self, *arguments):
        answer = run(tool(), *arguments, "--host", self.name)
        check(answer.returncode == 0, f"berth {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout


class Sockets:
    """A berth host on a TAP whose sockets the script drives (berth_sockets.cpp), as a context."""

    def __init__(self, *sysctls, link="tap:tap0", capture=None):
        program = os.path.join(os.environ.get("BERTH_BUILD_DIR", ""), "tests", "berth_sockets")
        if not os.access(program, os.X_OK):
            sys.exit(f"interop: there is no {program}; set BERTH_BUILD_DIR to the build folder")
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="berth-interop.")
        self.command = [program, link, f"{HOST}/24", f"peer={PEER}/24", *sysctls]
        if capture:
            self.command.append(f"capture={capture}")

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.process.stdout.readline() == "ready\n", f"{self.command} did not start")
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "nothing within 20 s of the end"
        self.process.stdout.close()
        if kind is None:
            check(code == 0, f"berth_sockets ended with {code}")

    def begin(self, *words):
        """Starts a call; end() waits for what it says."""
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def end(self):
        kind, value = self.process.stdout.readline().split()
        if kind == "errno":
            raise OSError(int(value), os.strerror(int(value)))
        return value

    def call(self, *words):
        self.begin(*words)
        return self.end()

    # The usual calls, with bytes as Python has them.
    def listener(self, port, *options):
        fd = self.call("socket")
        for option in options:
            self.set(fd, *option)
        self.call("bind", fd, "0.0.0.0", port)
        self.call("listen", fd, 16)
        return fd

    def set(self, fd, level, name, value):
        data = value if isinstance(value, bytes) else int(value).to_bytes(4, sys.byteorder)
        self.call("set", fd, level, name, data.hex() or "-")

    def get(self, fd, level, name, size=4):
        data = bytes.fromhex(self.call("get", fd, level, name, size).replace("-", ""))
        return int.from_bytes(data, sys.byteorder) if size == 4 else data

    def send(self, fd, data, flags=0):
        while data:
            piece = data[:8192]
            sent = int(self.call("send", fd, piece.hex(), flags))
            data = data[sent:]

    def receive(self, fd, count, flags=0):
        return bytes.fromhex(self.call("recv", fd, count, flags).replace("-", ""))

    def receive_exactly(self, fd, count):
        data = b""
        while len(data) < count:
            piece = self.receive(fd, min(8192, count - len(data)))
            if not piece:
                break
            data += piece
        return data


def kernel_sysctl(name, value):
    """Of the test's own namespace."""
    path = "/proc/sys/" + name.replace(".", "/")
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(value))
    except OSError as error:
        skip(f"{name} cannot be set here: {error}")


def frames(path, which, *fields):
    """What tshark sees in a capture: a list of dictionaries, one for each frame that `which` selects."""
    command = ["tshark", "-r", path, "-Y", which, "-T", "fields", "-E", "separator=|"]
    for field in fields:
        command += ["-e", field]
    answer = run(*command)
    check(answer.returncode == 0, answer.stderr)
    return [dict(zip(fields, line.split("|"))) for line in answer.stdout.splitlines()]


def until(condition, what, seconds=10.0):
    """Polls the outside world: interop tests alone may wait for real time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def main(*tests):
    """Runs them all, or those that the command line names."""
    for test in tests:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        started = time.monotonic()
        test()
        print(f"ok {test.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
