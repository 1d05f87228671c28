#!/usr/bin/env python3
"""Checks TCP's tables against the code: every counter is counted, every knob can be turned.

usage: tcp_tables.py ROOT     prints one line per finding; exit code 1 if there is one
"""
import pathlib
import re
import sys


def counters_not_counted(root):
    """Lines of stack/tcp/counters.hpp whose Count::name no code of stack/tcp mentions."""
    table = root / "stack/tcp/counters.hpp"
    names = re.findall(r"^\s*BERTH_TCP_COUNTER\((\w+), \"", table.read_text(encoding="utf-8"), re.M)
    if not names:
        return ["stack/tcp/counters.hpp: no counters were found"]
    code = "\n".join(re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
                     for path in sorted((root / "stack/tcp").rglob("*.[ch]pp")) if path != table)
    counted = set(re.findall(r"\bCount::(\w+)", code))
    findings = [f"stack/tcp/counters.hpp: {name} is counted nowhere in stack/tcp" for name in names if name not in counted]
    return findings + [f"stack/tcp/counters.hpp: {name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


def knobs_without_a_row(root):
    """Fields of tcp::Config that stack/host/sysctl.cpp does not set, and names in comments that it does not know."""
    config = (root / "stack/tcp/config.hpp").read_text(encoding="utf-8")
    rows = (root / "stack/host/sysctl.cpp").read_text(encoding="utf-8")
    fields = re.findall(r"^    (?:Duration|bool|std::\w+) (\w+)\s*=", config, re.M)
    names = set(re.findall(r"\bnet\.\w+\.\w+", config))
    if not fields or not names:
        return ["stack/tcp/config.hpp: no fields were found"]
    return ([f"stack/tcp/config.hpp: {field} has no row in stack/host/sysctl.cpp" for field in fields
             if not re.search(rf"&T::{field}\b", rows)]
            + [f"stack/tcp/config.hpp: {name} is no name in stack/host/sysctl.cpp" for name in sorted(names)
               if f'"{name}"' not in rows])


def main():
    root = pathlib.Path(sys.argv[1])
    findings = counters_not_counted(root) + knobs_without_a_row(root)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
