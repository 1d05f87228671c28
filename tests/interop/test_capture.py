#!/usr/bin/env python3
"""A capture's comments name the fate of every frame, and tshark reads them."""

import os
import shutil
import socket
import subprocess
import tempfile

from interop import HOST, Serve, check, enter_namespace, main, run, skip, until

enter_namespace()
if shutil.which("tshark") is None:
    skip("tshark is not installed")


def every_frame_has_a_fate():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "fates.pcapng")
        with Serve("--capture", path, "echo", "http"):
            run("ping", "-c", "1", "-W", "2", HOST)
            run("curl", "-sS", "--noproxy", "*", f"http://{HOST}/")
            try:
                socket.create_connection((HOST, 4444), timeout=5)
            except ConnectionRefusedError:
                pass
        answer = run("tshark", "-r", path, "-T", "fields", "-E", "separator=|", "-e", "frame.number", "-e", "frame.comment")
        check(answer.returncode == 0, answer.stderr)
        lines = answer.stdout.splitlines()
        check(len(lines) > 15, f"{len(lines)} frames")
        without = [line for line in lines if not line.split("|", 1)[1].strip()]
        check(not without, f"frames without a comment: {without[:5]}")
        text = answer.stdout
        for fate in ("tcp_no_connection", "192.0.2.2:80 <-> 192.0.2.1:", "echo", "sent", "delivered"):
            check(fate in text, f"no comment says {fate!r}:\n{text[:3000]}")


def icmp_frames(path):
    return run("tshark", "-r", path, "-Y", "icmp").stdout.splitlines()


def a_kill_leaves_no_torn_block():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "killed.pcapng")
        try:
            with Serve("--capture", path, "echo") as serve:
                run("ping", "-c", "3", "-i", "0.2", "-W", "2", HOST)
                # A frame is written down after it was sent, so the last answer may be heard before.
                until(lambda: len(icmp_frames(path)) == 6, "all six frames are in the file")
                serve.process.kill()
                serve.process.wait()
                raise KeyboardInterrupt  # past the check of the exit code
        except KeyboardInterrupt:
            pass
        answer = subprocess.run(["tshark", "-r", path, "-Y", "icmp"], capture_output=True, text=True)
        check(answer.returncode == 0 and "cut short" not in answer.stderr, answer.stderr)
        check(len(answer.stdout.splitlines()) == 6, answer.stdout)


main(every_frame_has_a_fate, a_kill_leaves_no_torn_block)
