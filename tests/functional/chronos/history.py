"""What clients asked for and were answered: lines of JSON, ``invoke`` and one of three ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct


class End(StrEnum):
    """How a request ended: it was done, it was not, or nobody knows."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Line(Struct, frozen=True):
    """One line of a history; ``process`` is one request."""

    time_ns: int
    steady_ns: int
    process: int
    type: str
    op: str
    value: dict[str, Any]


class Call(Struct, frozen=True, kw_only=True):
    """A request and its end; times in wall seconds."""

    op: str
    job: str
    asked: float
    ended: float
    end: End
    #: What was asked for, and what was answered.
    value: Mapping[str, Any] = {}
    answer: Mapping[str, Any] = {}


class History:
    """Writes lines as they come, from any thread."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._processes = 0

    def invoke(self, op: str, value: Mapping[str, Any]) -> int:
        """A request begins; the number of its process."""
        with self._lock:
            self._processes += 1
            self._write(self._processes, "invoke", op, value)
            return self._processes

    def end(self, process: int, end: End, op: str, value: Mapping[str, Any]) -> None:
        """A request has ended."""
        with self._lock:
            self._write(process, end.value, op, value)

    def _write(self, process: int, type_: str, op: str, value: Mapping[str, Any]) -> None:
        line = Line(time.time_ns(), time.monotonic_ns(), process, type_, op, dict(value))
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def calls_of(lines: Iterable[bytes]) -> list[Call]:
    """Each request with its end, in the order that they began; one without is unknown."""
    begun: dict[int, Line] = {}
    ended: dict[int, Line] = {}
    for raw in lines:
        line = msgspec.json.decode(raw, type=Line)
        (begun if line.type == "invoke" else ended)[line.process] = line
    return [_call(line, ended.get(process)) for process, line in begun.items()]


def _call(begun: Line, ended: Line | None) -> Call:
    return Call(
        op=begun.op,
        job=begun.value.get("job", ""),
        asked=begun.time_ns / 1e9,
        ended=float("inf") if ended is None else ended.time_ns / 1e9,
        end=End.INFO if ended is None else End(ended.type),
        value=begun.value,
        answer={} if ended is None else ended.value,
    )
