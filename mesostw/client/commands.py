"""
A framework that runs one command many times, and is done when all have ended.

The scheduler behind ``mesostw run``, and an example of a whole framework.
:class:`CommandRun` knows nothing of terminals; it tells a listener what moved.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mesostw.client.scheduler import Scheduler
from mesostw.messages import (
    AgentID,
    CommandInfo,
    Launch,
    Offer,
    OfferOperation,
    OfferOperationType,
    TaskID,
    TaskInfo,
    TaskStatus,
)
from mesostw.messages.convert import messages_of, resources_of
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL, TaskState

#: How long offers are refused when there is nothing left to start.
REFUSE_S: Final = 3600.0

#: States of an instance that never ran: starting it again cannot run it twice.
NEVER_RAN: Final = frozenset({TaskState.TASK_DROPPED})

#: How often an instance that never ran is started again before it counts as failed.
ATTEMPTS_MAX: Final = 10

_EXITED: Final = re.compile(r"exited with status (\d+)")
_SIGNALLED: Final = re.compile(r"terminated with signal \D*(\d+)")


class Instance(Struct, frozen=True):
    """One run of the command, as its newest status tells."""

    number: int
    attempt: int = 1
    state: TaskState = TaskState.TASK_STAGING
    agent_id: str | None = None
    message: str = ""


class CommandRun(Scheduler):
    """
    Run ``command`` ``instances`` times, each with ``need``.

    ``moved`` is called with an instance after each of its status updates and after it was
    launched.  ``finished`` is called once when every instance has ended.
    """

    def __init__(
        self,
        name: str,
        command: CommandInfo,
        instances: int,
        need: Resources,
        moved: Callable[[Instance], None],
        finished: Callable[[], None],
    ) -> None:
        self.name, self.command, self.need = name, command, need
        self._moved, self._finished = moved, finished
        self._waiting = deque(Instance(number) for number in range(instances))
        self._launched: dict[str, Instance] = {}
        self.instances = instances
        self._suppressed = False
        #: Of each resource the most that an offer had which was too small, in thousandths.
        self._most: dict[str, int] = {}

    # --- what has become of them ---------------------------------------------

    def states(self) -> Counter[TaskState]:
        """How many launched instances are in each state."""
        return Counter(instance.state for instance in self._launched.values())

    @property
    def waiting(self) -> int:
        """Instances that no offer has taken yet."""
        return len(self._waiting)

    def shortfall(self) -> str:
        """What no offer had enough of, in words; empty if nothing is known to be short."""
        return ", ".join(
            f"{amount / 1000:g} {name} wanted, {self._most.get(name, 0) / 1000:g} offered at most"
            for name, amount in self.need.scalars().items()
            if self._most and self._most.get(name, 0) < amount
        )

    @property
    def all_ended(self) -> bool:
        """Whether there is nothing left to wait for."""
        return not self._waiting and all(
            instance.state in TERMINAL for instance in self._launched.values()
        )

    def exit_status(self) -> int:
        """The worst of all: 0 if every instance finished, as a shell would say it otherwise."""
        return max((exit_status_of(one) for one in self._launched.values()), default=0)

    def agent_of(self, task_id: str) -> str | None:
        """The agent that a launched instance was placed on."""
        instance = self._launched.get(task_id)
        return instance.agent_id if instance else None

    def has_ended(self, task_id: str) -> bool:
        """Whether a launched instance has reached its last state."""
        instance = self._launched.get(task_id)
        return instance is None or instance.state in TERMINAL

    def cancel(self) -> None:
        """Start nothing more, and have everything that runs killed."""
        self._waiting.clear()
        for task_id, instance in self._launched.items():
            if instance.state not in TERMINAL:
                self.driver.kill(task_id, instance.agent_id)
        self._settle()

    def task_id(self, instance: Instance) -> str:
        """The id of an instance's present attempt; no id is used twice."""
        again = "" if instance.attempt == 1 else f".{instance.attempt}"
        return f"{self.name}-{instance.number}{again}"

    # --- callbacks -------------------------------------------------------------

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Fill each offer with as many instances as fit."""
        for offer in offers:
            tasks = self._fill(offer)
            if tasks:
                launch = OfferOperation(
                    type=OfferOperationType.LAUNCH, launch=Launch(task_infos=tuple(tasks))
                )
                self.driver.accept([offer.id], [launch], 0.0 if self._waiting else REFUSE_S)
            else:
                self.driver.decline([offer.id], None if self._waiting else REFUSE_S)
        self._quieten()

    async def updated(self, status: TaskStatus) -> None:
        """Follow each instance; start one that never ran again."""
        task_id = status.task_id.value
        instance = self._launched.get(task_id)
        if instance is None or instance.state in TERMINAL:
            return
        instance = replace(instance, state=status.state, message=status.message or "")
        if status.state in NEVER_RAN and instance.attempt < ATTEMPTS_MAX:
            del self._launched[task_id]
            self._waiting.append(Instance(instance.number, instance.attempt + 1))
            self.driver.revive()
            self._suppressed = False
        else:
            self._launched[task_id] = instance
        self._moved(instance)
        self._settle()

    async def disconnected(self) -> None:
        """A new master does not know that we wanted no offers."""
        self._suppressed = False

    # --- inside ------------------------------------------------------------------

    def _fill(self, offer: Offer) -> list[TaskInfo]:
        left = resources_of(offer.resources)
        if not left.contains(self.need):
            for name, amount in left.scalars().items():
                self._most[name] = max(amount, self._most.get(name, 0))
        role = offer.allocation_info.role if offer.allocation_info else None
        tasks = []
        while self._waiting and left.contains(self.need):
            left = left - self.need
            instance = replace(self._waiting.popleft(), agent_id=offer.agent_id.value)
            task_id = self.task_id(instance)
            self._launched[task_id] = instance
            tasks.append(
                TaskInfo(
                    name=self.name,
                    task_id=TaskID(value=task_id),
                    agent_id=AgentID(value=offer.agent_id.value),
                    resources=messages_of(self.need, role),
                    command=self.command,
                )
            )
            self._moved(instance)
        return tasks

    def _quieten(self) -> None:
        if not self._waiting and not self._suppressed:
            self._suppressed = True
            self.driver.suppress()

    def _settle(self) -> None:
        if self.all_ended:
            self._finished()


def exit_status_of(instance: Instance) -> int:
    """
    What a shell would have said: 0, the exit status, 128 + signal, or 1 for other ends.

    The API has no field for a command's exit status; the executor's message tells it.
    """
    if instance.state is TaskState.TASK_FINISHED:
        return 0
    exited = _EXITED.search(instance.message)
    if exited:
        return int(exited[1])
    signalled = _SIGNALLED.search(instance.message)
    if signalled:
        return 128 + int(signalled[1])
    return 1
