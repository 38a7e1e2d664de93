"""
An executor: one process that runs many tasks of a framework.

A framework names this file in ``ExecutorInfo.command``; the agent starts it with the first
task.  A task's ``data`` is a number of seconds; each task sleeps so long and finishes, or
is killed before.  What the scheduler says comes back as it was said.
"""

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater, react

from mesostw.client.executor import Executor, run
from mesostw.messages.health import KillPolicy
from mesostw.messages.tasks import TaskInfo, TaskState


class Sleeper(Executor):
    """Sleeps for every task at the same time."""

    def __init__(self) -> None:
        self._asleep: dict[str, Deferred[None]] = {}

    async def launched(self, task: TaskInfo) -> None:
        """Say that the task runs, sleep, and say how it ended."""
        self.driver.update(task.task_id, TaskState.TASK_RUNNING)
        seconds = float(task.data or b"0")
        asleep = self._asleep[task.task_id.value] = deferLater(reactor, seconds)
        try:
            await asleep
        except CancelledError:
            self.driver.update(task.task_id, TaskState.TASK_KILLED)
        else:
            self.driver.update(task.task_id, TaskState.TASK_FINISHED, message="slept well")
        finally:
            del self._asleep[task.task_id.value]

    async def killed(self, task_id: str, policy: KillPolicy | None) -> None:
        """Wake one task up."""
        if task_id in self._asleep:
            self._asleep[task_id].cancel()

    async def message(self, content: bytes) -> None:
        """Give it back."""
        self.driver.send(content)

    async def shutdown(self) -> None:
        """Wake all tasks up."""
        for asleep in list(self._asleep.values()):
            asleep.cancel()


if __name__ == "__main__":
    react(lambda _: run(reactor, Sleeper()))
