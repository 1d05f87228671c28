#!/usr/bin/env python3
"""Proves that the architecture's checks can fail: hands them bad trees, bad objects and a wrong arrow.

usage: selftest.py     (CXX names the compiler; BERTH_WRONG_ARROW an archive that cannot stand alone)
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
CXX = os.environ.get("CXX", "c++")


class TreeTest(unittest.TestCase):
    # (files, a piece of the finding that must be printed)
    BAD = {
        "an OS header": ({"stack/tcp/a.cpp": "#include <sys/socket.h>\n"}, "sys/socket.h"),
        "a clock": ({"stack/base/a.cpp": "#include <chrono>\n"}, "chrono"),
        "an include in an #if": ({"stack/ip/a.cpp": "#if 1\n#  include <unistd.h>\n#endif\n"}, "unistd.h"),
        "an arrow up": ({"stack/wire/a.hpp": '#include "tcp/b.hpp"\n', "stack/tcp/b.hpp": ""}, "wrong arrow"),
        "a relative arrow up": ({"stack/wire/a.hpp": '#include "../tcp/b.hpp"\n', "stack/tcp/b.hpp": ""},
                                "wrong arrow"),
        "udp to tcp": ({"stack/udp/a.hpp": '#include "tcp/b.hpp"\n', "stack/tcp/b.hpp": ""}, "wrong arrow"),
        "ip to demux": ({"stack/ip/a.hpp": '#include "demux/b.hpp"\n', "stack/demux/b.hpp": ""}, "wrong arrow"),
        "layer to stack.hpp": ({"stack/tcp/a.hpp": '#include "stack.hpp"\n', "stack/stack.hpp": ""},
                               "wrong arrow"),
        "driver to tcp": ({"drivers/a.cpp": '#include "tcp/b.hpp"\n', "stack/tcp/b.hpp": ""}, "wrong arrow"),
        "core to host": ({"stack/socket/a.cpp": '#include "host/b.hpp"\n', "stack/host/b.hpp": ""}, "wrong arrow"),
        "core to the public API": ({"stack/tcp/a.cpp": "#include <berth/socket.h>\n",
                                    "stack/include/berth/socket.h": "#include <sys/socket.h>\n"}, "wrong arrow"),
        "a value header with an OS": ({"stack/include/berth/address.hpp": "#include <netinet/in.h>\n"},
                                      "netinet/in.h"),
        "public header to a layer": ({"stack/include/berth/a.hpp": '#include "tcp/b.hpp"\n', "stack/tcp/b.hpp": ""},
                                     "wrong arrow"),
        "example to a layer": ({"apps/examples/a.cpp": '#include "tcp/b.hpp"\n', "stack/tcp/b.hpp": ""},
                               "wrong arrow"),
        "stack to tests": ({"stack/tcp/a.cpp": '#include "tests/b.hpp"\n', "tests/b.hpp": ""}, "wrong arrow"),
        "a file that is not there": ({"stack/tcp/a.cpp": '#include "tcp/gone.hpp"\n'}, "no file of this tree"),
        "an unknown folder": ({"stack/sctp/a.cpp": ""}, "no layer"),
        "501 lines": ({"apps/berth/a.cpp": "\n" * 501}, "501 lines"),
        "a cast": ({"stack/wire/a.cpp": "auto p = reinterpret_cast<int*>(q);\n"}, "reinterpret_cast"),
        "a double": ({"stack/tcp/a.cpp": "double rate;\n"}, "floating point"),
        "a float literal": ({"stack/tcp/a.cpp": "auto x = 3 * 0.7;\n"}, "floating point"),
        "a float after a digit separator": ({"stack/tcp/a.cpp": "int a = 1'000; float b; int c = 2'000;\n"},
                                            "floating point"),
        "an unfinished mark": ({"drivers/a.cpp": "// " + "TO" + "DO\n"}, "unfinished"),
        "an empty tree": ({"README.md": ""}, "no source files"),
    }

    GOOD = {
        "stack/base/a.hpp": "#include <cstdint>\n// double, float, reinterpret_cast and 0.5 in a comment\n",
        "stack/base/b.cpp": '#include "base/a.hpp"\nconst char* s = "double 192.0.2.1"; char q = \'"\';\n'
                            "int n = 1'000'000; int m = 0x1'f;\n",
        "stack/include/berth/address.hpp": "#include <cstdint>\n",
        "stack/include/berth/socket.h": "#include <sys/socket.h>\n",
        "stack/wire/a.hpp": '#include "berth/address.hpp"\n#include "base/a.hpp"\n',
        "stack/tcp/recovery/a.hpp": '#include "base/a.hpp"\n',
        "stack/stack.hpp": '#include "tcp/recovery/a.hpp"\n',
        "stack/host/a.cpp": '#include <thread>\n#include "stack.hpp"\n#include "drivers/a.hpp"\n'
                            "double d = 0.5; auto p = reinterpret_cast<int*>(0);\n",
        "drivers/a.hpp": "#include <sys/ioctl.h>\n",
        "apps/examples/a.c": "#include <berth/socket.h>\n#include <stdio.h>\n",
        "apps/berth/a.cpp": "\n" * 500,
    }

    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return subprocess.run([sys.executable, HERE / "check_tree.py", folder], capture_output=True,
                                  text=True, check=False)

    def test_good_tree_passes(self):
        run = self.run_on(self.GOOD)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_each_bad_tree_is_found(self):
        for what, (files, finding) in self.BAD.items():
            with self.subTest(what):
                run = self.run_on(files)
                self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
                self.assertIn(finding, run.stdout)
                self.assertIn(" 1 findings", run.stdout)


class TcpTablesTest(unittest.TestCase):
    GOOD = {
        "stack/tcp/counters.hpp": '  BERTH_TCP_COUNTER(in_segs, "Tcp", "InSegs", "received") \\\n',
        "stack/tcp/tcp.cpp": "void f() { count(Count::in_segs); }\n",
        "stack/tcp/config.hpp": "    bool sack = true;  // net.ipv4.tcp_sack\n    Duration msl = seconds(30);\n",
        "stack/host/sysctl.cpp": '{"net.ipv4.tcp_sack"}, &T::sack, &T::msl\n',
    }
    BAD = {
        "a counter that nobody counts": ({"stack/tcp/tcp.cpp": "// Count::in_segs\n"}, "counted nowhere"),
        "a counter twice": ({"stack/tcp/counters.hpp": 2 * GOOD["stack/tcp/counters.hpp"]}, "there twice"),
        "a knob without a row": ({"stack/host/sysctl.cpp": '{"net.ipv4.tcp_sack"}, &T::sack\n'}, "msl has no row"),
        "a name that is not known": ({"stack/host/sysctl.cpp": "&T::sack, &T::msl\n"}, "tcp_sack is no name"),
    }

    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return subprocess.run([sys.executable, HERE / "tcp_tables.py", folder], capture_output=True, text=True,
                                  check=False)

    def test_good_tables_pass(self):
        run = self.run_on(self.GOOD)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_each_bad_table_is_found(self):
        for what, (files, finding) in self.BAD.items():
            with self.subTest(what):
                run = self.run_on({**self.GOOD, **files})
                self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
                self.assertIn(finding, run.stdout)


class SymbolsTest(unittest.TestCase):
    BAD = {
        "a global": ("int counter = 1; int next() { return ++counter; }", "global state"),
        "a static local": ("int next() { static int counter; return ++counter; }", "global state"),
        "a thread_local": ("thread_local int counter; int next() { return ++counter; }", "global state"),
        "a clock": ('extern "C" int clock_gettime(int, void*); int f() { return clock_gettime(0, nullptr); }',
                    "uses clock_gettime"),
        "printing": ('extern "C" int puts(const char*); int f() { return puts("x"); }', "uses puts"),
        "chrono": ("#include <chrono>\nlong f() { return "
                   "std::chrono::steady_clock::now().time_since_epoch().count(); }", "steady_clock"),
        "random_device": ("#include <random>\nunsigned f() { std::random_device d; return d(); }", "random_device"),
    }
    GOOD = ('#include <cstring>\n#include <string>\n#include <vector>\nstatic const char* const names[] = {"a", "b"};\n'
            "const char* name(int i) { return names[i]; }\n"
            "std::string f(const std::vector<std::string>& v) { std::string s; for (auto& x : v) s += x; return s; }\n"
            "int g(const char* a, const char* b, unsigned long n) { return std::memcmp(a, b, n); }\n")

    def run_on(self, text):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "a.cpp")
            source.write_text(text, encoding="utf-8")
            command = [CXX, "-std=c++20", "-O1", "-fPIC", "-c", source, "-o", f"{folder}/a.o"]
            subprocess.run(command, check=True)
            return subprocess.run([sys.executable, HERE / "check_symbols.py", f"{folder}/a.o"],
                                  capture_output=True, text=True, check=False)

    def test_good_object_passes(self):
        run = self.run_on(self.GOOD)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_each_bad_object_is_found(self):
        for what, (text, finding) in self.BAD.items():
            with self.subTest(what):
                run = self.run_on(text)
                self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
                self.assertIn(finding, run.stdout)


class LinkTest(unittest.TestCase):
    @unittest.skipUnless(os.environ.get("BERTH_WRONG_ARROW"), "no archive given")
    def test_a_wrong_arrow_fails_to_link(self):
        """What link_check_LAYER does, without the layers that this one needs."""
        with tempfile.TemporaryDirectory() as folder:
            command = [CXX, "-shared", "-Wl,--no-undefined", "-Wl,--whole-archive",
                       os.environ["BERTH_WRONG_ARROW"], "-Wl,--no-whole-archive", "-o", f"{folder}/a.so"]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("undefined reference", run.stderr)


class ClauseTableTest(unittest.TestCase):
    """tests/conformance/check.py, on RFC 9293's table with one thing wrong."""

    ROOT = HERE.parents[1]

    def findings(self, change):
        """What the checker prints when `change` has been made to the table's text; None: no finding."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "tests" / "rfc9293").mkdir(parents=True)
            table = (self.ROOT / "tests" / "rfc9293" / "TABLE.md").read_text()
            changed = change(table)
            (root / "tests" / "rfc9293" / "TABLE.md").write_text(changed)
            for source in (self.ROOT / "tests" / "rfc9293").glob("*.cpp"):
                (root / "tests" / "rfc9293" / source.name).write_text(source.read_text())
            done = subprocess.run([sys.executable, self.ROOT / "tests" / "conformance" / "check.py", root],
                                  capture_output=True, text=True, check=False)
            return done.stdout if done.returncode != 0 else None

    def without(self, table, identity):
        return "\n".join(line for line in table.splitlines() if not line.startswith(f"| {identity} |"))

    def with_cell(self, table, identity, cell):
        lines = []
        for line in table.splitlines():
            if line.startswith(f"| {identity} |"):
                line = "|".join(line.split("|")[:5]) + f"| {cell} |"
            lines.append(line)
        return "\n".join(lines)

    def test_the_table_is_whole(self):
        self.assertIsNone(self.findings(lambda table: table))

    def test_gaps_are_found(self):
        other = "`Rfc9293.MUST_14_mss_is_sent_and_obeyed_by_both_sides`"
        bad = {
            "an id is missing": (lambda t: self.without(t, "SHLD-31"), "SHLD-31 is missing"),
            "a MUST is excepted": (lambda t: self.with_cell(t, "MUST-13", "exception: nobody wants it"),
                                   "no exception to MUST-13"),
            "no reason": (lambda t: self.with_cell(t, "MAY-4", "exception:"), "MAY-4 has no reason"),
            "nothing shows it": (lambda t: self.with_cell(t, "MAY-3", ""), "MAY-3 has no test"),
            "no such test": (lambda t: self.with_cell(t, "MUST-1", "`Rfc9293.MUST_1_gone`"), "which is no test"),
            "another id's test": (lambda t: self.with_cell(t, "MUST-13", other), "no test of MUST-13"),
            "an id that the RFC has not": (lambda t: t.replace("| MAY-18 |", "| MAY-19 |"), "no MAY-19"),
        }
        for what, (change, expected) in bad.items():
            with self.subTest(what):
                self.assertIn(expected, self.findings(change) or "no finding")


if __name__ == "__main__":
    unittest.main()
