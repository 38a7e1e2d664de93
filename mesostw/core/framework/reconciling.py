"""Asking the master what it believes of tasks, in questions of a size that it can answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mesostw.core.scheduling import ReconcileTasks
from mesostw.model.ids import AgentId, TaskId


def questions(
    tasks: Iterable[tuple[TaskId, AgentId | None]], each_max: int
) -> Iterator[ReconcileTasks]:
    """Ask after tasks, ``each_max`` at a time; nothing is asked if there are none."""
    known = list(tasks)
    for start in range(0, len(known), each_max):
        yield ReconcileTasks(dict(known[start : start + each_max]))


#: Ask after tasks that we do not know, too: every one that the master knows is told.
EVERYTHING: Final = ReconcileTasks({})
