#!/usr/bin/env python3
"""What tests/run says about a run: reads ctest's JUnit file and each test program's XML.

usage: summary.py BUILD                     the failures, the skips with their reasons, and the count
       summary.py --list BUILD              the tests and their rings
       summary.py --select BUILD ring:R ... name:N ...   a regular expression for ctest -R
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


def ctest_tests(build):
    """(name, ring) of every test that is configured."""
    command = ["ctest", "--test-dir", build, "--show-only=json-v1"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    for test in json.loads(run.stdout)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        rings = [label for label in properties.get("LABELS", []) if label != "gtest"]
        yield test["name"], rings[0] if rings else "-"


def last_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


class Outcome:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []  # (name, reason)

    def add_cases(self, path):
        """Counts the cases of one test program; returns how many of them failed."""
        failures = 0
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"{path.stem}: {case.get('classname')}.{case.get('name')}"
            if case.get("status") == "notrun":
                continue  # not selected, or of another shard
            if case.find("failure") is not None:
                failures += 1
                self.failed.append(name)
            elif case.get("result") == "skipped":
                skipped = case.find("skipped")
                message = skipped.get("message", "") if skipped is not None else ""
                reason = [line for line in message.splitlines() if line and not re.match(r"^\S+:\d+$", line)]
                self.skipped.append((name, reason[0] if reason else "no reason given"))
            else:
                self.passed += 1
        return failures

    def add_ctest(self, build):
        results = pathlib.Path(build, "test-results")
        junit = results / "ctest.junit"
        if not junit.exists():
            self.failed.append("ctest: it left no results")
            return
        for case in ElementTree.parse(junit).getroot().iter("testcase"):
            name, status = case.get("name"), case.get("status")
            program = results / f"{name}.xml"
            failures = self.add_cases(program) if program.exists() else None
            skipped = case.find("skipped")
            if status == "run":
                if failures is None:
                    self.passed += 1
            elif skipped is not None and "SKIP_RETURN_CODE" in skipped.get("message", ""):
                self.skipped.append((name, last_line(case.findtext("system-out"))))
            elif not failures:
                failure = case.find("failure")
                why = failure if failure is not None else skipped
                message = why.get("message", "") if why is not None else ""
                self.failed.append(f"{name}: {message or last_line(case.findtext('system-out'))}")

    def add_long_fuzzing(self, build):
        path = pathlib.Path(build, "test-results", "fuzz.txt")
        for line in path.read_text().splitlines() if path.exists() else []:
            word, name = line.split()
            if word == "passed":
                self.passed += 1
            else:
                self.failed.append(name)


def summarize(build):
    outcome = Outcome()
    outcome.add_ctest(build)
    outcome.add_long_fuzzing(build)
    print()
    for name in outcome.failed:
        print(f"FAILED   {name}")
    for name, reason in outcome.skipped:
        print(f"SKIPPED  {name}: {reason}")
    in_ci = os.environ.get("CI") == "true"
    status = 1 if outcome.failed else 0
    if outcome.skipped:
        print(f"!! {len(outcome.skipped)} skipped: what they would have shown was NOT tested"
              + ("; in CI that is a failure" if in_ci else ""))
        if in_ci:
            status = 1
    if not outcome.passed and not outcome.failed:
        print("nothing was run: no test has such a name (see tests/run --list)")
        status = 1
    print(f"{outcome.passed} passed, {len(outcome.failed)} failed, {len(outcome.skipped)} skipped", flush=True)
    return status


def select(build, words):
    names = []
    for name, ring in ctest_tests(build):
        for word in words:
            kind, _, value = word.partition(":")
            if ring == value if kind == "ring" else re.search(value, name):
                names.append(re.escape(name))
                break
    return "^(" + "|".join(names or ["no such test"]) + ")$"


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--list"] and len(arguments) == 2:
        for name, ring in sorted(ctest_tests(arguments[1]), key=lambda test: (test[1], test[0])):
            print(f"{ring:13} {name}")
        return 0
    if arguments[:1] == ["--select"] and len(arguments) >= 2:
        print(select(arguments[1], arguments[2:]))
        return 0
    if len(arguments) == 1:
        return summarize(arguments[0])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
