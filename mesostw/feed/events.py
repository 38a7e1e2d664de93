"""What happened lately, for people: the topic ``events``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mesostw.core.master import changes
from mesostw.core.master.records import TaskKey
from mesostw.feed.recent import Recent
from mesostw.model.tasks import TaskState

_OF_AGENTS: Final = (changes.AgentKept, changes.AgentChanged)
_OF_FRAMEWORKS: Final = (
    changes.FrameworkKept,
    changes.FrameworkChanged,
    changes.FrameworkRemoved,
)


class Events(Recent):
    """
    The last events of a cluster.

    Remembering one costs a look-up and an append, also while nobody watches; its text
    is made when it is shown.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        super().__init__(wall, lambda at, change: (at, *described(change)))
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
        self.keep(change)

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
