"""An agent core alone, a master's words to it, and what it said, for tests."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from mesostw.core.agent.changes import AgentChange, Task
from mesostw.core.agent.containers import ContainerExited, ContainerSpec, ContainerStarted
from mesostw.core.agent.flags import AgentFlags
from mesostw.core.agent.machine import Agent
from mesostw.core.agent.words import (
    AgentEffect,
    AgentStimulus,
    KillContainer,
    Launch,
)
from mesostw.core.outcome import (
    Arm,
    Disarm,
    Heard,
    LinkOpened,
    Moment,
    Outcome,
    Send,
    TimerFired,
)
from mesostw.messages.agent_master import (
    AcknowledgeStatus,
    AgentRegistered,
    AgentReregistered,
    KillTask,
    RunTask,
    StatusUpdated,
)
from mesostw.messages.commands import CommandInfo
from mesostw.messages.frameworks import (
    FrameworkCapability,
    FrameworkCapabilityType,
    FrameworkInfo,
)
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.tasks import ExecutorInfo, TaskInfo, TaskState
from mesostw.messages.values import DurationInfo
from mesostw.model.ids import ContainerId, FrameworkId, LinkId, TaskId

AGENT_ID = "M-S0"
EPOCH = 7
MASTER = LinkId(1)
EXECUTOR = LinkId(2)

FLAGS = AgentFlags(
    hostname="host",
    ip="10.0.0.1",
    port=5051,
    version="0.1.0",
    work_dir="/w",
    registration_backoff_s=0.0,
)


def command_task(name: str = "t", **others: Any) -> TaskInfo:
    """A task with a shell's command."""
    fields: dict[str, Any] = {
        "name": name,
        "task_id": TaskID(value=name),
        "agent_id": AgentID(value=AGENT_ID),
        "command": CommandInfo(value="true"),
    }
    return TaskInfo(**{**fields, **others})


def executor_task(name: str = "t", executor_id: str = "e", **others: Any) -> TaskInfo:
    """A task for a custom executor."""
    info = ExecutorInfo(
        executor_id=ExecutorID(value=executor_id), command=CommandInfo(value="exec")
    )
    return command_task(name, **{"executor": info, "command": None, **others})


def framework(name: str = "F", *capabilities: FrameworkCapabilityType) -> FrameworkInfo:
    """A framework with ``capabilities``."""
    return FrameworkInfo(
        user="me",
        name=name,
        id=FrameworkID(value=name),
        capabilities=tuple(FrameworkCapability(type=one) for one in capabilities),
    )


def policy(grace_s: float) -> KillPolicy:
    """A kill policy with a grace period."""
    return KillPolicy(grace_period=DurationInfo(nanoseconds=int(grace_s * 1e9)))


Said: TypeAlias = Outcome[AgentChange, AgentEffect]


class World:
    """One life of an agent; what is durable outlives it in ``store``."""

    def __init__(
        self, flags: AgentFlags = FLAGS, store: Mapping[str, Struct] | None = None, nonce: int = 1
    ) -> None:
        self.agent = Agent(flags, nonce.to_bytes(8, "big"), random.Random(nonce).random)
        self.store = dict(store or {})
        self.now = Moment(1000.0, 1_700_000_000.0)
        self.effects: list[AgentEffect] = []
        self.changes: list[AgentChange] = []
        self.timers: dict[Struct, float] = {}
        self._took(self.agent.restore(self.store.items(), self.now))

    def _took(self, outcome: Outcome[AgentChange, AgentEffect]) -> Said:
        for change in outcome.changes:
            write = self.agent.write_of(change)
            if write is None:
                continue
            if write.value is None:
                self.store.pop(write.key, None)
            else:
                kind = self.agent.RECORDS[write.key.partition("/")[0]]
                text = msgspec.msgpack.encode(write.value)
                self.store[write.key] = msgspec.msgpack.decode(text, type=kind)
        for effect in outcome.effects:
            if isinstance(effect, Arm):
                self.timers[effect.timer] = self.now.steady + effect.delay_s
            elif isinstance(effect, Disarm):
                self.timers.pop(effect.timer, None)
        self.effects += outcome.effects
        self.changes += outcome.changes
        self.agent.check()
        return outcome

    def hear(self, stimulus: AgentStimulus) -> Said:
        """Have the core hear ``stimulus`` and check it."""
        return self._took(self.agent.hear(stimulus, self.now))

    def master_says(self, message: Struct) -> Said:
        return self.hear(Heard(MASTER, message))

    def executor_says(self, message: Struct, link: LinkId = EXECUTOR) -> Said:
        return self.hear(Heard(link, message))

    def passed(self, seconds: float) -> None:
        """Let time pass, with all timers that run out in it."""
        end = self.now.steady + seconds
        while due := [(at, str(timer)) for timer, at in self.timers.items() if at <= end]:
            at, name = min(due)
            timer = next(one for one in self.timers if str(one) == name)
            del self.timers[timer]
            self.now = Moment(max(at, self.now.steady), self.now.wall + at - self.now.steady)
            self.hear(TimerFired(timer))
        self.now = Moment(end, self.now.wall + end - self.now.steady)

    def link(self) -> None:
        """A link to the master opens."""
        self.hear(LinkOpened(MASTER, "master", "M", "0.1.0", "10.0.0.9:5050"))

    def registered(self, ping_timeout_s: float = 75.0) -> World:
        """Link and be admitted."""
        self.link()
        answer = AgentReregistered if self.agent.state.identity.agent_id else AgentRegistered
        self.master_says(
            answer(agent_id=AgentID(value=AGENT_ID), ping_timeout_s=ping_timeout_s, epoch=EPOCH)
        )
        return self

    def run(self, task: TaskInfo, info: FrameworkInfo | None = None) -> Said:
        return self.master_says(RunTask(framework=info or framework(), task=task, epoch=EPOCH))

    def kill(self, name: str = "t", grace: KillPolicy | None = None) -> Said:
        return self.master_says(
            KillTask(
                framework_id=FrameworkID(value="F"),
                task_id=TaskID(value=name),
                kill_policy=grace,
                epoch=EPOCH,
            )
        )

    def acknowledge(self, status: StatusUpdated) -> Said:
        """Have the framework acknowledge one status."""
        assert status.status.uuid is not None
        return self.master_says(
            AcknowledgeStatus(
                framework_id=status.framework_id,
                task_id=status.status.task_id,
                uuid=status.status.uuid,
            )
        )

    def said(self) -> list[Struct]:
        """What was said to the master since the last call."""
        return self.said_on(MASTER)

    def said_on(self, link: LinkId) -> list[Struct]:
        """What was said on a link since the last call."""
        told = [e.message for e in self.effects if isinstance(e, Send) and e.link == link]
        self.effects = [e for e in self.effects if not (isinstance(e, Send) and e.link == link)]
        return told

    def statuses(self) -> list[TaskState]:
        """Acknowledge every status until none comes; their states in order."""
        states: list[TaskState] = []
        while told := [one for one in self.said() if isinstance(one, StatusUpdated)]:
            for one in told:
                states.append(one.status.state)
                if one.status.uuid is not None:
                    self.acknowledge(one)
        return states

    def launched(self) -> list[ContainerSpec]:
        """What was launched since the last call."""
        specs = [effect.spec for effect in self.effects if isinstance(effect, Launch)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, Launch)]
        return specs

    def signals(self) -> list[int]:
        """Signals sent since the last call."""
        sent = [effect.signal for effect in self.effects if isinstance(effect, KillContainer)]
        self.effects = [e for e in self.effects if not isinstance(e, KillContainer)]
        return sent

    def task(self, name: str = "t") -> Task:
        return self.agent.state.tasks[FrameworkId("F"), TaskId(name)]

    def start(self, name: str = "t") -> ContainerId:
        """The container of a task starts."""
        container_id = self.task(name).container_id
        self.hear(ContainerStarted(container_id, 123))
        return container_id

    def exit(self, name: str = "t", status: int | None = 0, message: str = "") -> None:
        """The container of a task ends."""
        self.hear(ContainerExited(self.task(name).container_id, status, message))

    def running(self, name: str = "t", info: FrameworkInfo | None = None) -> World:
        """Registered, with a running built-in task whose statuses are acknowledged."""
        self.registered()
        self.run(command_task(name), info)
        self.start(name)
        self.statuses()
        return self
