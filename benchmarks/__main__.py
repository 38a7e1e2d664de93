"""
Run benchmarks one after the other, each in a process of its own.

Use ``python -m benchmarks [--quick] [NAME ...]``; ``--list`` names them.  A benchmark is
a module of this package with a ``main``; its exit status says whether its demands were met.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
#: Modules that are only parts of benchmarks: what is loaded, and what loads it.
PARTS: Final = frozenset(
    {"__init__", "__main__", "farm", "load", "processes", "relays", "stream", "yardsticks"}
)


def benchmarks() -> dict[str, str]:
    """Every benchmark, with the first line of what it says it measures."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        if path.stem not in PARTS:
            said = ast.get_docstring(ast.parse(path.read_text())) or ""
            found[path.stem] = said.strip().partition("\n")[0]
    return found


def main() -> int:
    """Run what is named; the number of benchmarks whose demands were not met."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--quick", action="store_true", help="shorter, for a first look")
    parser.add_argument("--list", action="store_true", help="name them")
    options = parser.parse_args()
    known = benchmarks()
    if options.list:
        for name, title in known.items():
            print(f"{name:14} {title}")
        return 0
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
    missed = []
    for name in options.names or known:
        print(f"=== {name}: {known[name]}", flush=True)
        started = time.monotonic()
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        ended = subprocess.run([*command, *(["--quick"] if options.quick else [])], check=False)
        if ended.returncode:
            missed.append(name)
        print(f"    {time.monotonic() - started:.1f} s\n", flush=True)
    print("all demands met" if not missed else f"not met: {', '.join(missed)}")
    return len(missed)


if __name__ == "__main__":
    sys.exit(main())
