"""What happened lately, for people: the topic ``events``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final

from mesostw.core.master import changes
from mesostw.core.master.records import TaskKey
from mesostw.feed.tables import Row
from mesostw.model.tasks import TaskState

#: Events that are shown; older ones are in the log.
EVENTS_MAX: Final = 1000

_OF_AGENTS: Final = (changes.AgentKept, changes.AgentChanged)
_OF_FRAMEWORKS: Final = (
    changes.FrameworkKept,
    changes.FrameworkChanged,
    changes.FrameworkRemoved,
)


class Events:
    """
    The last ``EVENTS_MAX`` events, numbered from 1.

    Remembering one costs a look-up and an append, also while nobody watches; its text
    is made when it is shown.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._kept: deque[tuple[int, float, object]] = deque(maxlen=EVENTS_MAX)
        self._number = self._told = 0
        #: The state of each task that was last remembered: repetitions are no events.
        self._states: dict[TaskKey, TaskState] = {}
        self._others: dict[str, str] = {}

    def noted(self, change: object) -> None:
        """Remember ``change`` if it is an event and not a repetition."""
        if isinstance(change, changes.TaskChanged):
            task = change.task
            if self._states.get(task.key) is task.state:
                return
            self._states[task.key] = task.state
        elif isinstance(change, changes.TaskRemoved | changes.TaskStrayed):
            self._states.pop(change.task.key, None)
            if isinstance(change, changes.TaskRemoved):
                # Its last state was an event already.
                return
        elif not self._is_news(change):
            return
        self._number += 1
        self._kept.append((self._number, self._wall(), change))

    def _is_news(self, change: object) -> bool:
        key: str
        if isinstance(change, _OF_AGENTS):
            key, state = change.agent.id, change.agent.state.value
        elif isinstance(change, _OF_FRAMEWORKS):
            key, state = change.framework.id, change.framework.state.value
        elif isinstance(change, changes.AgentRemoved):
            self._others.pop(change.agent_id, None)
            return True
        elif isinstance(change, changes.FrameworkForgotten):
            self._others.pop(change.framework_id, None)
            return False
        else:
            return False
        if self._others.get(key) == state:
            return False
        self._others[key] = state
        return True

    def fresh(self) -> Iterable[int]:
        """The numbers of events since this was last called, and of those they pushed out."""
        if self._told == self._number:
            return ()
        first, self._told = self._told + 1, self._number
        return (*range(max(1, first - EVENTS_MAX), self._number - EVENTS_MAX + 1),
                *range(first, self._number + 1))  # fmt: skip

    def kept(self) -> Iterable[int]:
        """The numbers of all events that are shown."""
        self._told = self._number
        return [number for number, _, _ in self._kept]

    def row(self, key: Hashable) -> Row | None:
        """A row of ``events``; ``None`` for one that is too old."""
        assert isinstance(key, int)
        if not self._kept or not self._kept[0][0] <= key <= self._number:
            return None
        _, at, change = self._kept[key - self._kept[0][0]]
        return (at, *described(change))


def described(change: object) -> tuple[str, str, str]:
    """What kind of thing an event is about, the thing's id, and what happened to it."""
    match change:
        case changes.TaskChanged(task):
            last = task.statuses[-1] if task.statuses else None
            said = f": {last.message}" if last is not None and last.message else ""
            return "task", f"{task.framework_id}/{task.id}", f"{task.state.value}{said}"[:300]
        case changes.TaskStrayed(task):
            return "task", f"{task.framework_id}/{task.id}", "its agent is unreachable"
        case changes.AgentKept(agent) | changes.AgentChanged(agent):
            return "agent", agent.id, f"{agent.info.hostname} is {agent.state.value}"
        case changes.AgentRemoved(agent_id):
            return "agent", agent_id, "removed"
        case (
            changes.FrameworkKept(framework)
            | changes.FrameworkChanged(framework)
            | changes.FrameworkRemoved(framework)
        ):
            return "framework", framework.id, f"{framework.info.name} is {framework.state.value}"
        case _:
            return "", "", ""
