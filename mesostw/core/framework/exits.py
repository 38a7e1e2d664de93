"""How a process ended, out of what its executor says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mesostw.model.tasks import TaskState

#: Statuses have no field for it; executors say it in the message.
_EXITED: Final = re.compile(r"exited with status (\d+)")
_SIGNALLED: Final = re.compile(r"terminated with signal ([^(\n]+)")

#: As the C library of Linux calls the signals that end processes.
_SIGNALS: Final[Mapping[str, int]] = {
    "Hangup": 1,
    "Interrupt": 2,
    "Quit": 3,
    "Illegal instruction": 4,
    "Trace/breakpoint trap": 5,
    "Aborted": 6,
    "Bus error": 7,
    "Floating point exception": 8,
    "Killed": 9,
    "User defined signal 1": 10,
    "Segmentation fault": 11,
    "User defined signal 2": 12,
    "Broken pipe": 13,
    "Alarm clock": 14,
    "Terminated": 15,
    "CPU time limit exceeded": 24,
    "File size limit exceeded": 25,
    "Bad system call": 31,
}


def exit_status_of(state: TaskState, message: str) -> int | None:
    """What a shell would say: 0, the exit status, or 128 and the signal; else nothing."""
    if state is TaskState.TASK_FINISHED:
        return 0
    exited = _EXITED.search(message)
    if exited:
        return int(exited[1])
    signalled = _SIGNALLED.search(message)
    name = signalled[1].strip() if signalled else ""
    number = int(name) if name.isascii() and name.isdecimal() else _SIGNALS.get(name)
    return None if number is None else 128 + number
