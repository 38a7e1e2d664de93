"""What an agent knows of a check that is under way; forgotten when it stops."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from mesostw.core.probes import ProbeKey
from mesostw.messages.commands import CommandInfo
from mesostw.model.ids import ContainerId


class Purpose(Enum):
    """What a check is for; a task has at most one of each."""

    #: ``TaskInfo.health_check``: an unhealthy task is killed.
    HEALTH = "health"
    #: ``TaskInfo.check``: only told.
    CHECK = "check"


class Found(Struct, frozen=True):
    """What was found once."""

    #: The exit status of a command (negative for a signal), or the code of an HTTP answer.
    code: int | None
    #: Why there is none, in words; empty if there is, and for a connection over TCP.
    error: str = ""


class Watch(Struct):
    """One check of one running task."""

    purpose: Purpose
    #: Of the task.
    container_id: ContainerId
    interval_s: float
    timeout_s: float
    #: Steady seconds until which failures do not count; at 0 that time is over.
    grace_until: float = 0.0
    #: Health checks that have failed in a row.
    failures: int = 0
    #: The command to run; ``None`` if the check is a probe.
    command: CommandInfo | None = None
    #: The container that the command runs in at this moment.
    run: ContainerId | None = None
    #: Whether that one has had its time, and counts no more.
    late: bool = False

    @property
    def key(self) -> ProbeKey:
        return key_of(self.purpose, self.container_id)


def key_of(purpose: Purpose, container_id: ContainerId) -> ProbeKey:
    """What the check of a container for ``purpose`` is known by."""
    return ProbeKey(f"{purpose.value}/{container_id}")
