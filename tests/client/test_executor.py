"""An executor tells its agent everything at least once, whatever breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mesostw.client.executor import HEARTBEAT_S, Executor, ExecutorClient, ExecutorRefused
from mesostw.core.outcome import Heard, LinkClosed, LinkOpened
from mesostw.interfaces import IClock, IDialer
from mesostw.messages import executor_calls as calls
from mesostw.messages import executor_events as events
from mesostw.messages.agents import AgentInfo
from mesostw.messages.commands import CommandInfo
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import AgentID, ExecutorID, TaskID
from mesostw.messages.tasks import ExecutorInfo, TaskGroupInfo, TaskInfo, TaskState
from mesostw.model.ids import LinkId
from mesostw.testing.recorders import RecordingExchange

WELCOME = events.Subscribed(
    executor_info=ExecutorInfo(executor_id=ExecutorID(value="e")),
    framework_info=FrameworkInfo(user="u", name="f"),
    agent_info=AgentInfo(hostname="h"),
)


def task(name: str = "t") -> TaskInfo:
    """A task for the executor."""
    return TaskInfo(
        name=name, task_id=TaskID(value=name), agent_id=AgentID(value="S"), command=CommandInfo()
    )


@implementer(IClock)
class Wall(Clock):
    """Virtual time."""

    def wall(self) -> float:
        return 1_700_000_000.0 + self.seconds()


class Links(RecordingExchange):
    """Keeps what is said on links, in one list."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Struct] = []

    def send(self, link: LinkId, messages: Sequence[Struct]) -> None:
        self.told += messages


@implementer(IDialer)
class Dials:
    """Never comes through by itself."""

    hung_up = False

    def dial(self, address: str) -> Callable[[], None]:
        return self._hang_up

    def _hang_up(self) -> None:
        self.hung_up = True


class Recorder(Executor):
    """Runs a task by saying so."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def registered(self, subscribed: events.Subscribed) -> None:
        self.heard.append("registered")

    async def launched(self, task: TaskInfo) -> None:
        if task.name == "broken":
            raise ValueError("no such thing")
        self.driver.update(task.task_id, TaskState.TASK_RUNNING)

    async def killed(self, task_id: str, policy: KillPolicy | None) -> None:
        self.driver.update(task_id, TaskState.TASK_KILLED)

    async def message(self, content: bytes) -> None:
        self.driver.send(content)

    async def shutdown(self) -> None:
        self.heard.append("shutdown")

    async def disconnected(self) -> None:
        self.heard.append("disconnected")


class ExecutorTests(SynchronousTestCase):
    """An executor over links that come and go."""

    def setUp(self) -> None:
        self.clock, self.links, self.dials = Wall(), Links(), Dials()
        self.executor = Recorder()
        self.client = ExecutorClient(
            self.clock,
            self.links,
            self.dials,
            self.executor,
            b"12345678",
            60.0,
        )
        self.ended = self.client.start("h:1")

    def open(self, number: int = 1) -> calls.Subscribe:
        """A link opens, and the agent welcomes; what was said first."""
        self.links.told.clear()
        self.client.tell([LinkOpened(LinkId(number), "agent", "S", "0.1.0", "h:1")])
        (subscribe,) = self.links.told
        assert isinstance(subscribe, calls.Subscribe)
        self.hear(WELCOME, number)
        self.links.told.clear()
        return subscribe

    def hear(self, event: Struct, number: int = 1) -> None:
        self.client.tell([Heard(LinkId(number), event)])

    def updates(self) -> list[calls.Update]:
        return [one for one in self.links.told if isinstance(one, calls.Update)]

    def keep(self, update: calls.Update, number: int = 1) -> None:
        """The agent acknowledges."""
        uuid = update.status.uuid or b""
        self.hear(events.Acknowledged(task_id=update.status.task_id, uuid=uuid), number)

    def test_task(self) -> None:
        """A launch leads to an update with all that the API wants."""
        self.assertEqual(self.open(), calls.Subscribe())
        self.hear(events.Launch(task=task()))
        (update,) = self.updates()
        self.assertEqual(len(update.status.uuid or b""), 16)
        self.assertEqual(update.status.timestamp, 1_700_000_000.0)
        self.assertEqual(self.client.unacknowledged, 1)
        self.keep(update)
        self.assertEqual(self.client.unacknowledged, 0)

    def test_said_again(self) -> None:
        """What was not kept is told to the agent that comes back, in order."""
        self.open()
        self.hear(events.LaunchGroup(task_group=TaskGroupInfo(tasks=(task("a"), task("b")))))
        first, second = self.updates()
        self.keep(first)
        self.client.tell([LinkClosed(LinkId(1), "gone")])
        self.client.update("b", TaskState.TASK_FINISHED)
        again = self.open(2)
        self.assertEqual(again.unacknowledged_tasks, (task("b"),))
        self.assertEqual(again.unacknowledged_updates[0], second)
        self.assertIs(again.unacknowledged_updates[1].status.state, TaskState.TASK_FINISHED)
        self.assertEqual(self.executor.heard, ["registered", "disconnected", "registered"])

    def test_raised(self) -> None:
        """A task whose callback raises has failed with that message."""
        self.open()
        self.hear(events.Launch(task=task("broken")))
        (update,) = self.updates()
        self.assertIs(update.status.state, TaskState.TASK_FAILED)
        self.assertEqual(update.status.message, "no such thing")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_shutdown(self) -> None:
        """The end waits for the agent to have kept every update."""
        self.open()
        self.hear(events.Launch(task=task()))
        (update,) = self.updates()
        self.hear(events.Shutdown())
        self.assertNoResult(self.ended)
        self.keep(update)
        self.successResultOf(self.ended)
        self.assertTrue(self.dials.hung_up)

    def test_kill_and_message(self) -> None:
        """Kills and messages reach the executor; bytes go back."""
        self.open()
        self.hear(events.Kill(task_id=TaskID(value="t")))
        self.hear(events.Message(data=b"\0\xff"))
        update, message = self.links.told
        assert isinstance(update, calls.Update)
        self.assertIs(update.status.state, TaskState.TASK_KILLED)
        self.assertEqual(message, calls.Message(data=b"\0\xff"))

    def test_refused(self) -> None:
        """An executor that the agent does not know ends with the agent's words."""
        self.open()
        self.hear(events.Error(message="not known"))
        self.assertIn("not known", str(self.failureResultOf(self.ended, ExecutorRefused)))

    def test_never_back(self) -> None:
        """An agent that does not come back in time is given up."""
        self.open()
        self.client.tell([LinkClosed(LinkId(1), "gone")])
        self.clock.advance(59.0)
        self.assertNoResult(self.ended)
        self.clock.advance(2.0)
        self.failureResultOf(self.ended, ExecutorRefused)

    def test_heartbeat(self) -> None:
        """An idle executor says every 30 minutes that it is there."""
        self.open()
        self.clock.advance(HEARTBEAT_S)
        self.clock.advance(HEARTBEAT_S)
        self.assertEqual(self.links.told, [calls.Heartbeat()] * 2)
