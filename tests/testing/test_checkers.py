"""What the checker complains about, word by word."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import ContainerSpec
from mesostw.core.master.changes import OfferMade
from mesostw.core.master.records import Offer
from mesostw.core.master.state import ClusterState
from mesostw.messages import TaskID, TaskStatus
from mesostw.model.ids import AgentId, ContainerId, FrameworkId, OfferId
from mesostw.model.resources import EMPTY, Resources
from mesostw.model.tasks import TaskState
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.testing.checkers import Checker, differences
from mesostw.testing.clock import HeapClock
from mesostw.testing.frameworks import Attempt, Job, Worker, framework_info


class OneMachine:
    """A machine that runs what a test says."""

    def __init__(self) -> None:
        self.name = "a0"
        self.total = Resources.parse("cpus:4")
        self.disk = MemoryDisk()
        self.running: Mapping[ContainerId, ContainerSpec] = {}
        self.agent_id = AgentId("S0")


def spec(container_id: str, task_id: str = "f0-0-0") -> ContainerSpec:
    """A container of a task."""
    return ContainerSpec(
        container_id=ContainerId(container_id),
        argv=("sh",),
        environment={"MESOS_FRAMEWORK_ID": "F", "MESOS_EXECUTOR_ID": task_id},
        directory="/",
    )


def status(state: TaskState, uuid: bytes | None = None, task_id: str = "f0-0-0") -> TaskStatus:
    """A status of a task."""
    return TaskStatus(task_id=TaskID(value=task_id), state=state, uuid=uuid)


class CheckerTests(SynchronousTestCase):
    """Each rule, kept and broken."""

    def setUp(self) -> None:
        self.wrong: list[str] = []
        self.view = ClusterState()
        self.machine = OneMachine()
        self.checker = Checker(
            self.wrong.append, lambda: self.view, lambda _task_id: Resources.parse("cpus:3")
        )
        self.worker = Worker(
            "f0",
            framework_info("f0", Random(1)),
            [Job(0, 0.0, "cpus:3", "finish", 1.0)],
            HeapClock(),
            Random(1),
            MemoryStore(),
            self.checker,
        )
        self.worker.framework_id = "F"
        self.worker.attempts["f0-0-0"] = Attempt(0, "S0")

    def launch(self, container_id: str) -> None:
        """Have the machine run a container that is kept."""
        self.machine.disk.records["tasks/F/f0-0-0"] = b""
        one = spec(container_id)
        self.machine.running = {**self.machine.running, one.container_id: one}
        self.checker.launched(self.machine, one)

    def test_launched_twice(self) -> None:
        """A task has one container, ever."""
        self.launch("c1")
        self.assertEqual(self.wrong, [])
        self.machine.running = {}
        self.launch("c2")
        self.assertIn("launched twice", self.wrong[0])

    def test_launched_before_it_was_kept(self) -> None:
        """A container starts only for a task that the agent's disk has."""
        self.checker.launched(self.machine, spec("c1"))
        self.assertIn("before it was kept", self.wrong[0])

    def test_offered_twice(self) -> None:
        """What is used is not offered."""
        self.launch("c1")
        offer = Offer(
            OfferId("O1"),
            FrameworkId("F"),
            AgentId("S0"),
            "*",
            Resources.parse("cpus:2"),
            0.0,
        )
        self.view.apply(OfferMade(offer))
        self.checker.fits(self.machine)
        self.assertIn("cpus:3 is used and cpus:2 is offered", self.wrong[0])

    def test_older_master(self) -> None:
        """An agent goes with newer masters only."""
        for epoch in (1, 2, 2):
            self.checker.obeys("a0", epoch)
        self.assertEqual(self.wrong, [])
        self.checker.obeys("a0", 1)
        self.assertIn("epoch 1 after one of epoch 2", self.wrong[0])

    def test_other_end(self) -> None:
        """An acknowledged end is repeated at most."""
        finished = status(TaskState.TASK_FINISHED, b"1")
        self.checker.told(self.worker, finished)
        self.checker.acknowledging(self.worker, finished)
        self.checker.told(self.worker, finished)
        self.assertEqual(self.wrong, [])
        self.checker.told(self.worker, status(TaskState.TASK_FAILED, b"2"))
        self.assertIn("TASK_FINISHED for good and is now TASK_FAILED", self.wrong[0])

    def test_repeated_answer(self) -> None:
        """What a master had said before the end may come twice, but it says nothing new of it."""
        finished = status(TaskState.TASK_FINISHED, b"1")
        answer = replace(status(TaskState.TASK_RUNNING), timestamp=7.0)
        for one in (answer, finished):
            self.checker.told(self.worker, one)
        self.checker.acknowledging(self.worker, finished)
        for one in (answer, finished):
            self.checker.told(self.worker, one)
        self.assertEqual(self.wrong, [])
        self.checker.told(self.worker, replace(answer, timestamp=7.5))
        self.assertIn("TASK_FINISHED for good and is now TASK_RUNNING", self.wrong[0])

    def test_back_from_the_gone(self) -> None:
        """Who was said to be gone does not run, but who is lost may."""
        for lost in (TaskState.TASK_LOST, TaskState.TASK_UNREACHABLE):
            self.checker.told(self.worker, status(lost))
            self.checker.told(self.worker, status(TaskState.TASK_RUNNING))
        self.assertEqual(self.wrong, [])
        self.checker.told(self.worker, status(TaskState.TASK_GONE))
        self.checker.told(self.worker, status(TaskState.TASK_RUNNING, b"1"))
        self.assertIn("said to be TASK_GONE", self.wrong[0])

    def test_forgotten_end(self) -> None:
        """A framework that wakes up knows every end that it acknowledged."""
        finished = status(TaskState.TASK_FINISHED, b"1")
        self.checker.acknowledging(self.worker, finished)
        self.checker.awake(self.worker)
        self.assertIn("has lost it", self.wrong[0])
        self.wrong.clear()
        self.worker.attempts["f0-0-0"] = Attempt(0, "S0", TaskState.TASK_FINISHED, True)
        self.checker.awake(self.worker)
        self.assertEqual(self.wrong, [])

    def test_refused_and_unwanted(self) -> None:
        """No task of ours is in error, and nobody is told of another's."""
        self.checker.told(self.worker, status(TaskState.TASK_ERROR))
        self.checker.told(self.worker, status(TaskState.TASK_RUNNING, task_id="f0-0-9"))
        self.assertIn("is refused", self.wrong[0])
        self.assertIn("never wanted", self.wrong[1])

    def test_differences(self) -> None:
        """Tables of readers are compared by what is in them."""
        other = ClusterState()
        offer = Offer(OfferId("O1"), FrameworkId("F"), AgentId("S0"), "*", EMPTY, 0.0)
        self.view.apply(OfferMade(offer))
        self.assertEqual(
            differences(other, self.view), ["agent_loads", "framework_loads", "offers"]
        )
        other.apply(OfferMade(offer))
        self.assertEqual(differences(other, self.view), [])
