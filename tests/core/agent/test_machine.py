"""Whatever an agent hears, in whatever order, its invariants hold and all ends are told."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import ContainerExited, ContainerFailed, ContainerStarted
from mesostw.core.agent.fetches import Fetched, FetchFailed
from mesostw.core.agent.watches import Purpose, key_of
from mesostw.core.agent.words import CheckDue, CheckLate, RoomLeft
from mesostw.core.outcome import Answer, Asked, LinkClosed, LinkOpened, Refusal
from mesostw.core.probes import Probed
from mesostw.messages import executor_calls
from mesostw.messages.agent_master import (
    Ping,
    ShutdownExecutor,
    ShutdownFramework,
    StatusUpdated,
)
from mesostw.messages.commands import URI, CommandInfo
from mesostw.messages.health import CheckType
from mesostw.messages.ids import ExecutorID, FrameworkID, TaskID
from mesostw.messages.tasks import ExecutorInfo, TaskState, TaskStatus
from mesostw.model.ids import ContainerId, FrameworkId, LinkId, RequestId, TaskId
from mesostw.model.tasks import TERMINAL
from tests.core.agent.builders import (
    EPOCH,
    EXECUTOR,
    MASTER,
    World,
    command_task,
    executor_task,
    policy,
)
from tests.core.agent.checked import check, http

NAMES = ("a", "b", "x")
#: Killed at the second failure; a command every 5 s.
CHECKS: dict[str, Any] = {
    "health_check": http(grace_period_seconds=0.0, consecutive_failures=2),
    "check": check(CheckType.COMMAND, delay_seconds=1.0, interval_seconds=5.0),
}
FILES = CommandInfo(value="run", uris=(URI(value="/file"),))
F, E = FrameworkID(value="F"), ExecutorID(value="e")

Step = tuple[str, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "run",
                "kill",
                "started",
                "exited",
                "failed",
                "acknowledge",
                "pass",
                "close",
                "link",
                "restart",
                "executor",
                "update",
                "executor_gone",
                "shutdown_executor",
                "shutdown_framework",
                "room",
                "ping",
                "probed",
                "check_over",
                "fetched",
                "fetch_failed",
            )
        ),
        st.sampled_from(NAMES),
        st.integers(0, 3),
    ),
    max_size=60,
)


class Life:
    """
    An agent to which things happen.

    ``x`` is a task of a custom executor, which may have files; ``a`` is checked in both ways;
    ``b`` has files.
    """

    def __init__(self) -> None:
        self.world = World().registered()
        self.updates = 0
        self.nonce = 1
        self.ends: dict[bytes, TaskState] = {}

    def step(self, kind: str, name: str, number: int) -> None:
        getattr(self, kind)(name, number)

    def run(self, name: str, number: int) -> None:
        match name:
            case "x":
                command = FILES if number % 2 else CommandInfo(value="exec")
                executor = ExecutorInfo(executor_id=E, command=command)
                self.world.run(executor_task(name, executor=executor))
            case "a":
                self.world.run(command_task(name, **CHECKS))
            case _:
                self.world.run(command_task(name, command=FILES))

    def kill(self, name: str, number: int) -> None:
        self.world.kill(name, policy(number))

    def _container(self, name: str) -> ContainerId | None:
        task = self.world.agent.state.tasks.get((FrameworkId("F"), TaskId(name)))
        return None if task is None else task.container_id

    def started(self, name: str, number: int) -> None:
        if container := self._container(name):
            self.world.hear(ContainerStarted(container, 5))

    def exited(self, name: str, number: int) -> None:
        if container := self._container(name):
            status = None if number == 3 else number
            self.world.hear(ContainerExited(container, status, ""))

    def failed(self, name: str, number: int) -> None:
        if container := self._container(name):
            self.world.hear(ContainerFailed(container, "USER", "?"))

    def acknowledge(self, name: str, number: int) -> None:
        for one in self.world.said():
            if isinstance(one, StatusUpdated) and one.status.uuid is not None:
                self._remember(one)
                self.world.acknowledge(one)

    def _remember(self, one: StatusUpdated) -> None:
        uuid = one.status.uuid or b""
        assert self.ends.setdefault(uuid, one.status.state) is one.status.state

    def close(self, name: str, number: int) -> None:
        self.world.hear(LinkClosed(MASTER, "gone"))

    def link(self, name: str, number: int) -> None:
        self.world.registered()

    def restart(self, name: str, number: int) -> None:
        self.nonce += 1
        self.world = World(store=self.world.store, nonce=self.nonce)

    def executor(self, name: str, number: int) -> None:
        self.world.hear(LinkOpened(LinkId(2 + number), "executor", "F/e", "0.1.0", "l"))
        self.world.executor_says(executor_calls.Subscribe(), LinkId(2 + number))

    def update(self, name: str, number: int) -> None:
        self.updates += 1
        state = (TaskState.TASK_RUNNING, TaskState.TASK_FINISHED)[number % 2]
        status = TaskStatus(
            task_id=TaskID(value="x"), state=state, uuid=self.updates.to_bytes(16, "big")
        )
        self.world.executor_says(executor_calls.Update(status=status), LinkId(2 + number))

    def executor_gone(self, name: str, number: int) -> None:
        self.world.hear(LinkClosed(LinkId(2 + number), "gone"))

    def shutdown_executor(self, name: str, number: int) -> None:
        self.world.master_says(ShutdownExecutor(framework_id=F, executor_id=E, epoch=EPOCH))

    def shutdown_framework(self, name: str, number: int) -> None:
        self.world.master_says(ShutdownFramework(framework_id=F, epoch=EPOCH))

    def room(self, name: str, number: int) -> None:
        self.world.hear(RoomLeft(full=number % 2 == 0))

    def ping(self, name: str, number: int) -> None:
        self.world.master_says(Ping(connected=number > 0))

    def probed(self, name: str, number: int) -> None:
        if container := self._container(name):
            key = key_of(Purpose.HEALTH, container)
            error = "" if number else "connection refused"
            self.world.hear(Probed(key=key, status=(None, 200, 404, 503)[number], error=error))

    def check_over(self, name: str, number: int) -> None:
        """The command of a check has ended, with its check or after it."""
        for spec in self.world.launched():
            if spec.name.startswith("check "):
                self.world.hear(ContainerExited(spec.container_id, number << 8, ""))

    def fetched(self, name: str, number: int) -> None:
        if container := self._container(name):
            self.world.hear(Fetched(container))

    def fetch_failed(self, name: str, number: int) -> None:
        if container := self._container(name):
            self.world.hear(FetchFailed(container, "?"))

    def __getattr__(self, kind: str) -> object:
        if kind == "pass":
            return lambda name, number: self.world.passed(5.0 * number)
        raise AttributeError(kind)

    def settle(self) -> None:
        """Let faults stop: every container ends, every status is acknowledged."""
        for _ in range(4):
            self.world.registered()
            state = self.world.agent.state
            for container in (*state.containers, *state.executor_containers):
                self.world.hear(ContainerExited(container, 0, ""))
            self.world.passed(100.0)
            self.world.registered()
            while [one for one in self.world.effects if "StatusUpdated" in str(one)]:
                self.acknowledge("", 0)


class AnyOrderTests(SynchronousTestCase):
    """Lists of stimuli, with every invariant checked after each."""

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(STEPS)
    def test_any_order(self, steps: list[Step]) -> None:
        """Nothing that is heard breaks an invariant, and once faults stop all is told."""
        life = Life()
        for kind, name, number in steps:
            life.step(kind, name, number)
        life.settle()
        state = life.world.agent.state
        left = [task.state for task in state.tasks.values()]
        self.assertEqual(left, [])
        self.assertEqual(state.frameworks, {})
        checks = CheckDue, CheckLate
        self.assertEqual([one for one in life.world.timers if isinstance(one, checks)], [])
        self.assertEqual(set(life.world.store), {"identity/self"})

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(STEPS)
    def test_what_is_durable_is_all(self, steps: list[Step]) -> None:
        """A restart has the same records; live tasks only move to an end."""
        life = Life()
        for kind, name, number in steps:
            life.step(kind, name, number)
        before = life.world.agent.state
        after = World(store=life.world.store, nonce=99).agent.state
        for key, task in before.tasks.items():
            if before.frameworks[key[0]].terminating:
                continue
            if task.state in TERMINAL:
                self.assertEqual(after.tasks[key], task)
        self.assertEqual(before.identity, after.identity)


class QuestionTests(SynchronousTestCase):
    """Questions are answered, known or not."""

    def test_unknown(self) -> None:
        """A question that an agent does not know is refused."""
        world = World()
        world.hear(Asked(RequestId(1), Ping()))
        (answer,) = [one for one in world.effects if isinstance(one, Answer)]
        self.assertIsInstance(answer.value, Refusal)

    def test_strange_peers(self) -> None:
        """Words on unknown links, and words that make no sense there, change nothing."""
        world = World().registered()
        world.executor_says(executor_calls.Subscribe(), LinkId(77))
        world.master_says(executor_calls.Heartbeat())
        world.hear(LinkOpened(EXECUTOR, "executor", "F/e", "0.1.0", "l"))
        world.executor_says(executor_calls.Message(data=b""))
        self.assertEqual(world.agent.state.counters["unexpected_messages"], 2)
