"""
A farm of simulated agents: many agents of one master, in a process of their own.

    python -m benchmarks.farm --master 127.0.0.1:5050 --agents 1000 [--tasks 10]

Each has a real connection and speaks the real bus; tasks run at once and, unless told
otherwise, finish when RUNNING is acknowledged.  Says what happens as JSON lines on
stdout, with CLOCK_MONOTONIC seconds, which all processes of a machine share.  Of several
masters (``--master A,B``) one agent looks which leads, as ZooKeeper would tell all.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure

from mesostw import API_VERSION
from mesostw.messages import (
    AgentID,
    AgentInfo,
    ExecutorID,
    FrameworkID,
    FrameworkInfo,
    Label,
    Labels,
    Task,
    TaskID,
    TaskState,
    TaskStatus,
)
from mesostw.messages import agent_master as am
from mesostw.messages.convert import messages_of
from mesostw.messages.hello import Hello, Unwelcome, Welcome
from mesostw.messages.kinds import KINDS
from mesostw.model.resources import Resources
from mesostw.wire.codec import decode, encode
from mesostw.wire.framing import Frames

reactor: Any = _reactor
PREFACE = b"mesostw-bus/1\n"
#: Dials under way at once; more only fill the listener's backlog.
DIALLING_MAX = 400
PONG = encode(am.Pong())


def tell(**facts: object) -> None:
    """One line for whoever started us."""
    sys.stdout.write(json.dumps({"at": time.monotonic(), **facts}) + "\n")
    sys.stdout.flush()


class SimulatedAgent(Protocol):
    """One agent over one connection; its identity lives on in ``one``."""

    transport: Any

    def __init__(self, farm: Farm, one: Identity, address: str) -> None:
        self.farm, self.one, self.address = farm, one, address
        self.frames = Frames()
        self.out: list[bytes] = []

    def connectionMade(self) -> None:
        """Say hello and who we are."""
        self.transport.setTcpNoDelay(True)
        self.farm.dialling -= 1
        one = self.one
        hello = Hello(role="agent", id=one.agent_id, version=API_VERSION, address=one.address)
        self.transport.write(PREFACE + encode(hello))

    def introduction(self) -> bytes:
        """Register, or re-register with all tasks."""
        one = self.one
        if not one.agent_id:
            return encode(
                am.RegisterAgent(agent=one.info(), version=API_VERSION, address=one.address)
            )
        frameworks = (self.farm.framework,) if one.tasks else ()
        return encode(
            am.ReregisterAgent(
                agent=one.info(),
                version=API_VERSION,
                address=one.address,
                tasks=tuple(one.tasks.values()),
                frameworks=frameworks,
            )
        )

    def dataReceived(self, data: bytes) -> None:
        """Answer everything of a read with one write."""
        for kind, _, _, body in self.frames.take(data):
            message = decode(kind, body)
            if type(message) in ANSWERS:
                ANSWERS[type(message)](self, message)
        if self.out:
            self.transport.write(b"".join(self.out))
            self.out.clear()

    def welcome(self, message: Welcome) -> None:
        """The master is there."""
        self.farm.leader = self.address
        self.out.append(self.introduction())

    def unwelcome(self, message: Unwelcome) -> None:
        """Another leads, or nobody."""

    def registered(self, message: am.AgentRegistered | am.AgentReregistered) -> None:
        """We have an id."""
        self.one.agent_id = message.agent_id.value
        self.farm.is_registered(self.one)

    def ping(self, message: am.Ping) -> None:
        """We are there."""
        self.out.append(PONG)

    def run(self, message: am.RunTask) -> None:
        """A task starts, which takes no time at all."""
        framework = message.framework.id
        assert framework is not None
        task_id = message.task.task_id.value
        self.one.running[task_id] = framework
        self.status(framework, task_id, TaskState.TASK_RUNNING)

    def acknowledged(self, message: am.AcknowledgeStatus) -> None:
        """A task that runs finishes; one that has ended is forgotten."""
        task_id = message.task_id.value
        framework = self.one.running.pop(task_id, None)
        if framework is not None and not self.farm.holding:
            self.status(framework, task_id, TaskState.TASK_FINISHED)

    def kill(self, message: am.KillTask) -> None:
        """A task is killed."""
        self.status(message.framework_id, message.task_id.value, TaskState.TASK_KILLED)

    def status(self, framework: FrameworkID, task_id: str, state: TaskState) -> None:
        """Tell a state with a new uuid."""
        self.farm.statuses += 1
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            agent_id=AgentID(value=self.one.agent_id),
            executor_id=ExecutorID(value=task_id),
            timestamp=time.time(),
            uuid=self.farm.statuses.to_bytes(16, "big"),
        )
        self.out.append(
            encode(am.StatusUpdated(framework_id=framework, status=status, latest_state=state))
        )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The master is gone: come back soon, not all at once."""
        self.farm.is_lost(self.one)


ANSWERS: dict[type, Callable[[SimulatedAgent, Any], None]] = {
    Welcome: SimulatedAgent.welcome,
    Unwelcome: SimulatedAgent.unwelcome,
    am.AgentRegistered: SimulatedAgent.registered,
    am.AgentReregistered: SimulatedAgent.registered,
    am.Ping: SimulatedAgent.ping,
    am.RunTask: SimulatedAgent.run,
    am.AcknowledgeStatus: SimulatedAgent.acknowledged,
    am.KillTask: SimulatedAgent.kill,
}
assert set(ANSWERS) <= set(KINDS.values())


class Identity:
    """What an agent keeps over its connections."""

    __slots__ = ("address", "agent_id", "hostname", "resources", "running", "tasks")

    def __init__(self, number: int, resources: Resources) -> None:
        self.agent_id = ""
        self.hostname = f"sim-{number}"
        self.address = f"127.0.0.1:{10000 + number % 50000}"
        self.resources = messages_of(resources, None)
        self.running: dict[str, FrameworkID] = {}
        self.tasks: dict[str, Task] = {}

    def info(self) -> AgentInfo:
        """As it registers."""
        return AgentInfo(
            hostname=self.hostname,
            port=int(self.address.rsplit(":", 1)[1]),
            resources=self.resources,
            id=AgentID(value=self.agent_id) if self.agent_id else None,
        )


class Farm(ClientFactory):
    """All agents of this process."""

    noisy = False

    def __init__(self, options: argparse.Namespace) -> None:
        self.addresses: list[str] = options.master.split(",")
        #: Who leads, as far as anybody knows; one alone does.
        self.leader = "" if len(self.addresses) > 1 else options.master
        resources = Resources.parse(options.resources)
        first = options.first
        self.ones = [Identity(first + n, resources) for n in range(options.agents)]
        self.waiting = list(reversed(self.ones))
        self.dialling = 0
        self.registered: set[str] = set()
        self.statuses = options.first << 32
        self.holding = options.hold
        self.backoff_s = options.backoff
        self.framework = FrameworkInfo(user="bench", name="bench", checkpoint=True)
        self.options = options
        self.random = random.Random(first)

    def start(self) -> None:
        """Dial as many as may be under way."""
        while self.waiting and self.dialling < (DIALLING_MAX if self.leader else 1):
            self.dialling += 1
            one = self.waiting.pop()
            address = self.leader or self.random.choice(self.addresses)
            host, _, port = address.rpartition(":")
            reactor.connectTCP(host, int(port), Dial(self, one, address), timeout=10)
        reactor.callLater(0.005, self.start)

    def is_registered(self, one: Identity) -> None:
        """Count; tell when all are in."""
        self.registered.add(one.hostname)
        if len(self.registered) == 1:
            tell(event="first")
        if len(self.registered) == len(self.ones):
            tell(event="all_registered", agents=len(self.ones))
            if self.options.tasks:
                self.give_tasks()

    def is_away(self) -> None:
        """Whoever led may lead no more."""
        if len(self.addresses) > 1:
            self.leader = ""

    def give_tasks(self) -> None:
        """Have each agent hold tasks, for the next re-registration."""
        self.framework = FrameworkInfo(
            user="bench",
            name="bench",
            id=FrameworkID(value="bench-framework"),
            checkpoint=True,
            failover_timeout=3600.0,
        )
        need = messages_of(Resources.parse("cpus:0.1;mem:5"), "*")
        labels = Labels(labels=tuple(Label(key=f"k{n}", value=f"v{n}") for n in range(10)))
        for one in self.ones:
            for n in range(self.options.tasks):
                task_id = f"{one.hostname}-{n}"
                one.tasks[task_id] = Task(
                    name="held",
                    task_id=TaskID(value=task_id),
                    framework_id=FrameworkID(value="bench-framework"),
                    agent_id=AgentID(value=one.agent_id),
                    state=TaskState.TASK_RUNNING,
                    resources=need,
                    labels=labels,
                )

    def is_lost(self, one: Identity) -> None:
        """Dial again after a random wait in [0, back-off], as the original's agents do."""
        if one.hostname in self.registered:
            self.is_away()
            self.registered.discard(one.hostname)
            if len(self.registered) == len(self.ones) - 1:
                tell(event="lost")
        reactor.callLater(self.random.uniform(0, self.backoff_s), self.waiting.append, one)


class Dial(ClientFactory):
    """One connection attempt."""

    noisy = False

    def __init__(self, farm: Farm, one: Identity, address: str) -> None:
        self.farm, self.one, self.address = farm, one, address

    def buildProtocol(self, address: object) -> SimulatedAgent:
        """The agent on its new connection."""
        return SimulatedAgent(self.farm, self.one, self.address)

    def clientConnectionFailed(self, connector: object, reason: object) -> None:
        """Nobody listens now; try again soon, and elsewhere."""
        self.farm.is_away()
        self.farm.dialling -= 1
        self.farm.is_lost(self.one)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until killed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--master", default="127.0.0.1:5050")
    options.add_argument("--agents", type=int, default=1000)
    options.add_argument("--first", type=int, default=0, help="number of the first agent")
    options.add_argument("--tasks", type=int, default=0, help="held by each from then on")
    options.add_argument("--hold", action="store_true", help="tasks run until killed")
    options.add_argument("--backoff", type=float, default=1.0, help="seconds before a redial")
    options.add_argument("--resources", default="cpus:24;mem:4096;disk:4096;ports:[31000-32000]")
    farm = Farm(options.parse_args(arguments))
    reactor.callWhenRunning(farm.start)
    reactor.run()


if __name__ == "__main__":
    main()
