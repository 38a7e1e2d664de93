"""What an agent says to an executor, one struct an event."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.agents import AgentInfo
from mesostw.messages.fields import Body
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import ContainerID, TaskID
from mesostw.messages.tasks import ExecutorInfo, TaskGroupInfo, TaskInfo


class Subscribed(Body, frozen=True, kw_only=True):
    """The executor is registered."""

    executor_info: Annotated[ExecutorInfo, 1]
    framework_info: Annotated[FrameworkInfo, 2]
    agent_info: Annotated[AgentInfo, 3]
    container_id: Annotated[ContainerID | None, 4] = None


class Launch(Body, frozen=True, kw_only=True):
    """Run a task."""

    task: Annotated[TaskInfo, 1]


class LaunchGroup(Body, frozen=True, kw_only=True):
    """Run tasks together, or none of them."""

    task_group: Annotated[TaskGroupInfo, 1]


class Kill(Body, frozen=True, kw_only=True):
    """End a task."""

    task_id: Annotated[TaskID, 1]
    #: Instead of the task's own.
    kill_policy: Annotated[KillPolicy | None, 2] = None


class Acknowledged(Body, frozen=True, kw_only=True):
    """The status ``uuid`` has been kept."""

    task_id: Annotated[TaskID, 1]
    #: Sixteen bytes, those of the status.
    uuid: Annotated[bytes, 2]


class Message(Body, frozen=True, kw_only=True):
    """Bytes from the scheduler."""

    data: Annotated[bytes, 1]


class Shutdown(Body, frozen=True, kw_only=True):
    """End all tasks, then end."""


class Error(Body, frozen=True, kw_only=True):
    """The executor is refused; nothing more comes."""

    message: Annotated[str, 1]


class Heartbeat(Body, frozen=True, kw_only=True):
    """The link is alive."""
