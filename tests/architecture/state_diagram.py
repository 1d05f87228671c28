#!/usr/bin/env python3
"""The state diagram in stack/tcp/STATES.md, drawn from the table in stack/tcp/transitions.hpp.

    state_diagram.py ROOT           check: exit 1 if the document differs
    state_diagram.py ROOT --write   draw it anew
"""

import pathlib
import re
import sys

ROW = re.compile(r"\{State::(\w+),\s*Event::(\w+),\s*State::(\w+)\},")


def names(text, kind):
    """enum value -> the name in the table of names that follows the enum, in the same order."""
    body = re.search(rf"enum class {kind} : std::uint8_t \{{(.*?)\}};", text, re.S).group(1)
    values = re.findall(r"^\s*(\w+),", body, re.M)
    strings = re.findall(r'"([^"]+)"', re.search(rf"name_of\({kind} \w+\).*?\{{(.*?)\}};", text, re.S).group(1))
    return dict(zip(values, strings))


def document(root):
    states = names((root / "stack/tcp/state.hpp").read_text(), "State")
    source = (root / "stack/tcp/transitions.hpp").read_text()
    events = names(source, "Event")
    rows = ROW.findall(source)
    lines = ["# The states of a connection", "",
             "Drawn from `stack/tcp/transitions.hpp` by `tests/architecture/state_diagram.py`; a test keeps it so.",
             "ABORT, RST and giving up lead to CLOSED from every state but CLOSED and LISTEN; the diagram leaves them out,",
             "the table below has them.", "", "```mermaid", "stateDiagram-v2"]
    ident = {state: name.replace("-", "_") for state, name in states.items()}
    for state, name in states.items():
        lines.append(f'    state "{name}" as {ident[state]}')
    for old, event, new in rows:
        if event not in ("abort", "reset", "give_up"):
            lines.append(f"    {ident[old]} --> {ident[new]}: {events[event]}")
    lines += ["```", "", "| from | event | to |", "|---|---|---|"]
    lines += [f"| {states[old]} | {events[event]} | {states[new]} |" for old, event, new in rows]
    return "\n".join(lines) + "\n", len(rows)


def main():
    root = pathlib.Path(sys.argv[1])
    path = root / "stack/tcp/STATES.md"
    wanted, count = document(root)
    if "--write" in sys.argv:
        path.write_text(wanted)
    elif not path.exists() or path.read_text() != wanted:
        print("stack/tcp/STATES.md differs from the transition table; run tests/architecture/state_diagram.py . --write")
        return 1
    print(f"{count} transitions drawn")
    return 0


sys.exit(main())
