"""
What agents and masters say to each other on the bus.

::

    agent                         master
    RegisterAgent            ->            no id yet; retried with back-off
                             <-  AgentRegistered     after the registry kept it
    ReregisterAgent          ->            has an id: all tasks, executors, frameworks
                             <-  AgentReregistered   and what the agent must reconcile
                             <-  Ping                every 15 s
    Pong                     ->
                             <-  RunTask, RunTaskGroup, KillTask
    StatusUpdated            ->            until acknowledged; retry 10 s to 10 min
                             <-  AcknowledgeStatus   forwarded from the framework
                             <-  FrameworkReturned   say its statuses again now
    ExecutorExited           ->
                             <-  ShutdownExecutor, ShutdownFramework, ShutdownAgent
    UnregisterAgent          ->

Each message that makes an agent act carries the master's ``epoch``; an agent
refuses an epoch older than the newest it has heard.
"""

from __future__ import annotations

from msgspec import Struct

from mesostw.messages.agents import AgentInfo
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.tasks import (
    ExecutorInfo,
    Task,
    TaskGroupInfo,
    TaskInfo,
    TaskState,
    TaskStatus,
)


class RegisterAgent(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A new agent wants in; ``agent.id`` is unset. Answered by :class:`AgentRegistered`."""

    agent: AgentInfo
    version: str
    capabilities: tuple[str, ...] = ()
    #: Where the agent's HTTP answers, ``ip:port``.
    address: str


class RunningExecutor(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A custom executor that an agent has."""

    framework_id: FrameworkID
    executor: ExecutorInfo


class ReregisterAgent(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An agent that has an id tells a master all that it holds."""

    agent: AgentInfo
    version: str
    capabilities: tuple[str, ...] = ()
    address: str
    tasks: tuple[Task, ...] = ()
    executors: tuple[RunningExecutor, ...] = ()
    frameworks: tuple[FrameworkInfo, ...] = ()


class UnregisterAgent(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The agent leaves for good and has ended its tasks."""

    agent_id: AgentID


class AgentRegistered(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The agent is admitted under ``agent_id``."""

    agent_id: AgentID
    #: Silence of the master after which the agent dials again, in seconds.
    ping_timeout_s: float
    epoch: int


class ReconcileTasks(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Tasks that the master has of one framework and the agent did not tell of."""

    framework_id: FrameworkID
    task_ids: tuple[TaskID, ...] = ()
    #: Whether DROPPED may be said instead of LOST.
    partition_aware: bool = False


class AgentReregistered(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The agent is known again; it reports each task in ``reconcile`` that it lacks."""

    agent_id: AgentID
    ping_timeout_s: float
    epoch: int
    reconcile: tuple[ReconcileTasks, ...] = ()


class Ping(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Are you there? ``connected`` false: the master thinks you are not, dial again."""

    connected: bool = True


class Pong(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """I am."""


class RunTask(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Start ``task`` for ``framework``."""

    framework: FrameworkInfo
    task: TaskInfo
    epoch: int


class RunTaskGroup(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Start all of ``group`` in ``executor``, or none."""

    framework: FrameworkInfo
    executor: ExecutorInfo
    group: TaskGroupInfo
    epoch: int


class KillTask(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """End a task; an unknown one is reported as lost."""

    framework_id: FrameworkID
    task_id: TaskID
    kill_policy: KillPolicy | None = None
    epoch: int


class StatusUpdated(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """
    One status of a task on its way to the framework.

    ``latest_state`` may be ahead of ``status``: resources of a task whose
    latest state is terminal are free before the framework acknowledges.
    """

    framework_id: FrameworkID
    status: TaskStatus
    latest_state: TaskState | None = None


class AcknowledgeStatus(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The framework has dealt with the status ``uuid``."""

    framework_id: FrameworkID
    task_id: TaskID
    uuid: bytes


class FrameworkReturned(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """
    A framework has subscribed again: what was said to it before may not have reached it.

    The agent says the oldest status of each of its tasks at once, without waiting for the
    time of the next try, which may be minutes away.
    """

    framework_id: FrameworkID


class ExecutorExited(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A custom executor has ended; ``status`` is its wait status."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    status: int | None = None


class ShutdownExecutor(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Ask an executor to end, then end it."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    epoch: int


class ShutdownFramework(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """End everything of a framework that has been removed."""

    framework_id: FrameworkID
    epoch: int


class ShutdownAgent(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """End all tasks and leave; the id is not accepted any more."""

    message: str
    epoch: int


class FrameworkMessage(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Bytes between a scheduler and its executor when no route is open; may be lost."""

    framework_id: FrameworkID
    agent_id: AgentID
    executor_id: ExecutorID
    data: bytes
    to_executor: bool


class RouteOpened(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """
    Frames with ``route`` on this link now go to (framework, agent, executor).

    Said by the master to both ends; the link's end or :class:`RouteClosed` ends it.
    """

    route: int
    framework_id: FrameworkID
    agent_id: AgentID
    executor_id: ExecutorID


class RouteClosed(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The route means nothing any more; from an agent: it cannot pass frames on there."""

    route: int
