#!/usr/bin/env python3
"""Bulk and breadth over TAP: 100 MB through curl intact, and 200 connections at once."""

import hashlib
import os
import socket
import subprocess
import tempfile
import threading

from interop import HOST, Serve, check, enter_namespace, main

enter_namespace()

SIZE = 100 * 1024 * 1024


def curl_fetches_100_mb_intact():
    with tempfile.TemporaryDirectory() as folder:
        digest = hashlib.sha256()
        with open(os.path.join(folder, "big"), "wb") as file:
            block = os.urandom(1 << 20)
            for i in range(SIZE >> 20):
                part = i.to_bytes(4, "big") + block[4:]
                digest.update(part)
                file.write(part)
        with Serve(f"http=80:{folder}"):
            curl = subprocess.Popen(["curl", "-sS", "--noproxy", "*", "--max-time", "120", f"http://{HOST}/big"], stdout=subprocess.PIPE)
            got, size = hashlib.sha256(), 0
            while part := curl.stdout.read(1 << 20):
                got.update(part)
                size += len(part)
            check(curl.wait() == 0, f"curl ended with {curl.returncode}")
        check(size == SIZE, f"{size} bytes arrived")
        check(got.hexdigest() == digest.hexdigest(), "the bytes differ")


def two_hundred_connections_complete():
    count, rounds = 200, 5
    failures = []

    def talk(number, all_open, go):
        try:
            with socket.create_connection((HOST, 7), timeout=30) as connection:
                all_open.wait(timeout=60)
                go.wait(timeout=60)  # the socket table has been read
                for turn in range(rounds):
                    text = f"{number}:{turn};".encode() * 200
                    connection.sendall(text)
                    answer = b""
                    while len(answer) < len(text):
                        part = connection.recv(65536)
                        if not part:
                            raise ConnectionError("closed early")
                        answer += part
                    if answer != text:
                        raise ValueError("wrong bytes")
        except Exception as error:  # noted for the main thread
            failures.append(f"{number}: {error!r}")

    with Serve("echo") as serve:
        all_open, go = threading.Barrier(count + 1), threading.Barrier(count + 1)
        threads = [threading.Thread(target=talk, args=(i, all_open, go)) for i in range(count)]
        for thread in threads:
            thread.start()
        all_open.wait(timeout=60)
        rows = [r for r in serve.ask("ss", "-t", "-a", "-n")["sockets"] if r["state"] == "ESTAB"]
        go.wait(timeout=60)
        for thread in threads:
            thread.join(timeout=120)
        check(not failures, f"{len(failures)} of {count} failed: {failures[:3]}")
        check(len({(r['remote']['address'], r['remote']['port']) for r in rows}) == count, f"{len(rows)} rows in berth ss")


main(curl_fetches_100_mb_intact, two_hundred_connections_complete)
