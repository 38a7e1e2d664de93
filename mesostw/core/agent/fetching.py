"""
Files that come before a container: first they are brought, then it is launched.

Which containers wait for files is forgotten when the agent stops, and so is what was
brought: the fetcher ends with the agent.  A restarted agent finds the container unknown to
its launcher and says that it never ran, so nothing is started on half of its files, and
nothing twice.

The time that files take counts neither as the task's (``max_completion_time``) nor as its
executor's (``executor_registration_timeout``); what limits it is the fetcher's stall limit.
"""

from __future__ import annotations

from mesostw.core.agent.changes import Cause, Task
from mesostw.core.agent.fetches import FetchSpec
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import said
from mesostw.core.agent.words import CancelFetch, Fetch
from mesostw.messages.commands import CommandInfo
from mesostw.messages.tasks import TaskState, TaskStatusReason, TaskStatusSource
from mesostw.model.ids import ContainerId

KILLED = "Killed while its files were fetched"


def begun(
    turn: Turn, container_id: ContainerId, command: CommandInfo, directory: str, user: str | None
) -> bool:
    """Whether the container has to wait for files; then they are being brought."""
    if not command.uris:
        return False
    turn.live.fetching.add(container_id)
    turn.do(
        Fetch(
            FetchSpec(container_id=container_id, uris=command.uris, directory=directory, user=user)
        )
    )
    return True


def over(turn: Turn, container_id: ContainerId) -> bool:
    """Whether the container has waited for the files that have come, or failed to."""
    if container_id not in turn.live.fetching:
        return False
    turn.live.fetching.discard(container_id)
    return True


def cancelled(turn: Turn, container_id: ContainerId) -> bool:
    """Whether the container waited for files; then it waits no more, and will not run."""
    if not over(turn, container_id):
        return False
    turn.do(CancelFetch(container_id))
    return True


def killed(turn: Turn, task: Task, cause: Cause) -> None:
    """Say the end of a built-in task whose files were still coming."""
    removed = cause is Cause.FRAMEWORK_REMOVED
    said(
        turn,
        task,
        TaskState.TASK_KILLED,
        message=KILLED,
        source=TaskStatusSource.SOURCE_AGENT,
        reason=TaskStatusReason.REASON_FRAMEWORK_REMOVED
        if removed
        else TaskStatusReason.REASON_TASK_KILLED_DURING_LAUNCH,
    )
