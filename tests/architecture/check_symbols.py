#!/usr/bin/env python3
"""Checks the compiled core: it has no state outside objects and asks nothing of the operating system.

usage: check_symbols.py ARCHIVE ...     prints one line per finding; exit code 1 if there is one
"""
import os
import re
import subprocess
import sys

# C symbols that the core may need: memory, strings, and what the compiler itself puts in.
_ALLOWED_C = re.compile(r"""^(
    mem(cpy|move|set|cmp|chr)|bcmp|str(len|cmp|ncmp|chr)|__(mem|str)\w+_chk
    |malloc|free|abort|__assert_fail|__assert_rtn|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_
    |__cxa_\w+|__gxx_personality_v0|_Unwind_Resume|__(u?div|u?mod|mul|ashl|lshr|ashr)\w+
    |__cpu_model|__cpu_indicator_init|__popcountdi2
)$""", re.X)
# Of the C++ library: clocks, threads, streams, devices, files.
_FORBIDDEN_CPP = re.compile(
    r"^_ZN?K?(St6chrono|NSt6chrono|St6thread|NSt6thread|St13random_device|NSt13random_device|St4c(out|err|in|log)\b"
    r"|St8ios_base|NSt8ios_base|NSt10filesystem|St10filesystem|St5mutex|NSt18condition_variable)")


def symbols(archive):
    command = [os.environ.get("NM", "nm"), "-f", "sysv", archive]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    for line in run.stdout.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 7:
            yield fields[0], fields[2], fields[6]


def demangle(name):
    run = subprocess.run(["c++filt", name], capture_output=True, text=True, check=False)
    return run.stdout.strip() or name


def check(archive):
    findings = []
    for name, kind, section in symbols(archive):
        mutable = re.match(r"\.(data|bss|tdata|tbss)", section) and not section.startswith(".data.rel.ro")
        if mutable and not name.startswith("DW.ref."):
            findings.append(f"{archive}: '{demangle(name)}' is global state ({section})")
        if kind == "U":
            if name.startswith("_Z"):
                if _FORBIDDEN_CPP.match(name):
                    findings.append(f"{archive}: uses {demangle(name)}")
            elif not _ALLOWED_C.match(name):
                findings.append(f"{archive}: uses {name}")
    return sorted(set(findings))


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    findings = [finding for archive in sys.argv[1:] for finding in check(archive)]
    for finding in findings:
        print(finding)
    print(f"{len(sys.argv) - 1} archives checked, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
