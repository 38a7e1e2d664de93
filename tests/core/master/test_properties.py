"""Whatever is heard in whatever order, everything adds up and nobody is told a contradiction."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.words import (
    AgentActivationAsked,
    AgentGoneAsked,
    TaskKillAsked,
    TeardownAsked,
)
from mesostw.messages.agent_master import (
    AgentRegistered,
    ExecutorExited,
    RunTask,
    RunTaskGroup,
    StatusUpdated,
    UnregisterAgent,
)
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.scheduler_calls import (
    Accept,
    Decline,
    Kill,
    Message,
    Reconcile,
    Revive,
    Suppress,
    Teardown,
)
from mesostw.messages.scheduler_events import Offers, Subscribed
from mesostw.messages.tasks import TaskInfo, TaskState, TaskStatus
from mesostw.model.ids import AgentId, FrameworkId, TaskId
from tests.core.master.builders import (
    Bench,
    Peer,
    executor_info,
    framework_info,
    launch,
    task_info,
    task_message,
    told_framework,
)

Step: TypeAlias = tuple[str, int, int]
STATES = (
    TaskState.TASK_STARTING,
    TaskState.TASK_RUNNING,
    TaskState.TASK_KILLING,
    TaskState.TASK_FINISHED,
    TaskState.TASK_FAILED,
    TaskState.TASK_KILLED,
)


class World:
    """A few agents and frameworks that do anything at any time."""

    def __init__(self) -> None:
        self.bench = Bench(agent_reregister_timeout_s=100.0)
        self.agents: list[Peer] = []
        self.frameworks: list[Peer] = []
        self.links: list[Peer] = []
        self.offers: list[Offers] = []
        self.names = 0
        self.steps: dict[str, Callable[[int, int], None]] = {
            name.removeprefix("do_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }

    def take(self, step: Step) -> None:
        self.steps[step[0]](step[1], step[2])

    def an_agent(self, number: int) -> Peer | None:
        return self.agents[number % len(self.agents)] if self.agents else None

    def a_framework(self, number: int) -> Peer | None:
        return self.frameworks[number % len(self.frameworks)] if self.frameworks else None

    # --- agents -----------------------------------------------------------------

    def do_agent_comes(self, one: int, two: int) -> None:
        if len(self.agents) < 4:
            agent = self.bench.agent()
            if agent.all(AgentRegistered):
                self.agents.append(agent)

    def do_agent_is_cut(self, one: int, two: int) -> None:
        agent = self.an_agent(one)
        if agent is not None:
            agent.break_link()

    def do_agent_returns(self, one: int, two: int) -> None:
        agent = self.an_agent(one)
        if agent is None:
            return
        launched = self.launched(agent)
        kept = [task for at, task in enumerate(launched) if two >> (at % 8) & 1]
        back = self.bench.return_agent(
            agent.id,
            [
                task_message(
                    self.owner(framework_id),
                    agent.id,
                    task.task_id.value,
                    STATES[(two + at) % len(STATES)],
                    resources=task.resources,
                )
                for at, (framework_id, task) in enumerate(kept)
            ],
            [
                told_framework(self.owner(framework_id))
                for framework_id in dict.fromkeys(one[0] for one in kept)
            ],
        )
        back.told[:0] = agent.told
        self.agents[self.agents.index(agent)] = back

    def owner(self, framework_id: str) -> Peer:
        return next(one for one in self.frameworks if one.id == framework_id)

    def launched(self, agent: Peer) -> list[tuple[str, TaskInfo]]:
        tasks: dict[tuple[str, str], TaskInfo] = {}
        for message in agent.told:
            framework = message.framework if isinstance(message, RunTask | RunTaskGroup) else None
            if isinstance(message, RunTask) and framework is not None and framework.id is not None:
                tasks[framework.id.value, message.task.task_id.value] = message.task
        return [(key[0], task) for key, task in tasks.items()][-6:]

    def do_agent_reports(self, one: int, two: int) -> None:
        agent = self.an_agent(one)
        launched = [] if agent is None else self.launched(agent)
        if agent is not None and launched:
            framework_id, task = launched[two % len(launched)]
            agent.say(
                StatusUpdated(
                    framework_id=FrameworkID(value=framework_id),
                    status=TaskStatus(
                        task_id=task.task_id, state=STATES[two % len(STATES)], uuid=b"u" * 16
                    ),
                    latest_state=STATES[one % len(STATES)] if two % 3 == 0 else None,
                )
            )

    def do_agent_leaves(self, one: int, two: int) -> None:
        agent = self.an_agent(one)
        if agent is not None and two % 4 == 0:
            agent.say(UnregisterAgent(agent_id=AgentID(value=agent.id)))

    def do_executor_exits(self, one: int, two: int) -> None:
        agent, framework = self.an_agent(one), self.a_framework(two)
        if agent is not None and framework is not None:
            agent.say(
                ExecutorExited(
                    framework_id=FrameworkID(value=framework.id),
                    executor_id=ExecutorID(value="e1"),
                )
            )

    def do_operator(self, one: int, two: int) -> None:
        agent, framework = self.an_agent(one), self.a_framework(one)
        if agent is not None and two % 3 == 0:
            active = bool(one % 2)
            self.bench.ask(AgentActivationAsked(AgentId(agent.id), active=active))
        elif agent is not None and two % 7 == 1:
            self.bench.ask(AgentGoneAsked(AgentId(agent.id)))
        elif framework is not None and two % 7 == 2:
            self.bench.ask(TeardownAsked(FrameworkId(framework.id)))

    # --- frameworks -------------------------------------------------------------

    def do_framework_comes(self, one: int, two: int) -> None:
        if len(self.frameworks) < 4:
            capabilities = ("PARTITION_AWARE",) if one % 2 else ()
            info = framework_info(
                capabilities=capabilities,
                checkpoint=bool(two % 2),
                failover_timeout=float(two % 3 * 50),
            )
            self.frameworks.append(self.bench.framework(info))

    def do_framework_is_cut(self, one: int, two: int) -> None:
        framework = self.a_framework(one)
        if framework is not None:
            framework.break_link()

    def do_framework_returns(self, one: int, two: int) -> None:
        framework = self.a_framework(one)
        if framework is not None:
            back = self.bench.framework(told_framework(framework))
            if back.all(Subscribed):
                back.told[:0] = framework.told
                self.frameworks[self.frameworks.index(framework)] = back

    def do_framework_accepts(self, one: int, two: int) -> None:
        framework = self.a_framework(one)
        events = [] if framework is None else framework.all(Offers)
        if framework is None or not events:
            return
        # Often the last offers, sometimes old ones again.
        event = events[-1 - (two % 3 if two % 5 == 0 else 0) % len(events)]
        offer = event.offers[one % len(event.offers)]
        self.names += 1
        name = f"t{self.names if two % 6 else self.names // 2}"
        executor = {"executor": executor_info()} if two % 4 == 0 else {}
        size = "cpus:1;mem:64" if two % 7 else "cpus:9;mem:64"
        task = task_info(name, offer.agent_id.value, size, **executor)
        framework.say(Accept(offer_ids=(offer.id,), operations=(launch(task),)))

    def do_framework_declines(self, one: int, two: int) -> None:
        framework = self.a_framework(one)
        events = [] if framework is None else framework.all(Offers)
        if framework is not None and events:
            framework.say(Decline(offer_ids=tuple(o.id for o in events[-1].offers)))

    def do_framework_acknowledges(self, one: int, two: int) -> None:
        framework = self.a_framework(one)
        updates = [] if framework is None else framework.updates()
        if framework is not None and updates:
            status = updates[two % len(updates)]
            agent = next(
                (a for a in self.agents if status.agent_id and a.id == status.agent_id.value), None
            )
            if agent is not None:
                self.bench.acknowledge(framework, agent, status.task_id.value)

    def do_framework_asks(self, one: int, two: int) -> None:
        framework, agent = self.a_framework(one), self.an_agent(two)
        if framework is None:
            return
        agent_id = AgentID(value="S0" if agent is None else agent.id)
        framework.say(
            (
                Reconcile(),
                Suppress(),
                Revive(),
                Kill(task_id=TaskID(value=f"t{one}")),
                Message(agent_id=agent_id, executor_id=ExecutorID(value="e1"), data=b"x"),
                Teardown(),
            )[two % 6 if two % 5 == 0 else two % 5]
        )

    def do_operator_kills(self, one: int, two: int) -> None:
        framework = self.a_framework(one)
        if framework is not None:
            asked = TaskKillAsked(FrameworkId(framework.id), TaskId(f"t{two % (self.names + 1)}"))
            self.bench.ask(asked)

    # --- time and the master ----------------------------------------------------

    def do_time(self, one: int, two: int) -> None:
        self.bench.pass_time((0.02, 1.0, 6.0, 40.0)[one % 4], ponging=two % 4 != 0)

    def do_restart(self, one: int, two: int) -> None:
        if two % 4 == 0:
            kills = self.bench.master.state.kills
            self.bench.restart()
            assert self.bench.master.state.kills == kills, "kills are not those that were kept"


NAMES = sorted(World().steps)
#: What makes a long list interesting comes more often.
OFTEN = NAMES + 3 * [
    "framework_accepts",
    "agent_reports",
    "framework_acknowledges",
    "agent_returns",
    "framework_returns",
    "time",
]
STEPS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 255), st.integers(0, 255)),
    max_size=60,
)


class PropertyTests(SynchronousTestCase):
    """Lists of anything."""

    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(STEPS)
    def test_everything_adds_up(self, steps: list[Step]) -> None:
        """``check`` holds after every stimulus, and no task is launched twice."""
        world = World()
        for step in (("agent_comes", 0, 0), ("framework_comes", 1, 1), ("time", 0, 1), *steps):
            world.take(step)
        world.bench.master.check()

    def test_long_lives(self) -> None:
        """The same over longer lists, of which hypothesis makes few."""
        for seed in range(25):
            chance, world = random.Random(seed), World()
            for step in (("agent_comes", 0, 0), ("framework_comes", 1, 1)):
                world.take(step)
            for _ in range(120):
                world.take((chance.choice(OFTEN), chance.randrange(256), chance.randrange(256)))
