"""One run on hosts, as a test has it: a process of its own, as it goes into another namespace."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from unittest import SkipTest

from msgspec import Struct

from tests.functional.clusters import ROOT
from tests.functional.hosts.network import NAMED, impediment

#: A quick run takes about four minutes; this is for a machine that does something else too.
PATIENCE_S: Final = 600.0


class Ran(Struct, frozen=True):
    """How a run of one seed went."""

    #: 0 if every rule held.
    status: int
    told: str
    verdict: dict[str, Any]
    #: Hosts that it left behind.
    left: list[str]


def skip_if_impossible() -> None:
    """
    Say why there can be no hosts here.

    :raises SkipTest: there cannot.
    """
    if find_spec("prctl") is None:
        raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'")
    if reason := impediment():
        raise SkipTest(reason)


def run(*words: str) -> Ran:
    """Run one seed, which has to come to an end."""
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory) / "results.json"
        running = subprocess.Popen(
            (sys.executable, "-m", "tests.functional.hosts", f"--results={results}", *words),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            told, _ = running.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            running.terminate()
            told, _ = running.communicate(timeout=60)
        told = told[-20_000:]
        if not results.exists():
            raise AssertionError(f"there is no verdict:\n{told}")
        (found,) = json.loads(results.read_text())
    left = [one.name for one in NAMED.iterdir() if f"-{running.pid}-" in one.name]
    return Ran(running.returncode, told, found["verdict"], left)
