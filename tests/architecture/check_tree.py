#!/usr/bin/env python3
"""Checks the sources against the dependency rule and the pure core (see stack/DECISIONS.md).

usage: check_tree.py [ROOT]     prints one line per finding; exit code 1 if there is one
"""
import pathlib
import re
import sys

# What a file of each layer may include from berth itself, besides its own layer and the value headers.
_BELOW_IP = {"base", "wire", "link"}
_PROTOCOL = _BELOW_IP | {"ip", "demux"}
_STACK = _PROTOCOL | {"icmp", "udp", "tcp"}
_SOCKETS = _STACK | {"stack"}
_ALL = _SOCKETS | {"socket", "services", "drivers", "world", "host", "api"}
ALLOWED = {
    "base": set(),
    "wire": {"base"},
    "link": {"base", "wire"},
    "ip": _BELOW_IP,
    "demux": _BELOW_IP,
    "icmp": _PROTOCOL,
    "udp": _PROTOCOL,
    "tcp": _PROTOCOL,
    "stack": _STACK,
    "socket": _SOCKETS,
    "services": _SOCKETS | {"socket"},
    "drivers": _BELOW_IP,
    "world": _SOCKETS | {"socket", "drivers"},
    "host": _ALL - {"world"},
    "api": {"api"},
    "apps": _ALL,
    "examples": {"api"},
    "preload": {"api"},
}

# Public headers that are plain values: anyone may include them, and they include nothing of the system.
VALUE_HEADERS = {"berth/address.hpp"}

CORE = {"base", "wire", "link", "ip", "demux", "icmp", "udp", "tcp", "stack", "socket", "services"}

# The standard headers that read no clock, draw no randomness, print nothing and know no operating system.
PURE_HEADERS = set("""
    algorithm array atomic bit bitset cassert cerrno charconv climits compare concepts cstddef cstdint cstring
    deque errno.h expected functional initializer_list iosfwd iterator limits list map memory memory_resource
    new numeric optional queue ranges set source_location span stddef.h stdint.h string string.h string_view system_error
    tuple type_traits unordered_map unordered_set utility variant vector version
    arm_neon.h emmintrin.h immintrin.h nmmintrin.h smmintrin.h tmmintrin.h x86intrin.h
""".split())

MAX_LINES = 500
SOURCE_SUFFIXES = {".h", ".hpp", ".c", ".cpp"}

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Comments, raw strings, strings, characters (an apostrophe between digits separates them).
_NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)
_FLOATING = re.compile(
    r"(?<![\w.])(?:float|double)(?!\w)|(?<![\w.'])\d[\d']*\.\d*(?:e[+-]?\d+)?[fFlL]?(?![\w.])", re.I)
_CAST = re.compile(r"\breinterpret_cast\b")
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")


def layer_of(path):
    """The layer that a path (relative to the root, as parts) belongs to, or None."""
    if path[0] == "stack":
        if len(path) == 2:
            return "stack"
        return "api" if path[1] == "include" else path[1]
    if path[0] == "drivers":
        return "world" if len(path) > 2 and path[1] == "world" else "drivers"
    if path[0] == "apps":
        return path[1] if len(path) > 2 and path[1] in ("examples", "preload") else "apps"
    return None


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


class Tree:
    def __init__(self, root):
        self.root = root
        self.findings = []

    def find(self, path, line, message):
        self.findings.append(f"{path.relative_to(self.root)}:{line}: {message}")

    def resolve(self, source, name, quoted):
        """The file of this tree that an #include names, or None."""
        places = [self.root / "stack", self.root / "stack/include", self.root]
        if quoted:
            places.insert(0, source.parent)
        for place in places:
            if (place / name).is_file():
                return (place / name).resolve()
        return None

    def check(self):
        checked = 0
        for folder in ("stack", "drivers", "apps"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in SOURCE_SUFFIXES and path.is_file():
                    self.check_file(path)
                    checked += 1
        if checked == 0:
            self.findings.append(f"{self.root}: no source files here")
        return checked

    def check_file(self, path):
        parts = path.relative_to(self.root).parts
        layer = layer_of(parts)
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            self.find(path, len(lines), f"{len(lines)} lines, at most {MAX_LINES}: which second subject moved in?")
        if layer not in ALLOWED:
            self.find(path, 1, f"'{layer}' is no layer: give it a place in ALLOWED and in a CMakeLists.txt")
            return
        value_header = layer == "api" and "/".join(parts[2:]) in VALUE_HEADERS
        for number, line in enumerate(lines, 1):
            include = _INCLUDE.match(line)
            if include:
                self.check_include(path, number, layer, value_header, include.group(2), include.group(1) == '"')
            if _UNFINISHED.search(line):
                self.find(path, number, "an unfinished mark")
        code = _NOISE.sub(blank, text).splitlines()
        for number, line in enumerate(code, 1):
            if layer not in ("drivers", "host", "world") and _CAST.search(line):
                self.find(path, number, "reinterpret_cast outside drivers/ and host/")
            if (layer in CORE or value_header) and not line.lstrip().startswith("#"):
                if _FLOATING.search(line):
                    self.find(path, number, "floating point in the core")

    def check_include(self, path, number, layer, value_header, name, quoted):
        target = self.resolve(path, name, quoted)
        if target is None:
            if quoted:
                self.find(path, number, f'"{name}" is no file of this tree')
            elif (layer in CORE or value_header) and name not in PURE_HEADERS:
                self.find(path, number, f"<{name}> is not a pure header; the core may not include it")
            return
        if self.root not in target.parents:
            self.find(path, number, f"{name} lies outside the tree")
            return
        parts = target.relative_to(self.root).parts
        other = layer_of(parts)
        if other == "api" and "/".join(parts[2:]) in VALUE_HEADERS:
            return
        if value_header:
            self.find(path, number, f"a value header is a leaf; it may not include {name}")
        elif other != layer and other not in ALLOWED[layer]:
            self.find(path, number, f"wrong arrow: {layer} may not include {name} ({other or parts[0]})")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    tree = Tree(root)
    checked = tree.check()
    for finding in tree.findings:
        print(finding)
    print(f"{checked} files checked, {len(tree.findings)} findings")
    return 1 if tree.findings else 0


if __name__ == "__main__":
    sys.exit(main())
