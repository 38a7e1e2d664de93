"""A framework that runs one command many times."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.client.commands import ATTEMPTS_MAX, CommandRun, Instance, exit_status_of
from mesostw.messages import CommandInfo, FrameworkInfo
from mesostw.messages.scheduler_calls import Accept, Decline, Kill, Suppress
from mesostw.model.resources import Resources
from mesostw.model.tasks import TaskState
from mesostw.testing.scheduler import MemoryMaster


class CommandRunTests(SynchronousTestCase):
    """Every instance is launched once, followed to its end, and summed up."""

    def setUp(self) -> None:
        self.master = MemoryMaster()
        self.finished = 0
        self.moved: list[Instance] = []

    def start(self, instances: int) -> CommandRun:
        """A run of ``instances`` with a cpu each."""
        run = CommandRun(
            "job",
            CommandInfo(value="true"),
            instances,
            Resources.parse("cpus:1"),
            self.moved.append,
            self.finish,
        )
        self.master.client(run, FrameworkInfo(user="me", name="run"))
        return run

    def finish(self) -> None:
        """Count the ends."""
        self.finished += 1

    def launched(self) -> list[str]:
        """Every task id launched so far."""
        return [
            task.task_id.value
            for accept in self.master.calls_of(Accept)
            for operation in accept.operations
            if operation.launch
            for task in operation.launch.task_infos
        ]

    def test_fills_offers(self) -> None:
        """An offer takes as many instances as fit; when none waits no more offers are wanted."""
        run = self.start(3)
        self.master.offer("cpus:2;mem:64")
        self.assertEqual(self.launched(), ["job-0", "job-1"])
        self.assertEqual((run.waiting, self.master.calls_of(Suppress)), (1, []))
        self.master.offer("cpus:2;mem:64")
        self.assertEqual(self.launched(), ["job-0", "job-1", "job-2"])
        self.assertEqual(len(self.master.calls_of(Suppress)), 1)

    def test_too_small(self) -> None:
        """An offer that fits nothing is declined."""
        self.start(1)
        self.master.offer("cpus:0.5")
        self.assertEqual(len(self.master.calls_of(Decline)), 1)

    def test_shortfall(self) -> None:
        """What keeps a run waiting is told by the most that was offered of each resource."""
        run = self.start(1)
        self.assertEqual(run.shortfall(), "")
        self.master.offer("cpus:0.25;mem:64")
        self.master.offer("cpus:0.5;mem:32")
        self.assertEqual(run.shortfall(), "1 cpus wanted, 0.5 offered at most")

    def test_worst_exit_status(self) -> None:
        """The run ends once with the worst status of all."""
        run = self.start(2)
        self.master.offer("cpus:2")
        self.master.update("job-0", TaskState.TASK_FINISHED)
        self.assertEqual(self.finished, 0)
        self.master.update("job-1", TaskState.TASK_FAILED, "Command exited with status 3")
        self.assertEqual((self.finished, run.exit_status()), (1, 3))

    def test_never_ran(self) -> None:
        """An instance dropped on its way is started again under another id, a few times at most."""
        run = self.start(1)
        for attempt in range(1, ATTEMPTS_MAX + 1):
            self.master.offer("cpus:1")
            task_id = "job-0" if attempt == 1 else f"job-0.{attempt}"
            self.assertEqual(self.launched()[-1], task_id)
            self.master.update(task_id, TaskState.TASK_DROPPED)
        self.assertEqual((self.finished, run.exit_status()), (1, 1))

    def test_repeated_updates(self) -> None:
        """A status that comes twice, or late, changes nothing."""
        run = self.start(1)
        self.master.offer("cpus:1")
        self.master.update("job-0", TaskState.TASK_FINISHED)
        self.master.update("job-0", TaskState.TASK_RUNNING)
        self.assertEqual(run.states()[TaskState.TASK_FINISHED], 1)

    def test_cancel(self) -> None:
        """What runs is killed, what waits is forgotten, and then the run has ended."""
        run = self.start(2)
        self.master.offer("cpus:1")
        run.cancel()
        self.assertEqual([kill.task_id.value for kill in self.master.calls_of(Kill)], ["job-0"])
        self.master.update("job-0", TaskState.TASK_KILLED)
        self.assertEqual(self.finished, 1)

    def test_exit_statuses(self) -> None:
        """A status says what a shell would have said."""
        for state, message, expected in (
            (TaskState.TASK_FINISHED, "", 0),
            (TaskState.TASK_FAILED, "Command exited with status 7", 7),
            (TaskState.TASK_FAILED, "Command terminated with signal Killed (9)", 137),
            (TaskState.TASK_FAILED, "Command terminated with signal 15", 143),
            (TaskState.TASK_LOST, "agent gone", 1),
        ):
            one = Instance(0, state=state, message=message)
            self.assertEqual(exit_status_of(one), expected, message)
