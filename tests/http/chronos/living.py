"""Chronos' site over the real core, driver and feed, on a cluster of one generous agent."""

from __future__ import annotations

import random
from typing import Any

from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.machine import Chronos
from mesostw.core.scheduling import AcceptOffers, KillTask, Offered, Registered, StatusCame
from mesostw.driver import Driver
from mesostw.interfaces import IPerformer
from mesostw.messages import AgentID, TaskID, TaskInfo, TaskState, TaskStatus
from mesostw.model.ids import FrameworkId
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.unattended import unattended
from tests.core.marathon.offering import offer
from tests.http.chronos.world import ChronosWorld


@implementer(IPerformer)
class Agent:
    """Runs whatever it is told to until a test ends it, or it is killed."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self.tasks: dict[str, TaskInfo] = {}
        self.driver: Driver[Any, Any, Any] | None = None
        self._uuid = 0

    def perform(self, effect: object) -> None:
        match effect:
            case AcceptOffers(_, operations, _):
                for operation in operations:
                    launch = operation.launch
                    for task in () if launch is None else launch.task_infos:
                        self.tasks[task.task_id.value] = task
                        self.tell(task.task_id.value, TaskState.TASK_RUNNING)
            case KillTask(task_id, _, _):
                self.tell(task_id, TaskState.TASK_KILLED)
            case _:
                self.said.append(effect)

    def tell(self, task_id: str, state: TaskState) -> None:
        """A task is in another state."""
        assert self.driver is not None
        self._uuid += 1
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            agent_id=AgentID(value=self.tasks[task_id].agent_id.value),
            timestamp=1.0,
            uuid=self._uuid.to_bytes(16, "big"),
        )
        if state is not TaskState.TASK_RUNNING:
            del self.tasks[task_id]
        self.driver.tell((StatusCame(status),))


class LivingWorld(ChronosWorld):
    """A Chronos that decides."""

    def __init__(self, flags: ChronosFlags | None = None, **parts: Any) -> None:
        self.agent = Agent()
        self.chronos = Chronos(flags or ChronosFlags(), b"12345678", random.Random(1))
        super().__init__(reports=self.chronos, **parts)
        self.failures: list[object] = []
        #: Rounds of offers so far.
        self.offers = 0
        clock: Any = self.clock
        self.driver: Driver[Any, Any, Any] = Driver(
            clock,
            self.chronos,
            MemoryStore(MemoryDisk()),
            self.feed,
            Exchange(self.clock, "chronos", ()),
            self.agent,
            self.failures.append,
            checking=True,
        )
        self.agent.driver = self.driver
        unattended(self.driver.start(), self.failures.append)
        self.driver.tell((Registered(FrameworkId("F-1"), None),))
        self.turn()

    def make_inbox(self) -> Any:
        return _Later(self)

    def turn(self, times: int = 30) -> None:
        """Have the reactor turn."""
        for _ in range(times):
            self.clock.advance(0)

    def settle(self, seconds: int = 5) -> None:
        """Offers come each second."""
        for _ in range(seconds):
            self.offers += 1
            self.driver.tell((Offered((offer(1, name=f"O{self.offers}"),)),))
            self.turn()
            self.clock.advance(1)
            self.turn()

    def finish(self, state: TaskState = TaskState.TASK_FINISHED) -> None:
        """Every task ends."""
        for task_id in tuple(self.agent.tasks):
            self.agent.tell(task_id, state)
        self.turn()


class _Later:
    """The driver, which there is only once the site is made."""

    def __init__(self, world: LivingWorld) -> None:
        self._world = world

    def ask(self, question: Any) -> Any:
        return self._world.driver.ask(question)

    def tell(self, stimuli: Any) -> None:
        self._world.driver.tell(stimuli)

    def has_room(self, resume: Any) -> bool:
        return self._world.driver.has_room(resume)
