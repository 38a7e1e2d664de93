"""
A framework that launches one task after the other, none of them twice, and notes every status.

What it has noted is held against what the tasks themselves have written down.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from mesostw.model.tasks import TERMINAL
from tests.functional.clusters import ROOT

WITNESS: Final = ROOT / "tests" / "functional" / "witness.py"
TASKS: Final = 100_000
ENDS: Final = frozenset(state.value for state in TERMINAL)
#: Ends of tasks whose program has run.
RAN: Final = frozenset({"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED"})
#: Ends that a task which began has not, unless something took it.
_NEVER: Final = frozenset({"TASK_DROPPED", "TASK_LOST", "TASK_ERROR"})


class Told(Struct, frozen=True, kw_only=True):
    """
    One task: how often it began, whether it came to its end, and what its framework heard.

    :param began_at: the wall second at which it began first; 0 if it never did.
    """

    task: str
    began_at: float
    begun: int
    finished: int
    states: tuple[str, ...]
    end: str
    message: str


class Framework:
    """The framework's process and its journal."""

    def __init__(self, directory: Path, master: str, every_s: float) -> None:
        self._path = directory / "journal"
        self._runs = directory / "framework"
        self._runs.mkdir()
        self._runs.chmod(0o777)
        self._log = directory / "framework.log"
        file = f"{self._runs}/@"
        script = f"echo began $(date +%s%N) >> {file}; sleep 0.$((@ % 10)); echo ended >> {file}"
        self._command = (
            sys.executable, str(WITNESS), master, str(self._path), f"--tasks={TASKS}",
            "--cpus=0.1", f"--every={every_s}", f"--script={script}",
        )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have it begin."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def is_settled(self, launched: int) -> bool:
        """Whether the first so many tasks have ended, as it has heard."""
        return sum(bool(one.end) for one in self.told()[:launched]) >= launched

    def told(self) -> list[Told]:
        """Every task that was launched, in their order."""
        launched: list[str] = []
        heard: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for note in self._notes():
            if "launched" in note:
                launched.append(note["launched"])
            elif "task" in note:
                heard[note["task"]].append(note)
        return [self._told(name, heard[name]) for name in dict.fromkeys(launched)]

    def _notes(self) -> Iterator[dict[str, Any]]:
        if self._path.exists():
            for line in self._path.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    yield json.loads(line)

    def _told(self, name: str, heard: list[dict[str, Any]]) -> Told:
        file = self._runs / name.removeprefix("task-")
        lines = file.read_text().splitlines() if file.exists() else []
        # Who is asked tells of ends too; those do not count, unless it says that it never was.
        ends = [one for one in heard if one["state"] in ENDS and not _is_asked(one)]
        begun = [line.split()[1] for line in lines if line.startswith("began ")]
        return Told(
            task=name,
            began_at=int(begun[0]) / 1e9 if begun else 0.0,
            begun=len(begun),
            finished=lines.count("ended"),
            states=tuple(one["state"] for one in heard),
            end=ends[-1]["state"] if ends else "",
            message=ends[-1]["message"] if ends else "",
        )


def _is_asked(note: Mapping[str, Any]) -> bool:
    return note["reason"] == "REASON_RECONCILIATION" and note["state"] in RAN


def lost(told: list[Told]) -> list[str]:
    """Tasks of whose end the framework has heard nothing, or what is not so."""
    found = []
    for one in told:
        story = f"{one.task} began {one.begun} times, finished {one.finished}: {one.states}"
        if not one.end:
            found.append(f"no end is known: {story}")
        elif one.end == "TASK_FINISHED" and one.finished != 1:
            found.append(f"it has not finished: {story}")
        elif one.end in _NEVER and one.finished:
            found.append(f"it has finished: {story}")
    return found


def longest_pause(told: list[Told], start: float, end: float) -> float:
    """The longest time in which no task began, of that from ``start`` to ``end``."""
    times = sorted(one.began_at for one in told if start < one.began_at < end)
    return max(later - before for before, later in pairwise([start, *times, end]))


def repeated(told: list[Told]) -> list[str]:
    """Tasks that began more than once."""
    return [f"{one.task} began {one.begun} times" for one in told if one.begun > 1]
