"""
A framework that loads a master, in a process of its own.

    python -m benchmarks.load --master 127.0.0.1:5050 tasks --count 20000

``offers`` waits for every agent's offer; ``decline`` measures from a decline without a
filter to the next offer; ``tasks`` launches and acknowledges as fast as offers allow;
``alone`` launches one task after the other.  Facts come as JSON lines on stdout.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor as _reactor

from benchmarks.farm import tell
from mesostw.client.connect import connect
from mesostw.client.scheduler import Scheduler
from mesostw.messages import (
    CommandInfo,
    FrameworkInfo,
    Launch,
    MasterInfo,
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
from mesostw.unattended import unattended

reactor: Any = _reactor


class Load(Scheduler):
    """What every load knows."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.began = time.monotonic()

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        """Time starts here."""
        self.began = time.monotonic()
        tell(event="subscribed")

    async def error(self, message: str) -> None:
        """A refused load measures nothing."""
        tell(event="refused", message=message)


class AllOffers(Load):
    """How long until every agent has been offered once."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.agents: set[str] = set()
        self.asked = time.monotonic()

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Count; hold what was offered."""
        if not self.agents:
            tell(event="first_offer", seconds=time.monotonic() - self.began)
        self.agents.update(offer.agent_id.value for offer in offers)
        if len(self.agents) == self.options.count:
            tell(event="all_offers", seconds=time.monotonic() - self.began)


class Decline(Load):
    """From a decline with ``refuse_seconds: 0`` to the next offer of the same."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.declined = 0.0
        self.waits: list[float] = []

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Measure, decline again."""
        now = time.monotonic()
        if self.declined:
            self.waits.append(now - self.declined)
        if len(self.waits) == self.options.count:
            tell(event="waits", seconds=sorted(self.waits))
            return
        self.declined = time.monotonic()
        self.driver.decline([offer.id for offer in offers], refuse_s=0)


class Tasks(Load):
    """Launch ``count`` tasks, as many at once as offers hold, to the last acknowledgement."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.left = options.count
        self.ended = self.updates = self.bad = 0
        self.started = 0.0
        self.until = TaskState[f"TASK_{options.until.upper()}"]
        self.need = Resources.parse(options.need)
        self.resources = messages_of(self.need, "*")
        self.command = CommandInfo(
            shell=False, value=options.program, arguments=tuple(options.arguments.split())
        )

    def task(self, offer: Offer) -> TaskInfo:
        """The next task."""
        self.left -= 1
        return TaskInfo(
            name="bench",
            task_id=TaskID(value=f"t{self.left}"),
            agent_id=offer.agent_id,
            resources=self.resources,
            command=self.command,
        )

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Fill every offer, within what may be under way."""
        self.started = self.started or time.monotonic()
        for offer in offers:
            left = resources_of(offer.resources)
            tasks: list[TaskInfo] = []
            while self.left and len(tasks) < self.options.batch and left.contains(self.need):
                left = left - self.need
                tasks.append(self.task(offer))
            if tasks:
                launch = OfferOperation(
                    type=OfferOperationType.LAUNCH, launch=Launch(task_infos=tuple(tasks))
                )
                self.driver.accept([offer.id], [launch], refuse_s=0)
            else:
                self.driver.decline([offer.id], refuse_s=3600)

    async def updated(self, status: TaskStatus) -> None:
        """Count ends."""
        self.updates += 1
        if status.state is not self.until and status.state not in TERMINAL:
            return
        self.ended += 1
        if status.state is not self.until:
            self.bad += 1
            if self.bad == 1:
                tell(event="bad", state=status.state.value, message=status.message)
        if self.ended == self.options.count:
            # The last acknowledgement is written when this turn ends.
            seconds = time.monotonic() - self.started
            if self.until not in TERMINAL:
                reactor.callLater(0, self.driver.stop, teardown=True)
            tell(event="done", seconds=seconds, updates=self.updates, bad=self.bad)


class Alone(Tasks):
    """One task after the other: from accept to RUNNING, from its end to the next offer."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.accepted = 0.0
        self.waits: list[float] = []
        self.ends: list[float] = []
        self.ended_at = 0.0
        self.under_way = False

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Use the first, give the others back at once."""
        if self.ended_at:
            self.ends.append(time.monotonic() - self.ended_at)
            self.ended_at = 0.0
        for offer in offers:
            if self.under_way or not self.left:
                self.driver.decline([offer.id], refuse_s=3600)
                continue
            self.under_way = True
            launch = OfferOperation(
                type=OfferOperationType.LAUNCH, launch=Launch(task_infos=(self.task(offer),))
            )
            self.accepted = time.monotonic()
            self.driver.accept([offer.id], [launch], refuse_s=3600)

    async def updated(self, status: TaskStatus) -> None:
        """Measure to RUNNING; start the next when this one has ended."""
        if status.state is TaskState.TASK_RUNNING:
            self.waits.append(time.monotonic() - self.accepted)
        if status.state not in TERMINAL:
            return
        self.under_way = False
        self.ended_at = time.monotonic()
        if not self.left:
            tell(event="waits", seconds=sorted(self.waits), freed=sorted(self.ends))


LOADS = {"offers": AllOffers, "decline": Decline, "tasks": Tasks, "alone": Alone}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--master", default="127.0.0.1:5050")
    parser.add_argument("name", choices=sorted(LOADS))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=100, help="tasks in one accept, at most")
    parser.add_argument("--need", default="cpus:0.01;mem:1")
    parser.add_argument("--program", default="/bin/true")
    parser.add_argument("--arguments", default="true")
    parser.add_argument("--until", choices=("finished", "running"), default="finished")
    options = parser.parse_args(arguments)
    framework = FrameworkInfo(
        user="root", name=f"bench {options.name}", checkpoint=True, failover_timeout=3600.0
    )
    load = LOADS[options.name](options)

    def go() -> None:
        client = connect(reactor, load, framework)
        unattended(
            client.start(options.master),
            lambda failure: tell(event="failed", message=failure.getErrorMessage()),
        )

    reactor.callWhenRunning(go)
    reactor.run()


if __name__ == "__main__":
    main()
