"""
A small master for a long simulation of Chronos: offers, tasks, and what is said of them.

It stands where the scheduler client stands, at the words of ``mesostw.core.scheduling``, so
there is neither bus nor wire.  Its two agents never run out of anything.  What it says is said
again until it is acknowledged, to whatever life of Chronos is connected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall

from mesostw.core.scheduling import (
    AcceptOffers,
    AcknowledgeStatus,
    DeclineOffers,
    KillTask,
    MasterLost,
    Offered,
    ReconcileTasks,
    Registered,
    ReviveOffers,
    StatusCame,
    SuppressOffers,
)
from mesostw.interfaces import IClock, IInbox
from mesostw.messages.convert import messages_of
from mesostw.messages.ids import AgentID, FrameworkID, OfferID, TaskID
from mesostw.messages.offers import Offer
from mesostw.messages.resources import AllocationInfo
from mesostw.messages.tasks import TaskStatus, TaskStatusReason, TaskStatusSource
from mesostw.model.ids import FrameworkId
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL, TaskState

FRAMEWORK: Final = FrameworkId("F")
AGENTS: Final = ("A0", "A1")
#: Between two rounds of offers that nobody asked for; a master's come more often.
ROUND_S: Final = 5.0
#: How long what is said is under way, and how soon a task that was launched runs.
UNDER_WAY_S: Final = 0.005
LAUNCH_S: Final = 0.05
_RESOURCES: Final = messages_of(Resources.parse("cpus:64;mem:65536"), "*", refined=False)


class Task(Struct):
    """A task that has not ended."""

    id: str
    agent: str
    state: TaskState = TaskState.TASK_STAGING


class SmallMaster:
    """
    Offers, launches, and says what becomes of tasks.

    :param began: called with a task that begins; gives how long it takes, in seconds, and
        whether it ends well.
    :param ended: called with a task that comes to its end, or is lost (``None``).
    """

    def __init__(
        self,
        clock: IClock,
        began: Callable[[Task], tuple[float, bool]],
        ended: Callable[[Task, bool | None], None],
    ) -> None:
        self._clock, self._began, self._ended = clock, began, ended
        self.tasks: dict[str, Task] = {}
        self.launched = self.acknowledged = 0
        #: Not acknowledged yet, by their uuid.
        self.owed: dict[bytes, TaskStatus] = {}
        self._inbox: IInbox | None = None
        self._saying: list[object] = []
        self._offers: dict[str, str] = {}
        self._refused_until: dict[str, float] = {}
        self._suppressed = False
        self._round_due: IDelayedCall | None = None
        self._numbered = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is offered."""
        return self._inbox is None or self._suppressed

    # --- who listens ----------------------------------------------------------------------

    def connect(self, inbox: IInbox) -> None:
        """Chronos is there, and hears what it has not acknowledged."""
        self._inbox, self._suppressed = inbox, False
        self._offers.clear()
        self._refused_until.clear()
        self._say(Registered(FRAMEWORK, None), *map(StatusCame, self.owed.values()))
        self._go_round()

    def part(self) -> None:
        """Chronos is gone."""
        self._inbox = None
        self._saying.clear()

    def lose(self) -> None:
        """The master is gone, and Chronos sees it."""
        if self._inbox is not None:
            self._inbox.tell((MasterLost(),))
        self.part()

    def _say(self, *stimuli: object) -> None:
        if self._inbox is not None:
            if not self._saying:
                self._clock.callLater(UNDER_WAY_S, self._said, self._inbox)
            self._saying += stimuli

    def _said(self, inbox: IInbox) -> None:
        if self._inbox is inbox and self._saying:
            saying, self._saying = self._saying, []
            inbox.tell(saying)

    # --- offers ---------------------------------------------------------------------------

    def _go_round(self) -> None:
        if self._round_due is not None:
            self._round_due.cancel()
        self._round_due = self._clock.callLater(0, self._round)

    def _round(self) -> None:
        self._round_due = None
        if self.is_quiet:
            return
        self._round_due = self._clock.callLater(ROUND_S, self._round)
        now, out = self._clock.seconds(), set(self._offers.values())
        free = [
            one for one in AGENTS if one not in out and self._refused_until.get(one, 0.0) <= now
        ]
        if free:
            self._say(Offered(tuple(map(self._offer, free))))

    def _offer(self, agent: str) -> Offer:
        self._numbered += 1
        name = f"O{self._numbered}"
        self._offers[name] = agent
        return Offer(
            id=OfferID(value=name),
            framework_id=FrameworkID(value=FRAMEWORK),
            agent_id=AgentID(value=agent),
            hostname=f"{agent}.test",
            resources=_RESOURCES,
            allocation_info=AllocationInfo(role="*"),
        )

    def _refuse(self, offer_ids: Iterable[str], refuse_s: float) -> None:
        until = self._clock.seconds() + refuse_s
        for offer_id in offer_ids:
            agent = self._offers.pop(offer_id, None)
            if agent is not None:
                self._refused_until[agent] = until

    # --- calls ----------------------------------------------------------------------------

    def called(self, effect: object) -> None:
        """
        Do what Chronos calls for.

        :raises AssertionError: nobody knows the call
        """
        match effect:
            case AcknowledgeStatus(status):
                self.acknowledged += 1
                self.owed.pop(status.uuid or b"", None)
            case AcceptOffers(offer_ids, operations, refuse_s):
                agents = [self._offers[one] for one in offer_ids if one in self._offers]
                self._refuse(offer_ids, refuse_s)
                for operation in operations:
                    for task in () if operation.launch is None else operation.launch.task_infos:
                        self._launch(task.task_id.value, agents)
            case ReconcileTasks(tasks):
                self._tell_of(tasks or self.tasks)
            case KillTask(task_id):
                if task_id in self.tasks:
                    self._end(self.tasks[task_id], TaskState.TASK_KILLED, None)
            case _:
                self._flow(effect)

    def _flow(self, effect: object) -> None:
        match effect:
            case DeclineOffers(offer_ids, refuse_s):
                self._refuse(offer_ids, refuse_s)
            case ReviveOffers():
                self._suppressed = False
                self._refused_until.clear()
                self._go_round()
            case SuppressOffers():
                self._suppressed = True
            case _:
                raise AssertionError(f"nobody knows {effect!r}")

    def _tell_of(self, task_ids: Iterable[str]) -> None:
        owed = {one.task_id.value: one for one in self.owed.values()}
        for task_id in task_ids:
            task = self.tasks.get(task_id)
            if task is not None:
                self._reconcile(task_id, task.state)
            elif task_id in owed:
                self._reconcile(task_id, owed[task_id].state)
            else:
                self._reconcile(task_id, TaskState.TASK_GONE)

    def _reconcile(self, task_id: str, state: TaskState) -> None:
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            source=TaskStatusSource.SOURCE_MASTER,
            reason=TaskStatusReason.REASON_RECONCILIATION,
        )
        self._say(StatusCame(status))

    # --- tasks ----------------------------------------------------------------------------

    def _launch(self, task_id: str, agents: list[str]) -> None:
        self.launched += 1
        if not agents:
            # The offer was another life's.
            self._update(task_id, TaskState.TASK_DROPPED, TaskStatusSource.SOURCE_MASTER)
            return
        task = self.tasks[task_id] = Task(task_id, agents[0])
        self._clock.callLater(LAUNCH_S, self._begin, task)

    def _begin(self, task: Task) -> None:
        if self.tasks.get(task.id) is task:
            task.state = TaskState.TASK_RUNNING
            self._update(task.id, task.state)
            takes_s, well = self._began(task)
            state = TaskState.TASK_FINISHED if well else TaskState.TASK_FAILED
            self._clock.callLater(takes_s, self._end, task, state, well)

    def _end(self, task: Task, state: TaskState, well: bool | None) -> None:
        if self.tasks.get(task.id) is task:
            del self.tasks[task.id]
            if task.state is TaskState.TASK_RUNNING:
                self._ended(task, well)
            task.state = state
            self._update(task.id, state)

    def lose_agent(self, agent: str) -> list[str]:
        """A machine goes down and comes back with nothing; which tasks went with it."""
        lost = [task for task in self.tasks.values() if task.agent == agent]
        for task in lost:
            self._end(task, TaskState.TASK_FAILED, None)
        return [task.id for task in lost]

    def _update(
        self,
        task_id: str,
        state: TaskState,
        source: TaskStatusSource = TaskStatusSource.SOURCE_EXECUTOR,
    ) -> None:
        self._numbered += 1
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            message="" if state not in TERMINAL else "Command has ended",
            source=source,
            uuid=self._numbered.to_bytes(16, "big"),
        )
        assert status.uuid is not None
        self.owed[status.uuid] = status
        self._say(StatusCame(status))
