"""Marathon's site over the real core, driver and feed, on a cluster of one generous agent."""

from __future__ import annotations

import random
from typing import Any

from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.machine import Marathon
from mesostw.core.scheduling import (
    AcceptOffers,
    KillTask,
    Offered,
    Registered,
    StatusCame,
)
from mesostw.driver import Driver
from mesostw.interfaces import IPerformer
from mesostw.messages import AgentID, TaskID, TaskState, TaskStatus
from mesostw.model.ids import FrameworkId
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.unattended import unattended
from tests.core.marathon.offering import offer
from tests.http.marathon.world import MarathonWorld


@implementer(IPerformer)
class Agent:
    """Runs whatever it is told to, at once; a task is ended as soon as that is asked."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self.tasks: dict[str, str] = {}
        self.driver: Driver[Any, Any, Any] | None = None

    def perform(self, effect: object) -> None:
        match effect:
            case AcceptOffers(_, operations, _):
                for operation in operations:
                    launch = operation.launch
                    for task in () if launch is None else launch.task_infos:
                        self.tasks[task.task_id.value] = task.agent_id.value
                        self.tell(task.task_id.value, TaskState.TASK_RUNNING)
            case KillTask(task_id, _, _):
                self.tell(task_id, TaskState.TASK_KILLED)
            case _:
                self.said.append(effect)

    def tell(self, task_id: str, state: TaskState, message: str = "") -> None:
        """A task is in another state."""
        assert self.driver is not None
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            message=message,
            agent_id=AgentID(value=self.tasks.get(task_id, "S1")),
            timestamp=1.0,
            uuid=b"u" * 16,
        )
        if state is not TaskState.TASK_RUNNING:
            self.tasks.pop(task_id, None)
        self.driver.tell((StatusCame(status),))


class LivingWorld(MarathonWorld):
    """A Marathon that decides."""

    def __init__(self, flags: MarathonFlags | None = None, **parts: Any) -> None:
        self.agent = Agent()
        self.marathon = Marathon(flags or MarathonFlags(), b"12345678", random.Random(1))
        super().__init__(reports=self.marathon, **parts)
        self.failures: list[object] = []
        #: Rounds of offers so far.
        self.offers = 0
        clock: Any = self.clock
        self.driver: Driver[Any, Any, Any] = Driver(
            clock,
            self.marathon,
            MemoryStore(MemoryDisk()),
            self.feed,
            Exchange(self.clock, "marathon", ()),
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

    def offer(self, count: int = 1) -> None:
        """Each agent has plenty, once."""
        self.offers += 1
        offers = (offer(n, name=f"O{self.offers}.{n}") for n in range(1, count + 1))
        self.driver.tell((Offered(tuple(offers)),))
        self.turn()

    def settle(self, seconds: int = 20) -> None:
        """Offers come each second until nothing waits and nothing is under way."""
        for _ in range(seconds):
            self.offer(5)
            self.clock.advance(1)
            self.turn()
            if not self.feed.view.waiting and not self.feed.view.deployments:
                return


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
