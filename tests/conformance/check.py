#!/usr/bin/env python3
"""Checks the clause tables of this folder, and that of tests/rfc9293, and counts them.

usage: check.py ROOT [BUILD]

Each table lists the requirements of a document, each with the tests that show it (`Suite.Name`,
`test_file.py::function`) or `exception: reason`. Every named test has to be in the sources; with BUILD, the
results of the last run there have to hold it, passed. Prints one line per table; exit code 1 if there is a gap.
TABLE.md of rfc9293 has to hold every id of the RFC's Appendix B, each with a test whose name begins with the id.
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "RULE")
# RFC 9293, Appendix B: how many ids there are of each kind.
APPENDIX_B = {"MUST": 69, "SHLD": 31, "REC": 1, "MAY": 18}
HEADER = ["id", "clause", "level", "requirement", "shown by"]
_GTEST = re.compile(r"^\s*TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)
_FUNCTION = re.compile(r"^def (test_\w+|\w+)\(", re.M)


def known_tests(root):
    """Every gtest case and every function of an interop script, by the name that a table uses."""
    names = set()
    for source in sorted((root / "tests").rglob("*.cpp")):
        names.update(f"{suite}.{name}" for suite, name in _GTEST.findall(source.read_text()))
    for script in sorted((root / "tests" / "interop").glob("test_*.py")):
        names.update(f"{script.name}::{name}" for name in _FUNCTION.findall(script.read_text()))
    return names


def passed_tests(build):
    """What passed in the last run: gtest cases by name, interop scripts by their ctest name."""
    results = build / "test-results"
    passed = set()
    for path in results.glob("*.xml"):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            if case.get("status") == "run" and case.get("result") != "skipped" and case.find("failure") is None:
                suite = case.get("classname").rsplit("/", 1)[-1]
                passed.add(f"{suite}.{case.get('name').split('/')[0]}")
    junit = results / "ctest.junit"
    if junit.exists():
        for case in ElementTree.parse(junit).getroot().iter("testcase"):
            if case.get("status") == "run":
                passed.add(case.get("name"))
    return passed


def script_test(reference):
    """The ctest name of an interop script: test_kernel.py::x is part of interop_kernel."""
    return "interop_" + reference.split("::")[0].removeprefix("test_").removesuffix(".py")


def rows_of(path):
    """(line number, cells) of each row of the tables in a document."""
    in_table = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.startswith("|"):
            in_table = False
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells == HEADER:
            in_table = True
        elif in_table and not set("".join(cells)) <= set("-: "):
            yield number, cells


class Table:
    def __init__(self, path, known, passed):
        self.name = path.stem
        self.findings = []
        self.total = collections.Counter()
        self.shown = collections.Counter()
        self.excepted = collections.Counter()
        seen = set()
        self.seen = seen
        for number, cells in rows_of(path):
            def complain(what, number=number):
                self.findings.append(f"{path.name}:{number}: {what}")
            if len(cells) != len(HEADER):
                complain(f"{len(cells)} cells instead of {len(HEADER)}")
                continue
            identity, clause, level, requirement, shown_by = cells
            if identity in seen:
                complain(f"{identity} is there twice")
            seen.add(identity)
            if level not in LEVELS:
                complain(f"the level {level} is none of {', '.join(LEVELS)}")
            if not clause or not requirement:
                complain(f"{identity} says nothing")
            kind = self.kind_of(identity, level)
            self.total[kind] += 1
            if shown_by.startswith("exception:"):
                if len(shown_by) < len("exception:") + 10:
                    complain(f"{identity} has no reason for its exception")
                self.excepted[kind] += 1
                if not self.may_be_excepted(identity):
                    complain(f"there is no exception to {identity}")
                continue
            references = [each.strip().strip("`") for each in shown_by.split(",") if each.strip()]
            if not self.bears(identity, references):
                complain(f"no test of {identity} has a name that begins with it")
            if not references:
                complain(f"{identity} has no test and no exception")
            good = bool(references)
            for reference in references:
                if reference not in known:
                    complain(f"{identity} names {reference}, which is no test")
                    good = False
                elif passed is not None:
                    name = script_test(reference) if "::" in reference else reference
                    if name not in passed:
                        complain(f"{identity}: {reference} did not pass in the last run")
                        good = False
            self.shown[kind] += good
        if not seen:
            self.findings.append(f"{path.name}: there is no table in it")

    # What differs for a document that numbers its requirements.
    def kinds(self):
        return LEVELS

    def kind_of(self, _identity, level):
        return level

    def may_be_excepted(self, _identity):
        return True

    def bears(self, _identity, _references):
        return True

    def line(self):
        parts = []
        for level in self.kinds():
            if self.total[level]:
                covered = self.shown[level] + self.excepted[level]
                parts.append(f"{level} {covered}/{self.total[level]}")
        exceptions = sum(self.excepted.values())
        noted = f"  ({exceptions} of them exceptions with a reason)" if exceptions else ""
        return f"{self.name:18} {'  '.join(parts)}{noted}"


class AppendixTable(Table):
    """RFC 9293's own ids: all of them, and tests that bear them."""

    def __init__(self, path, known, passed):
        super().__init__(path, known, passed)
        self.name = path.parent.name
        wanted = {f"{kind}-{number}" for kind, count in APPENDIX_B.items() for number in range(1, count + 1)}
        for identity in sorted(wanted - self.seen):
            self.findings.append(f"{path.parent.name}/{path.name}: {identity} is missing")
        for identity in sorted(self.seen - wanted):
            self.findings.append(f"{path.parent.name}/{path.name}: the RFC has no {identity}")

    def kinds(self):
        return APPENDIX_B

    def kind_of(self, identity, _level):
        return identity.split("-")[0]

    def may_be_excepted(self, identity):
        return not identity.startswith("MUST-")

    def bears(self, identity, references):
        return any(each.startswith(f"Rfc9293.{identity.replace('-', '_')}_") for each in references)


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    root = pathlib.Path(sys.argv[1])
    passed = passed_tests(pathlib.Path(sys.argv[2])) if len(sys.argv) == 3 else None
    known = known_tests(root)
    findings = []
    tables = [AppendixTable(root / "tests" / "rfc9293" / "TABLE.md", known, passed)]
    for path in sorted((root / "tests" / "conformance").glob("*.md")):
        if path.name != "README.md":
            tables.append(Table(path, known, passed))
    for table in tables:
        print(table.line())
        findings += table.findings
    for finding in findings:
        print(finding)
    print(f"{len(findings)} gaps")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
