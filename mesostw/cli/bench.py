"""``mesostw bench``: the repository's benchmarks, from a checkout."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import mesostw


def add(subcommands: Any) -> None:
    """Declare ``bench``."""
    one = subcommands.add_parser("bench", help="measure this machine (needs a checkout)")
    one.add_argument("names", nargs="*", help="benchmarks to run (default: all)")
    one.add_argument("--quick", action="store_true", help="smaller sizes, for a first look")
    one.set_defaults(plain=bench)


def bench(options: argparse.Namespace) -> None:
    """Become ``python -m benchmarks``: each benchmark wants a process of its own."""
    checkout = Path(mesostw.__file__).resolve().parent.parent
    if not (checkout / "benchmarks").is_dir():
        raise SystemExit(
            "mesostw: the benchmarks are not installed; run this from a checkout of mesostw"
        )
    os.chdir(checkout)
    arguments = [*(["--quick"] if options.quick else []), *options.names]
    os.execv(sys.executable, [sys.executable, "-m", "benchmarks", *arguments])
