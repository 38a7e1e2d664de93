"""What an agent's core hears and says beside what every core does."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from mesostw.core.agent.containers import (
    ContainerExited,
    ContainerFailed,
    ContainerSpec,
    ContainerStarted,
)
from mesostw.core.agent.fetches import Fetched, FetchFailed, FetchSpec
from mesostw.core.outcome import CommonEffect, CommonStimulus
from mesostw.core.probes import Probed, ProbeKey, StartProbe, StopProbe
from mesostw.model.ids import ContainerId

# --- stimuli ----------------------------------------------------------------


class RoomLeft(Struct, frozen=True):
    """There is, or there is not, room on disk for records of new tasks."""

    full: bool


class LeaveAsked(Struct, frozen=True):
    """An operator (SIGUSR1) wants the agent to end its tasks, unregister and stop."""

    message: str


AgentStimulus: TypeAlias = (
    CommonStimulus
    | ContainerStarted
    | ContainerExited
    | ContainerFailed
    | Fetched
    | FetchFailed
    | Probed
    | RoomLeft
    | LeaveAsked
)

# --- effects ----------------------------------------------------------------


class Launch(Struct, frozen=True):
    """Start a container; what becomes of it is told as a stimulus."""

    spec: ContainerSpec


class Fetch(Struct, frozen=True):
    """Bring files into a sandbox; what becomes of it is told as a stimulus."""

    spec: FetchSpec


class CancelFetch(Struct, frozen=True):
    """Bring no more files of this container, and say nothing more of it."""

    container_id: ContainerId


class KillContainer(Struct, frozen=True):
    """Signal every process of a container."""

    container_id: ContainerId
    signal: int


class ForgetContainer(Struct, frozen=True):
    """What became of an ended container is kept here now: the launcher need not."""

    container_id: ContainerId


class RecoverContainers(Struct, frozen=True):
    """Take up these containers of an earlier life, and end all others."""

    container_ids: tuple[ContainerId, ...]


class Quit(Struct, frozen=True):
    """Stop the daemon; what is said before is sent first."""

    reason: str
    #: Whether something is wrong, so that the process should end with an error.
    failed: bool = False


AgentEffect: TypeAlias = (
    CommonEffect
    | Launch
    | Fetch
    | CancelFetch
    | KillContainer
    | ForgetContainer
    | RecoverContainers
    | StartProbe
    | StopProbe
    | Quit
)

# --- timers -----------------------------------------------------------------


class RegistrationDue(Struct, frozen=True):
    """Say once more who we are, if the master has not answered."""


class MasterSilent(Struct, frozen=True):
    """No ping has come for too long."""


class RetryDue(Struct, frozen=True):
    """Some status may have to be said again."""


class GraceOver(Struct, frozen=True):
    """A container that was asked to end is to be killed now."""

    container_id: ContainerId


class CompletionTimeOver(Struct, frozen=True):
    """A task has run as long as it may."""

    container_id: ContainerId


class CheckDue(Struct, frozen=True):
    """The command of a check is to be run."""

    key: ProbeKey


class CheckLate(Struct, frozen=True):
    """The command of a check has run as long as it may."""

    key: ProbeKey


class ExecutorDrained(Struct, frozen=True):
    """The last words of an executor that has ended should have arrived by now."""

    container_id: ContainerId


class ExecutorTimeOver(Struct, frozen=True):
    """An executor should have subscribed by now, for the first time or again."""

    container_id: ContainerId


class HeartbeatDue(Struct, frozen=True):
    """Tell executors that we are here."""


AgentTimer: TypeAlias = (
    RegistrationDue
    | MasterSilent
    | RetryDue
    | GraceOver
    | CompletionTimeOver
    | CheckDue
    | CheckLate
    | ExecutorTimeOver
    | ExecutorDrained
    | HeartbeatDue
)
