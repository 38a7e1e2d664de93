"""A master's core alone, agents' and schedulers' words to it, and what it said, for tests."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from mesostw.core.master.changes import MasterChange
from mesostw.core.master.flags import MasterFlags
from mesostw.core.master.machine import Master
from mesostw.core.master.state import Task
from mesostw.core.master.words import AllocationDue, MasterEffect, StepDown, Tick
from mesostw.core.outcome import (
    Answer,
    Arm,
    Asked,
    Close,
    Continue,
    Continued,
    Heard,
    LinkClosed,
    LinkOpened,
    Moment,
    Outcome,
    Send,
    TimerFired,
    Write,
)
from mesostw.messages.agent_master import (
    AgentRegistered,
    Pong,
    RegisterAgent,
    ReregisterAgent,
    RunningExecutor,
    StatusUpdated,
)
from mesostw.messages.agents import AgentInfo
from mesostw.messages.commands import CommandInfo
from mesostw.messages.convert import messages_of
from mesostw.messages.frameworks import (
    FrameworkCapability,
    FrameworkCapabilityType,
    FrameworkInfo,
)
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.masters import MasterInfo
from mesostw.messages.offers import Filters, Offer
from mesostw.messages.operations import Launch, OfferOperation, OfferOperationType
from mesostw.messages.scheduler_calls import Accept, Acknowledge, Subscribe
from mesostw.messages.scheduler_events import Offers, Subscribed, Update
from mesostw.messages.tasks import ExecutorInfo, TaskInfo, TaskState, TaskStatus
from mesostw.messages.tasks import Task as TaskMessage
from mesostw.model.ids import AgentId, FrameworkId, LinkId, RequestId, TaskId
from mesostw.model.resources import Resources

M = TypeVar("M", bound=Struct)
MASTER_ID = "m1"


def flags(**given: Any) -> MasterFlags:
    """Flags with what a test does not care about filled in."""
    return MasterFlags(info=MasterInfo(id=MASTER_ID, ip=0, port=5050), **given)


def framework_info(**given: Any) -> FrameworkInfo:
    """A framework that is PARTITION_AWARE, checkpoints and may be away for an hour."""
    capabilities = given.pop("capabilities", ("PARTITION_AWARE",))
    values: dict[str, Any] = {
        "user": "me",
        "name": "mine",
        "checkpoint": True,
        "failover_timeout": 3600.0,
    }
    values.update(given)
    return FrameworkInfo(
        capabilities=tuple(
            FrameworkCapability(type=FrameworkCapabilityType[name]) for name in capabilities
        ),
        **values,
    )


def task_info(name: str, agent_id: str, resources: str = "cpus:1;mem:64", **given: Any) -> TaskInfo:
    """A task with a command, unless an executor is given."""
    if "executor" not in given:
        given.setdefault("command", CommandInfo(value="sleep 1"))
    return TaskInfo(
        name=name,
        task_id=TaskID(value=name),
        agent_id=AgentID(value=agent_id),
        resources=messages_of(Resources.parse(resources)) if resources else (),
        **given,
    )


def launch(*tasks: TaskInfo) -> OfferOperation:
    """The operation that launches ``tasks``."""
    return OfferOperation(type=OfferOperationType.LAUNCH, launch=Launch(task_infos=tasks))


def executor_info(name: str = "e1", **given: Any) -> ExecutorInfo:
    """A custom executor."""
    given.setdefault("command", CommandInfo(value="./executor"))
    given.setdefault("resources", messages_of(Resources.parse("cpus:0.1;mem:32")))
    return ExecutorInfo(executor_id=ExecutorID(value=name), **given)


class Peer:
    """An agent's or a scheduler's end of a link, and what it has been told on it."""

    def __init__(self, bench: Bench, link: LinkId) -> None:
        self.bench = bench
        self.link = link
        self.told: list[Struct] = []
        self.closed: str | None = None
        #: The agent's or framework's id, once it has one.
        self.id = ""

    def say(self, message: Struct) -> None:
        """Tell the master something."""
        self.bench.hear(Heard(self.link, message))

    def all(self, kind: type[M]) -> list[M]:
        """Give everything of one kind that was told."""
        return [message for message in self.told if isinstance(message, kind)]

    def last(self, kind: type[M]) -> M:
        """Give the last of one kind that was told."""
        return self.all(kind)[-1]

    def updates(self, task: str | None = None) -> list[TaskStatus]:
        """Give the statuses that were told, of one task or all."""
        return [
            update.status
            for update in self.all(Update)
            if task is None or update.status.task_id.value == task
        ]

    def states(self, task: str | None = None) -> list[str]:
        """Give the states that were told."""
        return [status.state.value for status in self.updates(task)]

    def offers(self) -> list[Offer]:
        """Give the offers that were told and still stand."""
        standing = self.bench.master.state.offers
        return [
            offer
            for event in self.all(Offers)
            for offer in event.offers
            if offer.id.value in standing
        ]

    def break_link(self) -> None:
        """End the link without a word."""
        self.bench.hear(LinkClosed(self.link, "broken"))


class Bench:
    """A master, its clock, and its peers; ``check`` runs after each stimulus."""

    def __init__(self, records: dict[str, Struct] | None = None, **given: Any) -> None:
        self.now = 1000.0
        self.records: dict[str, Struct] = {}
        self.epoch = 1
        self.flags = flags(**given)
        self.peers: dict[LinkId, Peer] = {}
        self.links = 0
        self.start(MASTER_ID, records or {})

    def start(self, master_id: str, records: dict[str, Struct]) -> None:
        """Begin a life from what an earlier one kept."""
        self.peers.clear()
        self.answers: list[Struct | None] = []
        self.timers: dict[Struct, float] = {}
        self.changes: list[MasterChange] = []
        self.records = dict(records)
        self.master = Master(master_id, self.flags, self.epoch, random.Random(7))
        self.continuing = False
        self.stepped_down = ""
        self.checking = True
        self._take(self.master.restore(records.items(), self.moment()))

    def restart(self) -> None:
        """Kill the master; another begins from the store."""
        self.epoch += 1
        self.start(f"m{self.epoch}", self.records)

    def moment(self) -> Moment:
        return Moment(self.now, self.now + 1_600_000_000)

    def hear(self, stimulus: Any) -> None:
        """Tell the core, perform what it says, and allocate as long as it wants to."""
        self.hear_only(stimulus)
        while self.continuing:
            self.continuing = False
            self.hear_only(Continued())

    def hear_only(self, stimulus: Any) -> Outcome[MasterChange, MasterEffect]:
        """Tell the core one stimulus; allocation waits."""
        outcome = self.master.hear(stimulus, self.moment())
        self._take(outcome)
        if self.checking:
            self.master.check()
        return outcome

    def _take(self, outcome: Outcome[MasterChange, MasterEffect]) -> None:
        for change in outcome.changes:
            self._keep(self.master.write_of(change))
        self.changes += outcome.changes
        closed = [effect.link for effect in outcome.effects if isinstance(effect, Close)]
        for effect in outcome.effects:
            self._perform(effect)
        for link in closed:
            self.hear_only(LinkClosed(link, "closed"))

    def _keep(self, write: Write | None) -> None:
        if write is not None and write.value is None:
            self.records.pop(write.key, None)
        elif write is not None and write.value is not None:
            self.records[write.key] = write.value

    def _perform(self, effect: MasterEffect) -> None:
        if isinstance(effect, Send):
            if effect.link in self.peers:
                self.peers[effect.link].told.append(effect.message)
        elif isinstance(effect, Close):
            self.peers[effect.link].closed = effect.reason
        elif isinstance(effect, Arm):
            self.timers[effect.timer] = self.now + effect.delay_s
        elif isinstance(effect, Answer):
            self.answers.append(effect.value)
        elif isinstance(effect, StepDown):
            self.stepped_down = effect.reason
        elif isinstance(effect, Continue):
            self.continuing = True

    def pass_time(self, seconds: float, *, ponging: bool = True) -> None:
        """Let time pass in steps of the wheel; connected agents answer pings."""
        end = self.now + seconds
        while self.timers and min(self.timers.values()) <= end:
            timer = min(self.timers, key=lambda one: self.timers[one])
            self.now = max(self.now, self.timers.pop(timer))
            self.hear(TimerFired(timer))
            if ponging and isinstance(timer, Tick):
                for agent in list(self.master.state.agents.values()):
                    if agent.link is not None:
                        self.hear_only(Heard(agent.link, Pong()))
        self.now = end

    def allocate(self) -> None:
        """Let the gap between two looks at an agent pass."""
        self.pass_time(0.02)
        if AllocationDue() in self.timers:
            self.pass_time(0.02)

    def ask(self, question: Struct) -> Struct | None:
        """Ask what operators ask."""
        self.hear(Asked(RequestId(len(self.answers) + 1), question))
        return self.answers[-1]

    # --- peers ------------------------------------------------------------------

    def open(self, role: str, version: str = "1.0.0") -> Peer:
        """Open a link."""
        self.links += 1
        link = LinkId(self.links)
        peer = self.peers[link] = Peer(self, link)
        self.hear(LinkOpened(link, role, "", version, f"10.0.0.{link}:9"))
        return peer

    def agent(self, resources: str = "cpus:4;mem:1024;ports:[31000-31009]") -> Peer:
        """Register a new agent."""
        peer = self.open("agent")
        peer.say(
            RegisterAgent(
                agent=agent_info(resources),
                version="1.0.0",
                address=f"10.0.0.{peer.link}:5051",
                capabilities=("TASK_RESOURCE_LIMITS",),
            )
        )
        peer.id = peer.last(AgentRegistered).agent_id.value
        return peer

    def return_agent(
        self,
        agent_id: str,
        tasks: Sequence[TaskMessage] = (),
        frameworks: Sequence[FrameworkInfo] = (),
        executors: Sequence[RunningExecutor] = (),
        resources: str = "cpus:4;mem:1024;ports:[31000-31009]",
    ) -> Peer:
        """Have an agent come back on a new link."""
        peer = self.open("agent")
        peer.id = agent_id
        peer.say(
            ReregisterAgent(
                agent=msgspec.structs.replace(agent_info(resources), id=AgentID(value=agent_id)),
                version="1.0.0",
                address=f"10.0.0.{peer.link}:5051",
                capabilities=("TASK_RESOURCE_LIMITS",),
                tasks=tuple(tasks),
                frameworks=tuple(frameworks),
                executors=tuple(executors),
            )
        )
        return peer

    def framework(self, info: FrameworkInfo | None = None, **given: Any) -> Peer:
        """Subscribe a framework."""
        peer = self.open("framework", given.pop("version", "1.0.0"))
        peer.say(Subscribe(framework_info=info or framework_info(), **given))
        subscribed = peer.all(Subscribed)
        peer.id = subscribed[-1].framework_id.value if subscribed else ""
        return peer

    def accept(
        self,
        framework: Peer,
        *operations: OfferOperation,
        offers: Sequence[Offer] | None = None,
        refuse_s: float = 0.0,
    ) -> None:
        """Have a framework accept offers, all that stand unless they are named."""
        used = framework.offers() if offers is None else offers
        framework.say(
            Accept(
                offer_ids=tuple(offer.id for offer in used),
                operations=operations,
                filters=Filters(refuse_seconds=refuse_s),
            )
        )

    def run(self, framework: Peer, agent: Peer, name: str = "t1", **given: Any) -> Task:
        """Launch a task from what the framework is offered, and hear that it runs."""
        self.allocate()
        offers = [one for one in framework.offers() if one.agent_id.value == agent.id]
        self.accept(framework, launch(task_info(name, agent.id, **given)), offers=offers)
        self.report(agent, framework, name, TaskState.TASK_RUNNING)
        return self.task(framework, name)

    def report(
        self,
        agent: Peer,
        framework: Peer,
        name: str,
        state: TaskState,
        *,
        uuid: bytes | None = b"u" * 16,
        latest: TaskState | None = None,
    ) -> None:
        """Have an agent report a task's state."""
        agent.say(
            StatusUpdated(
                framework_id=FrameworkID(value=framework.id),
                status=TaskStatus(
                    task_id=TaskID(value=name),
                    state=state,
                    uuid=uuid,
                    agent_id=AgentID(value=agent.id),
                ),
                latest_state=latest,
            )
        )

    def acknowledge(self, framework: Peer, agent: Peer, name: str, uuid: bytes = b"u" * 16) -> None:
        """Have a framework acknowledge a status."""
        framework.say(
            Acknowledge(agent_id=AgentID(value=agent.id), task_id=TaskID(value=name), uuid=uuid)
        )

    def task(self, framework: Peer, name: str) -> Task:
        """Find a task in whichever table it is."""
        found = self.master.state.task(FrameworkId(framework.id), TaskId(name))
        assert found is not None
        return found

    def is_running(self, framework: Peer, name: str) -> bool:
        return (FrameworkId(framework.id), TaskId(name)) in self.master.state.tasks

    def agent_state(self, agent: Peer) -> str:
        found = self.master.state.agents.get(AgentId(agent.id))
        return "removed" if found is None else found.state.value

    def framework_state(self, framework: Peer) -> str:
        found = self.master.state.framework(FrameworkId(framework.id))
        return "forgotten" if found is None else found.state.value

    def used(self, agent: Peer) -> str:
        return self.master.state.agent_load_of(AgentId(agent.id)).used.text()


def agent_info(resources: str) -> AgentInfo:
    """An agent as it says itself."""
    return AgentInfo(hostname="h1", resources=messages_of(Resources.parse(resources)))


def task_message(
    framework: Peer, agent_id: str, name: str, state: TaskState, **given: Any
) -> TaskMessage:
    """A task as an agent that comes back tells it."""
    given.setdefault("resources", messages_of(Resources.parse("cpus:1;mem:64"), "*"))
    return TaskMessage(
        name=name,
        task_id=TaskID(value=name),
        framework_id=FrameworkID(value=framework.id),
        agent_id=AgentID(value=agent_id),
        state=state,
        **given,
    )


def told_framework(framework: Peer, **given: Any) -> FrameworkInfo:
    """A framework as an agent tells it."""
    info = framework_info(**given)
    return msgspec.structs.replace(info, id=FrameworkID(value=framework.id))
