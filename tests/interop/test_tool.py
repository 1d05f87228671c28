#!/usr/bin/env python3
"""The tool's habits: one-line errors that say what to do, exit codes, a TAP that vanishes, several hosts."""

import os
import subprocess
import tempfile

from interop import HOST, Serve, check, enter_namespace, main, run, tool, until

enter_namespace()


def usage_errors_are_one_line_and_exit_2():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        for words in (["serve", "--no-such-flag"], ["serve", "--link", "carrier-pigeon:x", "--address", f"{HOST}/24"],
                      ["serve", "--link", "tap:tap9", "--address", "300.1.2.3/24"],
                      ["serve", "--link", "tap:tap9", "--address", f"{HOST}/24", "echo=99999"],
                      ["serve", "--link", "tap:tap9,loss=lots", "--address", f"{HOST}/24"],
                      ["nc", "--link", "tap:tap9", "--address", f"{HOST}/24", "192.0.2.1", "http-but-wrong"],
                      ["frobnicate"], []):
            answer = run(tool(), *words, input="")
            check(answer.returncode == 2, f"{words}: exit code {answer.returncode}, {answer.stderr}")
            lines = answer.stderr.strip().splitlines()
            check(lines and lines[0].startswith("berth"), f"{words}: {answer.stderr!r}")


def asking_nobody_is_an_error():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        answer = run(tool(), "ss")
        check(answer.returncode != 0 and answer.stderr.startswith("berth"), f"{answer.returncode} {answer.stderr}")


def a_vanished_tap_ends_the_program():
    serve = Serve("echo")
    serve.__enter__()
    run("ip", "link", "del", "tap0", check=True)
    code = serve.process.wait(timeout=10)
    serve.errors.seek(0)
    errors = serve.errors.read()
    serve.process.stdout.close()
    check(code == 1 and "tap0" in errors, f"exit code {code}: {errors}")


def two_unprivileged_berths_talk_over_unix():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        path = os.path.join(folder, "lab.sock")
        command = [tool(), "nc", "--link", f"unix:{path}", "--address", "192.0.2.3/24", "-N", HOST, "7"]
        # Without a TAP, a namespace or a capability: as nobody, where we are root.
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"] if os.geteuid() == 0 else []
        environment = dict(os.environ, XDG_RUNTIME_DIR=os.path.join(folder, "server"), TMPDIR=folder)
        os.mkdir(environment["XDG_RUNTIME_DIR"], 0o700)
        if drop and os.stat(tool()).st_mode & 0o001 and probe(drop):
            os.chown(environment["XDG_RUNTIME_DIR"], 65534, 65534)
        else:
            drop = []
        server = subprocess.Popen(drop + [tool(), "serve", "--link", f"unix:{path},listen", "--address", f"{HOST}/24", "--name", "u", "echo"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        line = server.stdout.readline()
        check("berth: ready" in line or "berth: ready" in server.stdout.readline(), f"{line} {server.poll()}")
        answer = run(*drop, *command, input="over a Unix socket\n", env=environment)
        check(answer.stdout == "over a Unix socket\n", f"{answer.returncode} {answer.stdout!r} {answer.stderr}")
        server.terminate()
        check(server.wait(timeout=20) == 0, f"{server.returncode}: {server.stderr.read()}")
        server.stdout.close()
        server.stderr.close()


def probe(drop):
    """Can the dropped user run the tool at all (a build folder may be closed to it)?"""
    return subprocess.run(drop + [tool(), "--version"], capture_output=True).returncode == 0


def several_hosts_are_listed():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        servers = []
        for name in ("one", "two"):
            servers.append(subprocess.Popen([tool(), "serve", "--link", f"unix:{folder}/{name}.sock,listen", "--address", f"{HOST}/24", "--name", name, "echo"],
                                            stdout=subprocess.PIPE, text=True))
            servers[-1].stdout.readline()
        try:
            until(lambda: run(tool(), "ss", "--host", "two").returncode == 0, "the second host answers")
            answer = run(tool(), "ss")
            check(answer.returncode == 2 and "one" in answer.stderr and "two" in answer.stderr, f"{answer.returncode} {answer.stderr}")
            check("7" in run(tool(), "ss", "-tln", "--host", "one").stdout, "the listener is not shown")
            check("Proto" in run(tool(), "netstat", "--host", "one").stdout, "netstat's header is not shown")
        finally:
            for server in servers:
                server.terminate()
                server.wait(timeout=20)
                server.stdout.close()


main(usage_errors_are_one_line_and_exit_2, asking_nobody_is_an_error, a_vanished_tap_ends_the_program,
     two_unprivileged_berths_talk_over_unix, several_hosts_are_listed)
