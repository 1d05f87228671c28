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


def until(condition, what, seconds=10.0):
    """Polls the outside world: interop tests alone may wait for real time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def main(*tests):
    for test in tests:
        started = time.monotonic()
        test()
        print(f"ok {test.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
